"""What okr_processed holds of entities, as what a batch proposes is compared with it."""

from collections.abc import Sequence

import polars as pl

from okr_common.delivery.outbox import Connection
from okr_etl.domain import versions
from okr_etl.domain.turn import Task
from okr_etl.domain.versions import HELD_SCHEMA
from okr_etl.store import SQL


async def held(connection: Connection, task: Task) -> pl.DataFrame:
    """What is held of what the batch speaks of (`versions.HELD_SCHEMA`)."""
    found = await held_of(connection, "held", task)
    if task.mapping.entities.outcome is None or task.mapping.entities.due:
        return found
    told = pl.concat(part.proposed.candidates.filter(pl.col("entity") == "outcome")["entity_id"] for part in task.parts)
    return found if told.is_empty() else await without(connection, found, told.unique(), task.batch.source, basis="due")


async def without(
    connection: Connection, found: pl.DataFrame, outcomes: pl.Series, source: str, *, basis: str
) -> pl.DataFrame:
    """What is held, but for what the versions of these outcomes say that have this basis (see `versions.without`)."""
    rows = await connection.fetch(SQL["outcomes_told_so"], outcomes.to_list(), source, basis)
    otherwise = pl.DataFrame([tuple(row) for row in rows], schema=versions.TOLD_SCHEMA, orient="row")
    return versions.without(found, otherwise)


async def held_of(connection: Connection, query: str, task: Task) -> pl.DataFrame:
    """What is held, by this query, of the entities that the batch speaks of."""
    ids = pl.concat(part.proposed.candidates["entity_id"] for part in task.parts).unique().sort()
    return await held_by(connection, query, ids.to_list(), task.batch.source, task.generation)


async def held_by(connection: Connection, query: str, ids: Sequence[str], source: str, generation: int) -> pl.DataFrame:
    """What is held, by this query, of these entities; `of_unit` by what is said in this generation of the source."""
    rows = await connection.fetch(SQL[query], ids, source, generation)
    return pl.DataFrame([tuple(row) for row in rows], schema=HELD_SCHEMA, orient="row")
