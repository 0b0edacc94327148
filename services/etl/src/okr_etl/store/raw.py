"""What etl reads from okr_raw."""

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson
import polars as pl

from okr_common.postgres.copying import CSV, DELIMITER, QUOTE
from okr_common.sources import Mapping as SourceMapping
from okr_etl.domain.batch import RawBatch
from okr_etl.domain.sent_back import as_they_were
from okr_etl.store import SQL

GONE_AT_ONCE = 20_000
_ROWS = {"row_num": pl.Int64(), "cells": pl.String()}


@dataclass(frozen=True, slots=True)
class Released:
    """A batch that waits to be applied; `behind` counts the source's released batches after it.

    `known_at`: when it was ingested, or its file let go.

    `compared_with`: the unit before its own, where ingestion kept in which rows the two differ. `parts`: the batches
    its file was cut into.
    """

    source: str
    position: int
    batch_id: int
    rows_of: int
    unit: str
    ingested_at: datetime
    known_at: datetime
    header: Sequence[str]
    behind: int
    rows: int
    file_id: int | None
    compared_with: str | None
    path: str
    parts: int

    def beside(self, mapping: SourceMapping) -> str | None:
        """The unit beside which reading its file's news tells what the file says, if there is one."""
        return self.compared_with if mapping.row_by_row else None


class RawStore:
    """Released batches and their rows."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def released_positions(self) -> dict[str, int]:
        """Of each source the last position that was released."""
        return {row["source"]: row["position"] for row in await self._pool.fetch(SQL["released_positions"])}

    async def released(self, source: str, position: int) -> Released | None:
        """The batch at this position, if it is released."""
        row = await self._pool.fetchrow(SQL["released_batch"], source, position)
        if row is None:
            return None
        return Released(
            source=source,
            position=position,
            batch_id=row["batch_id"],
            rows_of=row["rows_of"],
            unit=row["unit"],
            ingested_at=row["created_at"],
            header=orjson.loads(row["header"] or "[]"),
            **{name: row[name] for name in ("known_at", "behind", "rows", "file_id", "compared_with", "path", "parts")},
        )

    async def is_fetching(self, unit: str) -> bool:
        """Whether this is a request of which more batches may come."""
        return bool(await self._pool.fetchval(SQL["is_fetching"], unit))

    async def is_whole(self, unit: str | None, following: Released | None) -> bool:
        """Whether nothing more comes of this file, or request; `following` is the batch after its last one so far."""
        if following is not None or unit is None:
            return following is None or following.unit != unit
        return not await self.is_fetching(unit)

    async def ended(self, released: Released) -> tuple[int, bool]:
        """How many records of its file or request are no rows, and whether all of it was read."""
        if released.file_id is not None:
            return int(await self._pool.fetchval(SQL["unreadable_of_file"], released.file_id)), True
        row = await self._pool.fetchrow(SQL["request_ended"], released.unit.removeprefix("request/"))
        return (row["unreadable"], row["ended_well"]) if row else (0, False)

    async def first_of_unit(self, source: str, batch_id: int) -> int | None:
        """The position of the first batch of this batch's file or request; None where the source has no such batch."""
        position: int | None = await self._pool.fetchval(SQL["first_of_unit"], source, batch_id)
        return position

    async def read(self, released: Released) -> RawBatch:
        """The batch with all its rows."""
        return _batch(released, await self._rows("raw_rows", released.rows_of))

    async def read_these(self, released: Released, rows: Sequence[int]) -> RawBatch:
        """The batch with these of its rows."""
        return _batch(released, await self._rows("these_rows", released.rows_of, rows))

    async def read_news(self, released: Released, others: Sequence[bytes]) -> RawBatch:
        """The batch with the rows that the file before had not, and those with one of these hashes."""
        query = ("news_rows_and_these", released.batch_id, others) if others else ("news_rows", released.batch_id)
        return _batch(released, await self._rows(*query))

    async def read_gone(self, released: Released) -> AsyncIterator[RawBatch]:
        """As batches, the rows of the file before that its file has no more."""
        file, before = released.file_id, (0, 0)
        while (until := await self._pool.fetchrow(SQL["gone_until"], file, *before, GONE_AT_ONCE)) is not None:
            yield _batch(released, await self._rows("gone_rows", file, *before, *until))
            before = (until["batch_id"], until["row_num"])

    async def read_standing(self, source: str, position: int) -> AsyncIterator[RawBatch]:
        """As batches, the rows of an API that were still said when its batch at this position came."""
        for row in await self._pool.fetch(SQL["standing_positions"], source, position):
            released = await self.released(source, row["position"])
            assert released is not None  # noqa: S101 - it has a position
            yield _batch(released, await self._rows("standing_rows", released.batch_id, position))

    async def batches_before(self, released: Released) -> list[int]:
        """The ids of the batches of the file that its file was compared with."""
        return [row["batch_id"] for row in await self._pool.fetch(SQL["batches_before"], released.file_id)]

    async def hashes_of(self, rows: Sequence[tuple[int, int]]) -> list[bytes]:
        """The hashes of rows, each given as (batch, row)."""
        found = await self._pool.fetch(SQL["hashes_of"], [row[0] for row in rows], [row[1] for row in rows])
        return [row["row_hash"] for row in found]

    async def _rows(self, query: str, *values: object) -> pl.DataFrame:
        buffer = io.BytesIO()
        async with self._pool.acquire() as connection:
            await connection.copy_from_query(SQL[query], *values, output=buffer, **CSV)
        content = buffer.getvalue()
        return pl.read_csv(
            content, has_header=False, separator=DELIMITER, quote_char=QUOTE, schema=_ROWS, raise_if_empty=False
        )

    async def whereabouts(self, rows: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Mapping[str, Any]]:
        """Of (batch, row): the file and line it was read from; an API's row has no file."""
        found = await self._pool.fetch(SQL["where_rows_stand"], [row[0] for row in rows], [row[1] for row in rows])
        return {(row["batch_id"], row["row_num"]): {"path": row["path"], "line": row["first_line"]} for row in found}


def _batch(released: Released, rows: pl.DataFrame) -> RawBatch:
    return RawBatch(
        source=released.source,
        batch_id=released.batch_id,
        position=released.position,
        unit=released.unit,
        ingested_at=released.ingested_at,
        known_at=released.known_at,
        header=released.header,
        rows=as_they_were(released.header, rows),
        path=released.path,
        parts=released.parts,
    )
