"""What etl reads from okr_raw."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson
import polars as pl

from okr_etl.domain.batch import RawBatch
from okr_etl.store import SQL

_ROWS = {"row_num": pl.Int64(), "cells": pl.String()}


@dataclass(frozen=True, slots=True)
class Released:
    """A batch that waits to be applied; `behind` counts the source's released batches after it."""

    source: str
    position: int
    batch_id: int
    rows_of: int
    unit: str
    ingested_at: datetime
    header: Sequence[str]
    behind: int


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
            behind=row["behind"],
        )

    async def read(self, released: Released) -> RawBatch:
        """The batch with its rows."""
        buffer = io.BytesIO()
        async with self._pool.acquire() as connection:
            await connection.copy_from_query(
                SQL["raw_rows"], released.rows_of, output=buffer, format="csv", delimiter="\x02", quote="\x01"
            )
        # JSON text never holds these two characters raw, so nothing is quoted
        rows = pl.read_csv(buffer.getvalue(), has_header=False, separator="\x02", quote_char="\x01", schema=_ROWS)
        return RawBatch(
            source=released.source,
            batch_id=released.batch_id,
            position=released.position,
            unit=released.unit,
            ingested_at=released.ingested_at,
            header=released.header,
            rows=rows,
        )

    async def whereabouts(self, rows: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Mapping[str, Any]]:
        """Of (batch, row): the file and line it was read from; an API's row has no file."""
        found = await self._pool.fetch(SQL["where_rows_stand"], [row[0] for row in rows], [row[1] for row in rows])
        return {(row["batch_id"], row["row_num"]): {"path": row["path"], "line": row["first_line"]} for row in found}
