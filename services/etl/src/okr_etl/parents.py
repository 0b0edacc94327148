"""What the batches before say to the rows of a batch, and the rows of theirs that waited for one of its rows."""

from collections.abc import Sequence

import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.batch import Proposed, RawBatch
from okr_etl.domain.late import Part
from okr_etl.domain.parents import for_waiting
from okr_etl.preparer import proposed
from okr_etl.store.parents import ParentStore
from okr_etl.store.raw import RawStore


class Parents:
    """Looks up what a tree lacks in its batch; other sources pass."""

    def __init__(self, raw: RawStore, store: ParentStore, key: bytes) -> None:
        self._raw = raw
        self._store = store
        self._key = key

    async def settled(
        self, batch: RawBatch, alone: Proposed, mapping: Mapping, generation: int
    ) -> tuple[Proposed, list[Part]]:
        """What the batch proposes with the parents that are known, and the rows that waited for one of its own.

        `alone`: what it proposes by itself. All batches of the source before it must be applied.
        """
        block = mapping.rows.parent
        if block is None:
            return alone, []
        known = await self._store.known(batch, alone, block, generation)
        found = await proposed(batch, mapping, self._key, known) if known.height else alone
        late = []
        for position, rows in (await self._store.waiting(batch.source, generation, found.parents["key"])).items():
            before = await self._before(batch.source, position, rows)
            late.append(Part(before, await self._again(before, found.parents, mapping, generation)))
        return found, late

    async def _before(self, source: str, position: int, rows: Sequence[int]) -> RawBatch:
        """These rows of the batch at this position."""
        released = await self._raw.released(source, position)
        assert released is not None  # noqa: S101 - what was applied was released
        return await self._raw.read_these(released, rows)

    async def _again(self, before: RawBatch, told: pl.DataFrame, mapping: Mapping, generation: int) -> Proposed:
        """What rows that waited propose, with what they waited for."""
        alone, block = await proposed(before, mapping, self._key), mapping.rows.parent
        assert block is not None  # noqa: S101 - only rows of trees wait
        known = await self._store.known(before, alone, block, generation)
        return await proposed(before, mapping, self._key, for_waiting(told, known))
