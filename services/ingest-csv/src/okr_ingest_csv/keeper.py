"""What is done with each batch that was read, whoever read it: kept within the limits, stored, counted."""

import time

from okr_common import metrics
from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_common.sources import Read, SourcesFolder
from okr_ingest_csv.domain.batch import Batch
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.store import Ending, Held

log = logger(__name__)
STAGE = "ingest-csv"


class Keeper:
    """Stores batches for the loader."""

    def __init__(self, sources: SourcesFolder, max_rows: int) -> None:
        self._sources = sources
        self._max_rows = max_rows

    async def keep(self, held: Held, batch: Batch, number: int, began: float) -> bool:
        """Stores this batch; true when it was the file's last. `began`: when its reading did, by perf_counter.

        Raises PermanentError("too_many_rows").
        """
        if batch.after.row - 1 > self._max_rows:
            raise PermanentError(
                "too_many_rows",
                f"{held.file.path} has more than {self._max_rows:,} records, the limit of ingest_csv.max_rows; the "
                f"{number - 1} batches read before stay. Raise it, or cut the file.",
            )
        ending = await held.store_batch(batch, number, self._read_block(held.file.source))
        _count(held.file, batch, time.perf_counter() - began)
        if ending is not None:
            _tell(held.file, ending)
        return ending is not None

    def _read_block(self, source: str) -> Read:
        mapping = self._sources.current().mappings.get(source)
        return mapping.read if mapping else Read()


def _count(file: Claimed, batch: Batch, seconds: float) -> None:
    metrics.ROWS_INGESTED.labels(file.source).inc(batch.rows)
    metrics.BATCH_SECONDS.labels(STAGE).observe(seconds)
    for one in batch.unreadable:
        metrics.ROWS_UNREADABLE.labels(file.source, one.reason).inc()


def _tell(file: Claimed, ending: Ending) -> None:
    metrics.FILES.labels(file.source, ending.state, ending.reason or "").inc()
    if ending.state != "done":
        log.warning("file_ended", file_id=file.file_id, state=ending.state, reason=ending.reason, detail=ending.detail)
