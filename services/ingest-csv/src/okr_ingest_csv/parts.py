"""Large files: cut by a plan, read in parts by several processes, stored in order."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from okr_common.errors import PermanentError, RetryableError
from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_ingest_csv.digests import Digests
from okr_ingest_csv.domain.plan import Range, Size, UnplannableError
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.keeper import Keeper
from okr_ingest_csv.on_disk import on_disk, with_reason
from okr_ingest_csv.pressure import Pressure
from okr_ingest_csv.ranges import RangeRead, Task
from okr_ingest_csv.readers import ReaderDiedError, Readers
from okr_ingest_csv.reading import changed, read_plan
from okr_ingest_csv.settings import IngestCsvSettings
from okr_ingest_csv.store import Held, Portion

log = logger(__name__)
COPIES = 4
"""A range stands in memory about so many times over: its cells, its rows for COPY, and both on their way to us."""
READ_AGAIN = 10
"""A range over which so many processes died, some ten seconds long, would be the death of all others."""


class Parts:
    """Reads the planned ranges of large files. All files together hold so many ranges at once as memory allows."""

    def __init__(self, keeper: Keeper, pressure: Pressure, settings: IngestCsvSettings) -> None:
        self._keeper = keeper
        self._pressure = pressure
        self._large = settings.large_file_bytes
        self._cell_bytes = settings.max_cell_bytes
        self._readers = Readers(settings.readers)
        ahead = settings.readers + 1
        self._size = Size(settings.batch_rows, settings.memory_bytes // COPIES // ahead, settings.max_cell_bytes)
        self._room = asyncio.Semaphore(ahead)

    async def wanted(self, held: Held, stop: asyncio.Event) -> bool:
        """Whether this file is large; of one that cannot be cut it is noted that one reader reads it."""
        if held.one_reader is not None:
            return False
        if held.file.planned:  # also where little is left of it: what was read before need not be looked at again
            return True
        if held.file.bytes - held.file.next_byte < self._large:
            return False
        await self._plan(held, stop)
        return held.one_reader is None

    async def _plan(self, held: Held, stop: asyncio.Event) -> None:
        await held.begin_plan()
        self._readers.start()
        try:
            await held.store_plan(await on_disk(read_plan, held.file, self._size, stop.is_set))
        except BaseException as error:
            self._readers.rest()
            if not isinstance(error, UnplannableError):
                raise
            log.info("one_reader", file_id=held.file.file_id, reason=str(error))
            await held.store_plan([], str(error))

    async def load(self, held: Held, stop: asyncio.Event) -> bool:
        """Reads what is left of the file, some ranges ahead of storing; false where one reader must go on now."""
        left = await held.ranges_left()
        batch_ids = [held.batch_ids[0], *[await held.draw_batch_id() for _ in left[1:]]]
        with self._readers:
            ahead = _Ahead(self._room)
            try:
                return await self._load(held, left, batch_ids, ahead, stop)
            finally:
                await ahead.cancel()

    async def _load(
        self, held: Held, left: Sequence[Range], batch_ids: Sequence[int], ahead: "_Ahead", stop: asyncio.Event
    ) -> bool:
        digests = Digests(held.file)
        waiting = deque(zip(left, batch_ids, strict=True))
        for number, _ in enumerate(left, held.file.batches + 1):
            if stop.is_set():
                break
            await self._pressure.eased(stop)
            began = time.perf_counter()
            while waiting and await ahead.has_room():
                part, batch_id = waiting.popleft()
                ahead.add(asyncio.create_task(self._read(held.file, part, batch_id, stop)))
            read = await ahead.next()
            if read is None:
                break
            if read.batch is None:
                await _refuse(held, read, number - 1)
                return False
            batch = replace(read.batch, last=number == held.file.batches + len(left))
            await self._keeper.keep(held, [Portion(held.file, batch, number, digests.after(batch))], began)
            ahead.stored()
        return True

    async def _read(self, file: Claimed, part: Range, batch_id: int, stop: asyncio.Event) -> RangeRead | None:
        """Where its process dies, a range is read again, it alone; None where we stop, and the process did so too.

        Raises PermanentError("reader_died") where that happens too often.
        """
        task = Task(file.path, file.bytes, file.shape, part, batch_id, self._cell_bytes)
        died = 0

        async def read() -> RangeRead:
            nonlocal died
            log.debug("range_begun", file_id=file.file_id, byte=part.start.byte)
            try:
                return await with_reason(self._readers.read(task))
            except ReaderDiedError as error:
                died += 1
                if died == READ_AGAIN:
                    raise _always_dies(file, part) from error
                raise

        try:
            return await until_done("read_range", read, stop)
        except RetryableError:
            return None


def _always_dies(file: Claimed, part: Range) -> PermanentError:
    return PermanentError(
        "reader_died",
        f"each of {READ_AGAIN} processes that read {file.path} from byte {part.start.byte:,} on ended before its time, "
        "most likely for want of memory (the system's log tells); the batches read before stay. Give it more, or lower "
        "ingest_csv.memory_bytes, and drop the file again.",
    )


async def _refuse(held: Held, read: RangeRead, stored: int) -> None:
    if read.trouble == "changed":
        raise changed(held.file, stored)
    log.warning("misplanned", file_id=held.file.file_id)
    await held.give_up_plan("its records are not where its quotes say; one reader reads on where the parts ended")


class _Ahead:
    """The ranges that are being read, oldest first; each holds room until it is stored."""

    def __init__(self, room: asyncio.Semaphore) -> None:
        self._room = room
        self._tasks: deque[asyncio.Task[RangeRead | None]] = deque()
        self._held = 0

    async def has_room(self) -> bool:
        """Takes room for one more if there is any; the first one waits for it."""
        if self._held and self._room.locked():
            return False
        await self._room.acquire()
        self._held += 1
        return True

    def add(self, task: "asyncio.Task[RangeRead | None]") -> None:
        """One more is being read."""
        self._tasks.append(task)

    async def next(self) -> RangeRead | None:
        """The oldest."""
        return await self._tasks.popleft()

    def stored(self) -> None:
        """The oldest needs no memory any more."""
        self._held -= 1
        self._room.release()

    async def cancel(self) -> None:
        """Nobody wants the rest."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _ in range(self._held):
            self._room.release()
