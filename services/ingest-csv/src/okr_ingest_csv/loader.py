"""Claimed files become batches: one lane per source, each file in its sequence, reading one batch ahead of storing."""

import asyncio
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from okr_common import metrics
from okr_common.errors import FencedError, PermanentError
from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_ingest_csv.domain.batch import Batch
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.reading import Reading
from okr_ingest_csv.settings import IngestCsvSettings
from okr_ingest_csv.store import Held, Store
from okr_ingest_csv.waiting import pause, unless_stopped

log = logger(__name__)
Asked = ParamSpec("Asked")
Done = TypeVar("Done")
LOOK_AGAIN_SECONDS = 5.0
"""How often a source is looked at although nobody said that a file waits: another replica may have died over one."""
STAGE = "ingest-csv"


class Loader:
    """Loads whatever waits in okr_raw, from wherever it was left."""

    def __init__(self, store: Store, settings: IngestCsvSettings) -> None:
        self._store = store
        self._batch_rows = settings.batch_rows
        self._room = asyncio.Semaphore(settings.parallel_sources)
        self._lanes: dict[str, asyncio.Event] = {}
        self._opened: asyncio.Queue[str] = asyncio.Queue()
        self.loading: dict[str, str] = {}

    def wake(self, source: str) -> None:
        """A file waits in this source."""
        if source in self._lanes:
            self._lanes[source].set()
        else:
            self._lanes[source] = asyncio.Event()
            self._opened.put_nowait(source)

    async def run(self, stop: asyncio.Event) -> None:
        """Loads until stopped; stops between two batches."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_for_left_ones(stop))
            while source := await unless_stopped(self._opened.get(), stop):
                tasks.create_task(self._lane(source, self._lanes[source], stop), name=f"lane of {source}")
            for lane in self._lanes.values():
                lane.set()

    async def _look_for_left_ones(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for source in await until_done("unfinished", self._store.unfinished_sources, stop):
                self.wake(source)
            await pause(stop, LOOK_AGAIN_SECONDS)

    async def _lane(self, source: str, woken: asyncio.Event, stop: asyncio.Event) -> None:
        while not stop.is_set():
            woken.clear()
            async with self._room:
                await until_done("load", lambda: self._load_source(source, stop), stop)
            await woken.wait()

    async def _load_source(self, source: str, stop: asyncio.Event) -> None:
        """All the files that wait in this source now, in order."""
        for file_id in await self._store.unfinished_files(source):
            if stop.is_set():
                return
            async with self._store.hold(file_id) as held:
                if held is not None and not held.file.must_wait:
                    await self._load(held, stop)

    async def _load(self, held: Held, stop: asyncio.Event) -> None:
        file = held.file
        self.loading[file.source] = file.path
        try:
            if file.is_revert and file.revert_of is not None:
                await held.store_revert(file.revert_of)
            else:
                await self._read(held, stop)
        except FencedError as error:
            log.warning("fenced", error=str(error))
        except PermanentError as error:
            state = "vanished" if error.reason == "vanished" else "failed"
            log.warning("file_ended", file_id=file.file_id, state=state, reason=error.reason, detail=str(error))
            await held.end(state, error.reason, str(error))
            metrics.FILES.labels(file.source, state, error.reason).inc()
        finally:
            del self.loading[file.source]

    async def _read(self, held: Held, stop: asyncio.Event) -> None:
        reading = Reading(held.file, self._batch_rows)
        number = held.file.batches + 1
        ahead = asyncio.create_task(_on_disk(reading.next_batch, held.first_batch_id))
        try:
            while not stop.is_set():
                began = time.perf_counter()
                batch = await ahead
                if not batch.last:
                    ahead = asyncio.create_task(_on_disk(reading.next_batch, await held.draw_batch_id()))
                await held.store_batch(batch, number)
                number += 1
                _count(held.file, batch, time.perf_counter() - began)
                if batch.last:
                    return
        finally:
            await asyncio.wait([ahead])  # the thread must be out of the file before it is closed
            reading.close()


async def _on_disk(work: Callable[Asked, Done], *asked: Asked.args, **named: Asked.kwargs) -> Done:
    """Runs in a thread; whatever the disk or the content does to it becomes the file's own reason."""
    try:
        return await asyncio.to_thread(work, *asked, **named)
    except PermanentError:
        raise
    except FileNotFoundError as error:
        raise PermanentError(
            "vanished", f"{error.filename} was taken away before it was read. Drop it again."
        ) from error
    except OSError as error:
        raise PermanentError(
            "cannot_read", f"{error.filename}: {error.strerror}. Mend it and drop it again."
        ) from error
    except Exception as error:
        log.exception("internal_error")
        raise PermanentError("internal_error", f"reading broke down ({error!r}). Please report this.") from error


def _count(file: Claimed, batch: Batch, seconds: float) -> None:
    metrics.ROWS_INGESTED.labels(file.source).inc(batch.rows)
    metrics.BATCH_SECONDS.labels(STAGE).observe(seconds)
    for one in batch.unreadable:
        metrics.ROWS_UNREADABLE.labels(file.source, one.reason).inc()
    if batch.last:
        metrics.FILES.labels(file.source, "done", "").inc()
