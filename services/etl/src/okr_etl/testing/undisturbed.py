"""What an undisturbed run makes of a source: its released batches, one after another, through the source in memory."""

from dataclasses import replace

import asyncpg
import orjson
import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.batch import RawBatch
from okr_etl.testing.memory import MemorySource, raw_batch
from okr_etl.testing.released import SQL


async def undisturbed(raw: asyncpg.Connection, mapping: Mapping) -> MemorySource:
    """The source as it must be once all that okr_raw has released of it is applied with this mapping."""
    source = MemorySource(mapping, [])
    for batch in await raw.fetch(SQL["batches"], mapping.name):
        source.take(await _read(raw, batch))
    return source


async def _read(raw: asyncpg.Connection, batch: asyncpg.Record) -> RawBatch:
    rows = await raw.fetch(SQL["rows"], batch["rows_of"])
    read = raw_batch([orjson.loads(row["cells"]) for row in rows], orjson.loads(batch["header"]), batch["source"])
    numbered = read.rows.with_columns(pl.Series("row_num", [row["row_num"] for row in rows], pl.Int64))
    named = {name: batch[name] for name in ("batch_id", "position", "unit", "path")}
    return replace(read, rows=numbered, ingested_at=batch["created_at"], **named)
