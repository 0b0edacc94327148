"""okr_processed: what stands around goals, the periods they name and the goals that contribute to them."""

import polars as pl

from okr_common.delivery.outbox import Connection
from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied
from okr_etl.domain.late import Part
from okr_etl.domain.periods import PERIOD, periods
from okr_etl.store import SQL


async def keep(connection: Connection, part: Part, applied: Applied, mapping: Mapping) -> None:
    """After its versions: the periods they name; the documents of goals that contribute to what changed are due."""
    await keep_periods(connection, part, mapping)
    if mapping.entities.alignments:
        changed = applied.published.filter(pl.col("entity").is_in(["objective", "key_result"]))
        ids = changed["entity_id"].unique().to_list()
        if ids:
            await connection.execute(SQL["mark_aligned"], part.batch.source, ids)


async def keep_periods(connection: Connection, part: Part, mapping: Mapping) -> None:
    """The periods that the rows name."""
    block = mapping.entities.objective.period
    if block is None:
        return
    found = periods(part.proposed.wide, mapping, part.batch.source)
    from_rows = block.start_on is not None or block.end_on is not None
    await connection.execute(SQL["keep_periods"], *(found[name].to_list() for name in PERIOD), from_rows)
