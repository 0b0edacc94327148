"""Claimed files become batches: one lane per source, each file in its sequence, reading one batch ahead of storing."""

import asyncio
import time
from collections.abc import Callable

from okr_common import metrics
from okr_common.errors import FatalError, FencedError, PermanentError, RetryableError
from okr_common.logs import logger
from okr_common.postgres.pool import RETRYABLE, until_done
from okr_ingest_csv.digests import Digests
from okr_ingest_csv.keeper import Keeper
from okr_ingest_csv.on_disk import on_disk
from okr_ingest_csv.parts import Parts
from okr_ingest_csv.pressure import Pressure
from okr_ingest_csv.reading import Measure, Reading
from okr_ingest_csv.settings import IngestCsvSettings
from okr_ingest_csv.small import Small, groups
from okr_ingest_csv.store import Held, Portion, Store
from okr_ingest_csv.waiting import pause, unless_stopped

log = logger(__name__)
LOOK_AGAIN_SECONDS = 5.0
"""How often a source is looked at although nobody said that a file waits: another replica may have died over one."""


class Loader:
    """Loads whatever waits in okr_raw, from wherever it was left. `look_again`: into the folders."""

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        pressure: Pressure,
        settings: IngestCsvSettings,
        look_again: Callable[[], None],
    ) -> None:
        self._store = store
        self._look_again = look_again
        self._keeper = keeper
        self._pressure = pressure
        self._parts = Parts(keeper, pressure, settings)
        self._measure = Measure(settings.batch_rows, settings.max_cell_bytes)
        self._small = Small(keeper, self._measure)
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
                await self._turn(source, stop)
            await woken.wait()

    async def _turn(self, source: str, stop: asyncio.Event) -> None:
        try:
            await until_done("load", lambda: self._load_source(source, stop), stop)
        except RetryableError as error:
            if not stop.is_set():
                raise
            log.info("not_loaded", source=source, reason=str(error))

    async def _load_source(self, source: str, stop: asyncio.Event) -> None:
        """All the files that wait in this source now, in order."""
        for group in groups(await self._store.unfinished_files(source)):
            left = group
            while left and not stop.is_set():
                await self._pressure.eased(stop)
                async with self._store.hold(left) as held:
                    done = await self._load_held(held, stop) if held is not None else len(left)
                left = left[done:]

    async def _load_held(self, held: Held, stop: asyncio.Event) -> int:
        """How many of the files, from the first, need no more attention now."""
        self.loading[held.file.source] = held.file.path
        try:
            return await self._small_ones(held) or await self._load(held, stop)
        except FencedError as error:
            log.warning("fenced", error=str(error))
            return len(held.files)
        finally:
            del self.loading[held.file.source]

    async def _small_ones(self, held: Held) -> int:
        """How many were read as a group; whatever is wrong with one of them is told when it is alone."""
        try:
            return await self._small.load(held)
        except (*RETRYABLE, FatalError):
            raise
        except Exception as error:  # noqa: BLE001 - see above
            log.info("not_as_a_group", files=[file.file_id for file in held.files], error=repr(error))
            return 0

    async def _load(self, held: Held, stop: asyncio.Event) -> int:
        """The first of the files, alone; see `_load_held`. Nothing that one file does may stop the others."""
        try:
            if held.file.is_revert and held.file.revert_of is not None:
                await held.store_revert(held.file.revert_of)
            elif not held.file.must_wait:
                return int(await self._read(held, stop))
        except (*RETRYABLE, FatalError):
            raise
        except PermanentError as error:
            await self._end(held, error)
        except Exception as error:
            log.exception("internal_error")
            await self._end(
                held, PermanentError("internal_error", f"loading broke down ({error!r}). Please report this.")
            )
        return 1

    async def _end(self, held: Held, error: PermanentError) -> None:
        file, state = held.file, "vanished" if error.reason == "vanished" else "failed"
        log.warning("file_ended", file_id=file.file_id, state=state, reason=error.reason, detail=str(error))
        await held.end(state, error.reason, str(error))
        metrics.FILES.labels(file.source, state, error.reason).inc()
        if error.reason in {"changed_while_read", "vanished"}:
            self._look_again()

    async def _read(self, held: Held, stop: asyncio.Event) -> bool:
        """False where the file is to be held anew, as it is by now, and read otherwise."""
        if self._parts.wanted(held):
            return await self._parts.load(held, stop)
        await self._one_after_another(held, stop)
        return True

    async def _one_after_another(self, held: Held, stop: asyncio.Event) -> None:
        """Reads one batch ahead of storing."""
        reading = Reading(held.file, self._measure, stop.is_set)
        number, digests = held.file.batches + 1, Digests(held.file)
        ahead = asyncio.create_task(on_disk(reading.next_batch, held.batch_ids[0]))
        try:
            while not stop.is_set():
                began = time.perf_counter()
                batch = await ahead
                if not batch.last:
                    await self._pressure.eased(stop)
                    ahead = asyncio.create_task(on_disk(reading.next_batch, await held.draw_batch_id()))
                if await self._keeper.keep(held, [Portion(held.file, batch, number, digests.after(batch))], began):
                    return
                number += 1
        finally:
            await asyncio.wait([ahead])  # the thread must be out of the file before it is closed
            reading.close()
