"""What okr_processed holds of entities, as what a batch proposes is compared with it."""

import polars as pl

from okr_common.delivery.outbox import Connection
from okr_etl.domain import versions
from okr_etl.domain.turn import Task
from okr_etl.domain.versions import HELD_SCHEMA
from okr_etl.store import SQL


async def held(connection: Connection, task: Task) -> pl.DataFrame:
    """What is held of what the batch speaks of (`versions.HELD_SCHEMA`)."""
    check_ins, others = _ids(task, pl.col("entity") == "check_in"), _ids(task, pl.col("entity") != "check_in")
    found = await held_by(connection, "held", others, task.batch.source, task.generation, check_ins)
    if task.mapping.entities.outcome is None or task.mapping.entities.due:
        return found
    told = _ids(task, pl.col("entity") == "outcome")
    return await without(connection, found, told, task.batch.source, basis="due") if len(told) else found


async def held_in_replay(connection: Connection, task: Task) -> pl.DataFrame:
    """The same in the source's replay."""
    ids = _ids(task, pl.lit(value=True))
    return await held_by(connection, "held_in_replay", ids, task.batch.source, task.generation)


def _ids(task: Task, which: pl.Expr) -> pl.Series:
    chosen = pl.concat(part.proposed.candidates.filter(which)["entity_id"] for part in task.parts)
    return chosen.unique().sort()


async def without(
    connection: Connection, found: pl.DataFrame, outcomes: pl.Series, source: str, *, basis: str
) -> pl.DataFrame:
    """What is held, but for what the versions of these outcomes say that have this basis (see `versions.without`)."""
    rows = await connection.fetch(SQL["outcomes_told_so"], in_one(outcomes), source, basis)
    otherwise = pl.DataFrame([tuple(row) for row in rows], schema=versions.TOLD_SCHEMA, orient="row")
    return versions.without(found, otherwise)


async def held_by(
    connection: Connection, query: str, ids: pl.Series, source: str, generation: int, *more: pl.Series
) -> pl.DataFrame:
    """What is held, by this query, of these entities; `of_unit` by what is said in this generation of the source."""
    rows = await connection.fetch(SQL[query], in_one(ids), source, generation, *map(in_one, more))
    return pl.DataFrame([tuple(row) for row in rows], schema=HELD_SCHEMA, orient="row")


def in_one(ids: pl.Series) -> str:
    """Ids as one text, as queries take them where there are many: a list costs the driver more than they do."""
    return str(ids.cast(pl.String).str.join(" ").item())
