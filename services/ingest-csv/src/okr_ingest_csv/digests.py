"""The digests of a file's rows while it is read, as long as they are not too many to keep in memory."""

from okr_ingest_csv.domain.batch import Batch
from okr_ingest_csv.domain.progress import Claimed

KEPT_ROWS = 1_000_000
"""16 bytes each here, and about 80 while they are compared at the file's end. Of more rows the database counts."""


class Digests:
    """Of one file; nothing is known where its first batches were read by another process."""

    def __init__(self, file: Claimed) -> None:
        self._kept: bytearray | None = bytearray() if not file.batches else None

    def after(self, batch: Batch) -> bytes | None:
        """All digests once this batch is read too: told with a last batch, as nobody else asks."""
        if self._kept is not None:
            self._kept += batch.digests
            if len(self._kept) > 16 * KEPT_ROWS:
                self._kept = None
        return bytes(self._kept) if batch.last and self._kept is not None else None
