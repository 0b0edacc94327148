"""Reads and types batches; the next one of a source, which may be compared too, while the one before is written."""

import asyncio
from dataclasses import dataclass, replace
from typing import NamedTuple

import polars as pl

from okr_common import metrics
from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_common.sources import Mapping
from okr_etl.domain.batch import Proposed, RawBatch, propose
from okr_etl.domain.head import Head
from okr_etl.domain.parents import NONE_KNOWN
from okr_etl.domain.turn import Turn
from okr_etl.reader import Reader
from okr_etl.store.processed import ProcessedStore
from okr_etl.store.raw import RawStore, Released

log = logger(__name__)


class Prepared(NamedTuple):
    """A batch, what its rows propose, and its turn, where the batch before it tells what that will be."""

    batch: RawBatch
    proposed: Proposed
    foretold: Turn | None = None


Compared = asyncio.Future[Turn | None]
"""A batch's turn, once it is known; None where it has none."""
REJECTED_LOOKED_UP = 20_000
"""Where the file before had more rejected rows, all rows of this one are read."""


@dataclass(frozen=True, slots=True)
class _Ahead:
    source: str
    position: int
    mapping: Mapping
    task: asyncio.Task[Prepared | None]


@dataclass(frozen=True, slots=True)
class _Beside:
    """What has to be known of the file before, to read only the news of this one."""

    file_id: int | None
    mapping: Mapping
    rejected: list[bytes]
    gone: frozenset[str]


class Preparer:
    """Prepares batches, at most one of them ahead: memory holds two."""

    def __init__(self, raw: RawStore, processed: ProcessedStore, key: bytes) -> None:
        self._raw = raw
        self._reader = Reader(raw, key)
        self._key = key
        self._processed = processed
        self._ahead: _Ahead | None = None
        self._beside: _Beside | None = None

    async def prepare(self, released: Released, mapping: Mapping, head: Head) -> Prepared:
        """The batch and what its rows propose under this mapping; `head`, as entering it, tells how much is read."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            if (ahead.source, ahead.position, ahead.mapping) == (released.source, released.position, mapping):
                prepared = await ahead.task
                if prepared is not None and prepared.batch.whole == head.whole:
                    return prepared
            ahead.task.cancel()
        return await self._typed(await self._read(released, mapping, whole=head.whole), mapping)

    def look_ahead(self, released: Released, mapping: Mapping, head: Head, compared: Compared) -> None:
        """Begins with the batch after this one, while this one is written.

        Reads it and types its rows; compares them, too, where this one's turn tells what will be held then.
        """
        position = released.position + 1
        task = asyncio.create_task(self._try(released.source, position, mapping, head, compared))
        self._ahead = _Ahead(released.source, position, mapping, task)

    async def _try(
        self, source: str, position: int, mapping: Mapping, head: Head, compared: Compared
    ) -> Prepared | None:
        """None when it fails: then the batch's own turn tells why."""
        try:
            released = await self._raw.released(source, position)
            if released is None:
                return None
            entered = head.entering(released.unit, mapping.hash, released.beside(mapping))
            if released.unit != head.unit and not entered.whole:
                return None  # what the file before left behind is known when it is applied
            batch = await self._read(released, mapping, whole=entered.whole)
            turn = await asyncio.shield(compared)
            prepared = await self._typed(batch, mapping)
            return prepared if turn is None else await self._foretold(prepared, turn)
        except Exception:  # noqa: BLE001 - see above
            return None

    async def _foretold(self, prepared: Prepared, turn: Turn) -> Prepared:
        """With its turn. Without one where that fails: then it is compared in its time, which need not tell why."""
        batch = prepared.batch
        try:
            return prepared._replace(foretold=await self._processed.foretell(turn, batch, prepared.proposed))
        except Exception as error:  # noqa: BLE001 - it costs the comparison and nothing else
            log.warning("foretelling_failed", source=batch.source, position=batch.position, error=repr(error))
            return prepared

    async def _read(self, released: Released, mapping: Mapping, *, whole: bool) -> RawBatch:
        return await (self._reader.read(released, mapping) if whole else self._news(released, mapping))

    async def _typed(self, batch: RawBatch, mapping: Mapping) -> Prepared:
        proposals = await proposed(batch, mapping, self._key)
        metrics.BATCHES_PREPARED.labels(batch.source).inc()
        return Prepared(batch, proposals)

    async def _news(self, released: Released, mapping: Mapping) -> RawBatch:
        beside = self._beside
        if beside is None or (beside.file_id, beside.mapping) != (released.file_id, mapping):
            beside = await self._look_beside(released, mapping)
        if len(beside.rejected) == REJECTED_LOOKED_UP:
            return await self._raw.read(released)
        self._beside = beside
        batch = await self._raw.read_news(released, beside.rejected)
        return replace(batch, known=released.rows - batch.rows.height, gone=beside.gone)

    async def _look_beside(self, released: Released, mapping: Mapping) -> _Beside:
        before = await self._raw.batches_before(released)
        rejected = await self._processed.rejected_of(before, REJECTED_LOOKED_UP)
        gone: set[str] = set()
        async for rows in self._raw.read_gone(released):
            gone.update((await proposed(rows, mapping, self._key)).wide["check_in.id"])
        return _Beside(released.file_id, mapping, await self._raw.hashes_of(rejected), frozenset(gone))


async def proposed(batch: RawBatch, mapping: Mapping, key: bytes, known: pl.DataFrame = NONE_KNOWN) -> Proposed:
    """What the rows of a batch say under this mapping, worked out in a thread. Raises PermanentError."""
    try:
        return await asyncio.to_thread(propose, batch, mapping, key, known)
    except pl.exceptions.PanicException as error:  # no Exception: it would end the process, for one source's rows
        raise PermanentError("failed", f"polars gave up on batch {batch.batch_id}: {error}") from error
