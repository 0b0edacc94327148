"""Reading a planned range of a large file.

Only what that needs is imported here, and nothing of the database or the broker: whoever reads is a small process.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from okr_ingest_csv.domain.batch import Batch, take_batch
from okr_ingest_csv.domain.fingerprint import Fingerprinted, Readable
from okr_ingest_csv.domain.plan import Range
from okr_ingest_csv.domain.record import Shape, Unreadable
from okr_ingest_csv.domain.records import RECORD_CELLS, read_records
from okr_ingest_csv.opening import open_file


@dataclass(frozen=True, slots=True)
class Task:
    """A range to read, of a file that was so many bytes long when it was planned, and what it becomes."""

    path: str
    file_bytes: int
    shape: Shape
    range: Range
    batch_id: int
    cell_bytes: int


@dataclass(frozen=True, slots=True)
class RangeRead:
    """The batch; or why there is none: the bytes are not those of the plan, or the plan's boundaries are not right."""

    batch: Batch | None
    trouble: Literal["changed", "misplanned"] | None = None


def read_range(task: Task) -> RangeRead:
    """Read one range. What it says of records and lines, and of quotes, is held against the plan."""
    planned = task.range
    with open_file(Path(task.path)) as raw:
        raw.seek(planned.start.byte)
        stream = Fingerprinted(_Part(raw, planned.length))
        records = read_records(stream, task.shape, planned.start, cell_bytes=task.cell_bytes)
        batch = take_batch(records, task.batch_id, planned.start, planned.records + 1, sys.maxsize)
        stream.skip(planned.length)  # with more records than planned they may still be the claimed bytes
        size = os.fstat(raw.fileno()).st_size
    if size != task.file_bytes or stream.fingerprint.sha256 != planned.sha256:
        return RangeRead(None, "changed")
    planned_well = batch.after == planned.after and not any(_against_quotes(one, task) for one in batch.unreadable)
    return RangeRead(batch) if planned_well else RangeRead(None, "misplanned")


def _against_quotes(one: Unreadable, task: Task) -> bool:
    """Whether it ends elsewhere than its quotes say, which is all that the plan knows.

    What follows it is read as if quotes opened where they close, and might by chance be as many records as planned; but
    where they end, only one who sees beyond the range can tell.
    """
    return one.reason in {"bad_quote", "unclosed_quote"} or one.byte_len > RECORD_CELLS * task.cell_bytes


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
