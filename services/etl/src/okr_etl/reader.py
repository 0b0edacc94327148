"""Reads whole batches, each with what the rows of its file before it leave to it."""

import asyncio
from dataclasses import dataclass, replace

import polars as pl

from okr_common.errors import PermanentError
from okr_common.sources import Mapping
from okr_etl.domain.batch import RawBatch
from okr_etl.domain.cells import knows_all, last_texts
from okr_etl.domain.filling import Above
from okr_etl.domain.outline import joined
from okr_etl.store.raw import RawStore, Released


@dataclass(frozen=True, slots=True)
class _Known:
    """What stands above the batch after this position of this file, under this mapping."""

    unit: str
    mapping_hash: str
    position: int
    above: Above


class Reader:
    """Remembers of each source's last batch what it leaves; else looks back in the file, as far as it must."""

    def __init__(self, raw: RawStore, key: bytes) -> None:
        self._raw = raw
        self._key = key
        self._known: dict[str, _Known] = {}

    async def read(self, released: Released, mapping: Mapping) -> RawBatch:
        """The batch with all its rows."""
        batch = await self._raw.read(released)
        if not mapping.rows.read_in_order:
            return batch
        batch = replace(batch, above=await self._above(released, mapping))
        left = await self._left(batch, mapping)
        self._known[released.source] = _Known(released.unit, mapping.hash, released.position, left)
        return batch

    async def _above(self, released: Released, mapping: Mapping) -> Above:
        found: Above = {}
        position = released.position - 1
        while not knows_all(found, mapping):
            known = self._known.get(released.source)
            if known and (known.unit, known.mapping_hash, known.position) == (released.unit, mapping.hash, position):
                return joined(known.above, found)
            before = await self._raw.released(released.source, position)
            if before is None or before.unit != released.unit:
                break
            found = joined(await self._left(await self._raw.read(before), mapping), found)
            position -= 1
        return found

    async def _left(self, batch: RawBatch, mapping: Mapping) -> Above:
        try:
            return await asyncio.to_thread(last_texts, batch.rows, mapping, batch.header, self._key, batch.above)
        except pl.exceptions.PanicException as error:  # no Exception: it would end the process, for one source's rows
            raise PermanentError("failed", f"polars gave up on batch {batch.batch_id}: {error}") from error
