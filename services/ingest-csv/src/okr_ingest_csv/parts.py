"""Large files: cut by a plan, read in parts by several processes, stored in order."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from okr_common.errors import PermanentError, RetryableError
from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_ingest_csv.ahead import Ahead
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
SOON_PLANNED_BYTES = 1_073_741_824
"""Up to here the first ranges are read while the file is planned; a longer plan would keep others from their room."""
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
        self._ahead = settings.readers + 1
        room = settings.memory_bytes // COPIES // self._ahead
        self._size = Size(settings.batch_rows, room, settings.max_cell_bytes)
        self._room = asyncio.Semaphore(self._ahead)

    def wanted(self, held: Held) -> bool:
        """Whether this file is large, and may be one that can be cut."""
        if held.file.one_reader is not None:
            return False
        # planned is enough also where little is left of it: what was read before need not be looked at again
        return held.file.planned or held.file.bytes - held.file.next_byte >= self._large

    async def load(self, held: Held, stop: asyncio.Event) -> bool:
        """Reads what is left of the file, some ranges ahead of storing; false where one reader must go on now."""
        ahead = Ahead(self._room, lambda part, batch_id: self._read(held.file, part, batch_id, stop))
        with self._readers:
            try:
                left = await held.ranges_left() if held.file.planned else await self._plan(held, ahead, stop)
                return bool(left) and await self._load(held, left, ahead, stop)
            finally:
                await ahead.cancel()

    async def _plan(self, held: Held, ahead: Ahead, stop: asyncio.Event) -> list[Range]:
        """All ranges of the file, of which the first ones are being read by then; none where it cannot be cut."""
        await held.begin_plan()
        loop, found = asyncio.get_running_loop(), asyncio.Queue[Range]()

        def tell(one: Range) -> None:
            loop.call_soon_threadsafe(found.put_nowait, one)

        batch_ids = [await held.draw_batch_id() for _ in range(_head_start(held.file, self._ahead))]
        beginning = asyncio.create_task(ahead.begin(found, batch_ids))
        try:
            left = await on_disk(read_plan, held.file, self._size, stop.is_set, tell)
        except UnplannableError as error:
            log.info("one_reader", file_id=held.file.file_id, reason=str(error))
            await held.store_plan([], str(error))
            return []
        finally:
            beginning.cancel()
        await held.store_plan(left)
        return left

    async def _load(self, held: Held, left: Sequence[Range], ahead: Ahead, stop: asyncio.Event) -> bool:
        digests = Digests(held.file)
        waiting = deque(left[ahead.begun :])
        for number, _ in enumerate(left, held.file.batches + 1):
            if stop.is_set():
                break
            await self._pressure.eased(stop)
            began = time.perf_counter()
            while waiting and await ahead.has_room():
                ahead.add(waiting.popleft(), await held.draw_batch_id())
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


def _head_start(file: Claimed, ahead: int) -> int:
    """How many ranges may be read before all of them are known: not all that there is room for, others want some."""
    return ahead - 1 if file.bytes - file.next_byte <= SOON_PLANNED_BYTES else 0


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
