"""okr_processed, of sources with trees: what rows told those below them, and the rows that wait for a parent."""

import asyncpg
import polars as pl

from okr_common.delivery.outbox import Connection
from okr_common.sources import ParentBlock
from okr_etl.domain.batch import Applied, Proposed, RawBatch
from okr_etl.domain.cells import ROW
from okr_etl.domain.late import Part
from okr_etl.domain.parents import KNOWN_SCHEMA, sought
from okr_etl.store import SQL, tables

MOVED = ("new", "changed", "duplicate", "unchanged", "rejected", "pending")


class ParentStore:
    """What earlier batches left behind for the next one; nobody else writes it until that one is applied."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def known(self, batch: RawBatch, proposed: Proposed, block: ParentBlock, generation: int) -> pl.DataFrame:
        """What the batch has to know of parents (`parents.KNOWN_SCHEMA`)."""
        keys = sought(proposed.parents, proposed.pending)
        names = sorted(set(block.columns.values()))
        asked = (batch.source, generation, keys, proposed.parents["key"].to_list(), batch.unit, names)
        rows = await self._pool.fetch(SQL["known_parents"], *asked)
        return pl.DataFrame([tuple(row) for row in rows], schema=KNOWN_SCHEMA, orient="row")

    async def waiting(self, source: str, generation: int, keys: pl.Series) -> dict[int, list[int]]:
        """The rows that wait for one of these parents, by the positions of their batches."""
        rows = await self._pool.fetch(SQL["waiting"], source, generation, keys.to_list())
        return {row["position"]: row["row_nums"] for row in rows}

    async def pending(self, source: str) -> int:
        """How many rows of the source wait."""
        return int(await self._pool.fetchval(SQL["count_pending"], source))

    async def overlooked(self) -> int:
        """How many rows wait for a parent that is there: none, unless its mapping takes other columns by now."""
        return int(await self._pool.fetchval(SQL["overlooked"]))


async def keep(connection: Connection, batch: RawBatch, proposed: Proposed, generation: int) -> None:
    """For the batches that come: what the rows of this one told, and which of them wait."""
    told = proposed.parents
    if told.height:
        place = (batch.source, generation, batch.position, batch.unit)
        columns = (told[name].to_list() for name in ("key", "above", "columns"))
        await connection.execute(SQL["keep_parents"], *place, *columns)
    await tables.copy(connection, "pending", _pending(batch, proposed, generation))


async def settle(
    connection: Connection, part: Part, applied: Applied, *, by: RawBatch, generation: int, move: str
) -> None:
    """Rows that waited for the batch `by` wait no longer, and are counted, by `move`, as what became of them.

    Where it is one of a later file, that they waited is kept: a replay may begin in between.
    """
    batch, pending = part.batch, part.proposed.pending
    rows, counts = batch.rows[ROW], [applied.counts[name] for name in MOVED]
    place = (batch.source, generation, batch.position)
    settled = rows.filter(~rows.is_in(pending[ROW].implode()))
    told = (by.position, by.unit != batch.unit, *counts[:-1], applied.ignored)
    await connection.execute(SQL["settle_pending"], *place, settled.to_list(), *told)
    await connection.execute(SQL["wait_for_another"], *place, pending[ROW].to_list(), pending["parent"].to_list())
    await connection.execute(SQL[move], batch.source, batch.position, rows.len(), *counts, applied.ignored)


def _pending(batch: RawBatch, proposed: Proposed, generation: int) -> pl.DataFrame:
    return proposed.pending.select(
        pl.lit(batch.source).alias("source"),
        pl.lit(generation).alias("generation"),
        pl.lit(batch.position).alias("position"),
        pl.lit(batch.batch_id).alias("batch_id"),
        *(ROW, "parent"),
    )
