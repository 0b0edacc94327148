"""What the batches of a source's present file said before the one that comes next."""

from dataclasses import dataclass

import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.contradictions import NONE_SAID, first_statements
from okr_etl.domain.head import Head
from okr_etl.preparer import proposed
from okr_etl.reader import Reader
from okr_etl.store.processed import ProcessedStore
from okr_etl.store.raw import RawStore, Released


@dataclass(frozen=True, slots=True)
class _Known:
    """Up to this position of this file, under this mapping, in this generation, all batches read in this way."""

    unit: str
    mapping_hash: str
    generation: int
    whole: bool
    position: int
    statements: pl.Series


class Said:
    """Kept in memory while a file's batches follow each other here; else read again."""

    def __init__(self, raw: RawStore, processed: ProcessedStore, key: bytes) -> None:
        self._raw = raw
        self._reader = Reader(raw, key)
        self._processed = processed
        self._key = key
        self._known: dict[str, _Known] = {}

    async def before(self, released: Released, mapping: Mapping, head: Head, former_unit: str | None) -> pl.Series:
        """Hashes, as `contradictions.marked` wants them; `head`, as entering the batch, tells how it is read."""
        known = self._known.pop(released.source, None)
        if former_unit != released.unit:
            return NONE_SAID
        read = (released.unit, mapping.hash, head.generation, head.whole)
        if known is None or (known.unit, known.mapping_hash, known.generation, known.whole) != read:
            known = _Known(*read, 0, NONE_SAID)
        statements = await self._statements(released, mapping, known)
        self._known[released.source] = _Known(*read, released.position - 1, statements)
        return statements

    async def _statements(self, released: Released, mapping: Mapping, known: _Known) -> pl.Series:
        found = [known.statements]
        for saying in await self._processed.said(released.source, known.generation, known.position):
            read = known.whole and not saying.whole
            found.append(await self._all(released.source, saying.position, mapping) if read else saying.statements)
        return pl.concat(found)

    async def _all(self, source: str, position: int, mapping: Mapping) -> pl.Series:
        """Of a batch of which only the news was read, what its other rows say, too."""
        released = await self._raw.released(source, position)
        assert released is not None  # noqa: S101 - what was applied was released
        batch = await self._reader.read(released, mapping)
        return first_statements((await proposed(batch, mapping, self._key)).candidates)
