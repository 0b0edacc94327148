"""Reads and types batches; the next one of a source already while the one before is being written."""

import asyncio
from dataclasses import dataclass

import polars as pl

from okr_common.errors import PermanentError
from okr_common.sources import Mapping
from okr_etl.domain.batch import Proposed, RawBatch, propose
from okr_etl.store.raw import RawStore, Released

Prepared = tuple[RawBatch, Proposed]


@dataclass(frozen=True, slots=True)
class _Ahead:
    source: str
    position: int
    mapping: Mapping
    task: asyncio.Task[Prepared | None]


class Preparer:
    """Prepares batches, at most one of them ahead: memory holds two."""

    def __init__(self, raw: RawStore) -> None:
        self._raw = raw
        self._ahead: _Ahead | None = None

    async def prepare(self, released: Released, mapping: Mapping) -> Prepared:
        """The batch and what its rows propose under this mapping."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            if (ahead.source, ahead.position, ahead.mapping) == (released.source, released.position, mapping):
                return await ahead.task or await self._prepare(released, mapping)
            ahead.task.cancel()
        return await self._prepare(released, mapping)

    def look_ahead(self, released: Released, mapping: Mapping) -> None:
        """Begins with the batch after this one."""
        position = released.position + 1
        task = asyncio.create_task(self._try(released.source, position, mapping))
        self._ahead = _Ahead(released.source, position, mapping, task)

    async def _try(self, source: str, position: int, mapping: Mapping) -> Prepared | None:
        """None when it fails: then the batch's own turn tells why."""
        try:
            released = await self._raw.released(source, position)
            return None if released is None else await self._prepare(released, mapping)
        except Exception:  # noqa: BLE001 - see above
            return None

    async def _prepare(self, released: Released, mapping: Mapping) -> Prepared:
        batch = await self._raw.read(released)
        try:
            return batch, await asyncio.to_thread(propose, batch, mapping)
        except pl.exceptions.PanicException as error:  # no Exception: it would end the process, for one source's rows
            raise PermanentError("failed", f"polars gave up on batch {released.batch_id}: {error}") from error
