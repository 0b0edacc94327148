"""What is done with each batch that was read, whoever read it: kept within the limits, stored, counted."""

import asyncio
import time
from collections.abc import Sequence

from okr_common import metrics
from okr_common.counted import counted
from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_common.sources import Read, SourcesFolder
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.store import Ending, Held, Portion

log = logger(__name__)
STAGE = "ingest-csv"


class Keeper:
    """Stores batches for the loader."""

    def __init__(self, sources: SourcesFolder, max_rows: int, slow_seconds: float) -> None:
        self._sources = sources
        self._max_rows = max_rows
        self._slow_seconds = slow_seconds
        self._slow: dict[str, str] = {}

    @property
    def slow(self) -> str | None:
        """Why reading waits, while the database takes long; None where it does not."""
        return next(iter(self._slow.values()), None)

    async def keep(self, held: Held, portions: Sequence[Portion], began: float) -> bool:
        """Stores these batches, each of another file; true when the last of them was its file's last.

        `began`: when their reading did, by perf_counter. Raises PermanentError("too_many_rows").
        """
        for portion in portions:
            self._must_not_be_too_long(portion)
        endings = await self._stored(held, portions)
        for portion in portions:
            _count(portion)
        metrics.BATCH_SECONDS.labels(STAGE).observe(time.perf_counter() - began)
        last = [portion.file for portion in portions if portion.batch.last]
        for file, ending in zip(last, endings, strict=True):
            _tell(file, ending)
        return portions[-1].batch.last

    async def _stored(self, held: Held, portions: Sequence[Portion]) -> list[Ending]:
        """Reading is ahead by a few batches only, so it waits for the database by itself; that it does is told."""
        path, began = held.file.path, time.monotonic()
        late = asyncio.get_running_loop().call_later(self._slow_seconds, self._waits, path)
        try:
            endings = await held.store(portions, self._read_block(held.file.source))
        except BaseException:
            self._goes_on(path)
            raise
        finally:
            late.cancel()
        if portions[-1].batch.last or time.monotonic() - began <= self._slow_seconds:
            self._goes_on(path)  # else the next one has to show it: slow batch after slow batch is one pause
        return endings

    def _waits(self, path: str) -> None:
        if path in self._slow:
            return
        self._slow[path] = (
            f"okr_raw has taken more than {self._slow_seconds:g} s to store a batch of {path}; reading waits for it, "
            "and goes on by itself"
        )
        log.warning("okr_raw_slow", path=path, seconds=self._slow_seconds)
        metrics.READING_PAUSED.labels("okr_raw").set(1)

    def _goes_on(self, path: str) -> None:
        if self._slow.pop(path, None) is not None and not self._slow:
            log.warning("okr_raw_answers_again", path=path)
            metrics.READING_PAUSED.labels("okr_raw").set(0)

    def _must_not_be_too_long(self, portion: Portion) -> None:
        if portion.batch.after.row - 1 > self._max_rows:
            raise PermanentError(
                "too_many_rows",
                f"{portion.file.path} has more than {self._max_rows:,} records, the limit of ingest_csv.max_rows; the "
                f"{counted(portion.number - 1, 'batch', 'batches')} read before stay. Raise it, or cut the file.",
            )

    def _read_block(self, source: str) -> Read:
        mapping = self._sources.current().mappings.get(source)
        return mapping.read if mapping else Read()


def _count(portion: Portion) -> None:
    source = portion.file.source
    metrics.ROWS_INGESTED.labels(source).inc(portion.batch.rows)
    for one in portion.batch.unreadable:
        metrics.ROWS_UNREADABLE.labels(source, one.reason).inc()


def _tell(file: Claimed, ending: Ending) -> None:
    metrics.FILES.labels(file.source, ending.state, ending.reason or "").inc()
    if ending.state != "done":
        log.warning("file_ended", file_id=file.file_id, state=ending.state, reason=ending.reason, detail=ending.detail)
