"""Outcomes by due date in okr_processed: what has ended, and a decision's one transaction."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg
import polars as pl

from okr_common import crash
from okr_common.delivery.outbox import Connection
from okr_common.events import OutcomesDecided
from okr_common.sources import DueOutcome, Mapping
from okr_etl.domain import due, versions
from okr_etl.domain.canonical import INSTANT
from okr_etl.domain.head import Head
from okr_etl.store import SQL, tables, units
from okr_etl.store.held import held_by, in_one, without
from okr_etl.store.records import Place

AT_ONCE = 20_000
"""Key results in a unit; bounds memory."""
NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be decided: under which mapping and rule, at which head, on which day of the source's clock."""

    mapping: Mapping
    rule: DueOutcome
    head: Head
    day: date
    clock: datetime

    @property
    def source(self) -> str:
        """Whose key results."""
        return self.mapping.name


class DueStore:
    """Key results that end by their due dates."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def is_decided(self, decision: Decision) -> bool:
        """Nothing was said, and no day has passed, since all was decided."""
        row = await self._pool.fetchrow(SQL["decided"], decision.source, decision.head.generation)
        return row is not None and row["position"] >= decision.head.position and row["on_day"] >= decision.day

    async def decide(self, decision: Decision) -> int | None:
        """Decides all that has ended, in one transaction; how many outcome versions that made.

        None where the source's head is another by now.
        """
        head = decision.head
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                at = (decision.source, head.position, head.generation)
                if await connection.fetchval(SQL["lock_head"], *at) is None:
                    return None
                made = [await _decide(connection, decision, ended) async for ended in _ended(connection, decision)]
                mark = (decision.source, head.generation, head.position, decision.day)
                await connection.execute(SQL["set_decided"], *mark)
                crash.point("due_before_commit")
            crash.point("due_after_commit")
            return sum(made)


async def _ended(connection: Connection, decision: Decision) -> AsyncIterator[pl.DataFrame]:
    head = decision.head
    row = await connection.fetchrow(SQL["decided"], decision.source, head.generation)
    since, after = row["position"] if row else 0, NO_ID
    last_day = row["on_day"] if row else decision.day
    of = (decision.source, decision.day, decision.rule.grace_days)
    while True:
        rows = await connection.fetch(
            SQL["ended"], *of, after, since, head.generation, head.position, AT_ONCE, last_day
        )
        if not rows:
            return
        yield frame(rows)
        after = rows[-1]["key_result_id"]


def frame(rows: list[asyncpg.Record]) -> pl.DataFrame:
    """The rows as `due.outcomes` wants them."""
    return pl.DataFrame([tuple(row) for row in rows], schema=due.ENDED_SCHEMA, orient="row")


async def proposed(decision: Decision, ended: pl.DataFrame) -> pl.DataFrame:
    """The outcomes of those that can be judged, worked out in a thread."""
    return await asyncio.to_thread(due.outcomes, ended, decision.mapping, decision.rule, decision.clock)


async def resolved(decision: Decision, outcomes: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """The outcomes beside what is held of them; see `versions.resolve`."""
    newest = pl.max_horizontal("held_from", pl.lit(held["held_from"].max(), INSTANT))
    return await asyncio.to_thread(versions.resolve, outcomes.with_columns(held_from=newest), held, decision.clock)


async def _decide(connection: Connection, decision: Decision, ended: pl.DataFrame) -> int:
    outcomes, source = await proposed(decision, ended), decision.source
    ids = outcomes["entity_id"]
    held = await held_by(connection, "held", ids, source, decision.head.generation, ids.clear())
    held = await without(connection, held, ids, source, basis="source")
    found = await resolved(decision, outcomes, held)
    news = found.filter(pl.col("seq").is_not_null()).sort("seq")
    if not news.height:
        return 0
    head, source = decision.head, decision.source
    place = await units.behind(connection, Place(source, head.position, head.generation))
    await tables.copy(connection, "entity_version", tables.due_versions(news, place))
    await tables.copy(connection, "held_version", tables.due_held(news))
    rows = tables.as_recordset(tables.due_current(news, source))
    await connection.execute(SQL["put_due_outcomes"], rows)
    await connection.execute(SQL["mark_documents"], source, "", in_one(ended["key_result_id"]), "")
    told = OutcomesDecided(
        source=source,
        position=place.position,
        generation=place.generation,
        after_seq=place.after_seq,
        outcomes=news.height,
    )
    await units.publish_behind(connection, place, told, versions=news.height, outcomes=news.height)
    return news.height
