"""Reading planned ranges of large files, in processes of their own.

Only what a range needs is imported here, and nothing of the database or the broker: each process is small.
"""

import asyncio
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from okr_common.errors import RetryableError
from okr_ingest_csv.domain.batch import Batch, take_batch
from okr_ingest_csv.domain.fingerprint import Fingerprinted, Readable
from okr_ingest_csv.domain.plan import Range
from okr_ingest_csv.domain.record import Shape
from okr_ingest_csv.domain.records import read_records
from okr_ingest_csv.opening import open_file


@dataclass(frozen=True, slots=True)
class Task:
    """A range to read, and what it becomes."""

    path: str
    shape: Shape
    range: Range
    batch_id: int
    cell_bytes: int


@dataclass(frozen=True, slots=True)
class RangeRead:
    """The batch; or why there is none: the bytes are not those of the plan, or the plan's boundaries are not right."""

    batch: Batch | None
    trouble: Literal["changed", "misplanned"] | None = None


class Readers:
    """A pool of processes, started with the first range and stopped when nobody needs it for now."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._users = 0

    def __enter__(self) -> Self:
        self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._users -= 1
        if not self._users:
            self._stop()

    async def read(self, task: Task) -> RangeRead:
        """Raises RetryableError where a process died over it."""
        pool = self._pool = self._pool or _pool(self.processes)
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, read_range, task)
        except BrokenProcessPool as error:
            if self._pool is pool:
                self._stop()
            raise RetryableError(f"a process that read {task.path} died; its range is read again") from error

    def _stop(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def read_range(task: Task) -> RangeRead:
    """Read one range. What it says of records and lines is held against the plan."""
    planned = task.range
    with open_file(Path(task.path)) as raw:
        raw.seek(planned.start.byte)
        stream = Fingerprinted(_Part(raw, planned.length))
        records = read_records(stream, task.shape, planned.start, cell_bytes=task.cell_bytes)
        batch = take_batch(records, task.batch_id, planned.start, planned.records + 1)
    if stream.fingerprint.sha256 != planned.sha256:
        return RangeRead(None, "changed")
    return RangeRead(batch) if batch.after == planned.after else RangeRead(None, "misplanned")


class _Part:
    """The next bytes of a file, as if it ended there."""

    def __init__(self, raw: Readable, length: int) -> None:
        self._raw = raw
        self._left = length

    def read(self, size: int, /) -> bytes:
        """See `Readable`."""
        chunk = self._raw.read(min(size, self._left))
        self._left -= len(chunk)
        return chunk


def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """A reader whose service was killed must not stay."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
