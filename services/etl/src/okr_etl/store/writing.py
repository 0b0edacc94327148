"""What an applied batch changes in the tables of okr_processed."""

import asyncio
from functools import partial
from typing import NamedTuple

import polars as pl

from okr_common.delivery.outbox import Connection
from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied
from okr_etl.domain.entities import ENTITIES
from okr_etl.domain.late import Part
from okr_etl.store import SQL, goals, tables
from okr_etl.store.held import in_one

WRITTEN = ("entity_version", "held_version", "key_result_revision", "rejected", *ENTITIES)
"""The tables, in this order: what refers to another one's rows comes after it."""


async def write(
    connection: Connection, part: Part, applied: Applied, mapping: Mapping, *, position: int, generation: int
) -> None:
    """What rows change, at the place of the batch that is applied, whichever they came with.

    The rows of all tables are made ready while those of the first one, the largest, are written.
    """
    if gaining := tables.gaining_time(applied):
        await connection.execute(SQL["hold_from_now"], gaining)
    changes = partial(_changes, part=part, applied=applied, mapping=mapping, place=(position, generation))
    first = await asyncio.to_thread(changes, WRITTEN[0])
    making = asyncio.create_task(asyncio.to_thread(lambda: ([*map(changes, WRITTEN[1:])], _marks(part, applied))))
    try:
        await _write_changes(connection, first)
    finally:
        await asyncio.wait([making])  # whichever fails, nothing else uses the connection when it rolls back
    others, marks = making.result()
    for each in others:
        await _write_changes(connection, each)
    await connection.execute(SQL["mark_documents"], part.batch.source, *map(in_one, marks))
    await goals.mark_aligned(connection, part, applied, mapping)


class _Changes(NamedTuple):
    """What a batch changes in a table: its new rows; as JSON the rows that are there already, if any."""

    new: tables.Ready
    held: str | None = None


def _changes(table: str, part: Part, applied: Applied, mapping: Mapping, place: tuple[int, int]) -> _Changes:
    match table:
        case "entity_version":
            return _Changes(tables.ready(table, tables.entity_versions(part.batch, applied, *place)))
        case "held_version":
            return _Changes(_by_id(table, tables.held_versions(part.batch, applied)))
        case "key_result_revision":
            return _Changes(_by_id(table, tables.key_result_revisions(part.proposed, applied)))
        case "rejected":
            rejected = [*part.proposed.rejected, *applied.contradicting]
            return _Changes(tables.ready(table, tables.rejected(part.batch, rejected)))
    rows = tables.current(table, part.batch, part.proposed, applied, mapping)
    new, held = (rows.filter(is_held).drop("is_held") for is_held in (~pl.col("is_held"), pl.col("is_held")))
    return _Changes(_by_id(table, new), tables.as_recordset(held) if held.height else None)


def _by_id(table: str, rows: pl.DataFrame) -> tables.Ready:
    """Rows whose first column is an id, in its order: so neighbours meet the same pages of its index."""
    return tables.ready(table, rows.sort(rows.columns[0]))


async def _write_changes(connection: Connection, changes: _Changes) -> None:
    await tables.copy_ready(connection, changes.new)
    if changes.held is not None:
        await connection.execute(SQL[f"update_{changes.new.table}"], changes.held)


def _marks(part: Part, applied: Applied) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Whose documents change, as `mark_documents` has them.

    Of an objective its own and its key results'; of a key result also its objective's, which lists it.
    """
    rows = part.proposed.wide.select(*tables.PLACE, "objective.id", "key_result.id")
    published = applied.published.select(*tables.PLACE, "entity").join(rows, on=tables.PLACE)
    definitions = published.filter(pl.col("entity").is_in(["objective", "key_result"]))
    key_results = published.filter(pl.col("entity") != "objective")["key_result.id"].unique()
    changed = definitions.filter(pl.col("entity") == "objective")["objective.id"].unique()
    return definitions["objective.id"].unique(), key_results, changed
