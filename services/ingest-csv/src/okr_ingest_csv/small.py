"""Small files: many of one source read, and stored in one transaction, at a time."""

import time
from collections.abc import Iterator, Sequence

from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.keeper import Keeper
from okr_ingest_csv.on_disk import on_disk
from okr_ingest_csv.reading import Measure, Reading
from okr_ingest_csv.store import Held, Portion

log = logger(__name__)
SMALL_BYTES = 262_144
GROUP_FILES, GROUP_BYTES = 64, 4_194_304
"""A group is at most so large: more would bring little, and keep the first waiting."""


def groups(files: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Ids of files to hold at once, in order, of (id, size in bytes): small ones together, each other one alone.

    >>> list(groups([(1, 10), (2, 20), (3, 9_000_000), (4, 10)]))
    [[1, 2], [3], [4]]
    """
    group: list[int] = []
    size = 0
    for file_id, length in files:
        if group and (length > SMALL_BYTES or len(group) == GROUP_FILES or size + length > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(file_id)
        size += length if length <= SMALL_BYTES else GROUP_BYTES
    if group:
        yield group


class Small:
    """Reads the held files one after another, as long as each is one batch."""

    def __init__(self, keeper: Keeper, measure: Measure) -> None:
        self._keeper = keeper
        self._measure = measure

    async def load(self, held: Held) -> int:
        """How many of the files, from the first, are at their end now. The one after them is not for a group."""
        if len(held.files) == 1:
            return 0
        began = time.perf_counter()
        portions = await on_disk(self._read, held)
        if portions:
            await self._keeper.keep(held, portions, began)
        return len(portions)

    def _read(self, held: Held) -> list[Portion]:
        """Up to the first file that is not one batch, or whose reading ends badly: that is told when it is alone."""
        portions: list[Portion] = []
        for file, batch_id in zip(held.files, held.batch_ids, strict=True):
            portion = None if file.batches or file.revert_of is not None else self._whole(file, batch_id)
            if portion is None:
                break
            portions.append(portion)
        return portions

    def _whole(self, file: Claimed, batch_id: int) -> Portion | None:
        reading = Reading(file, self._measure)
        try:
            batch = reading.next_batch(batch_id)
        except (PermanentError, OSError) as error:
            log.info("not_in_a_group", file_id=file.file_id, error=str(error))
            return None
        finally:
            reading.close()
        return Portion(file, batch, 1) if batch.last else None
