"""okr_processed: what stands around goals, the periods they name and the goals that contribute to them."""

from collections.abc import Sequence

import polars as pl

from okr_common.delivery.outbox import Connection
from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied, RawBatch
from okr_etl.domain.late import Part
from okr_etl.domain.periods import PERIOD, periods
from okr_etl.store import SQL


async def mark_aligned(connection: Connection, part: Part, applied: Applied, mapping: Mapping) -> None:
    """After its versions: the documents of goals that contribute to what changed are due."""
    if mapping.entities.alignments:
        changed = applied.published.filter(pl.col("entity").is_in(["objective", "key_result"]))
        ids = changed["entity_id"].unique().to_list()
        if ids:
            await connection.execute(SQL["mark_aligned"], part.batch.source, ids)


async def keep_periods(
    connection: Connection, batch: RawBatch, parts: Sequence[Part], mapping: Mapping, generation: int
) -> None:
    """The periods that the rows of the batch name, and those that waited for it, as said by the batch's file.

    They are read where this generation of the source is the one that holds.
    """
    block = mapping.entities.objective.period
    if block is None:
        return
    place = (batch.source, generation, batch.position, batch.unit)
    for part in parts:
        found = periods(part.proposed.wide, mapping, batch.source)
        await connection.execute(
            SQL["keep_periods"], *place, *(found[name].to_list() for name in PERIOD), block.by_rows
        )
