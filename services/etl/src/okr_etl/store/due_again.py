"""Outcomes by due date in a replay: decided once it has reached the head, by what it says then and said before.

A decision stands when the due date moves away afterwards. So what key results said until then is noted on the way.
"""

import asyncio
from datetime import UTC

import polars as pl

from okr_common.delivery.outbox import Connection
from okr_etl.domain.turn import Turn
from okr_etl.store import LONG_SECONDS, SQL, tables
from okr_etl.store.due import Decision, frame, proposed, resolved
from okr_etl.store.held import held_by


async def keep_ended(connection: Connection, turn: Turn) -> None:
    """Before a batch is written: notes those of its key results that had ended when its file came.

    In a source that goes by its data, on the day of its clock then; else on the day the batch was first applied.
    """
    task, clock = turn.task, turn.head.clock
    rule, by_data = task.mapping.entities.due, task.mapping.clock == "data"
    if rule is None or (by_data and clock is None):
        return
    told = pl.concat(applied.published.select("entity", "entity_id", "revision") for applied in turn.every)
    changed = told.filter((pl.col("entity") == "key_result") & (pl.col("revision") > 1))["entity_id"].unique()
    if changed.len():
        day = clock.astimezone(UTC).date() if by_data and clock else None
        at = (task.batch.source, task.generation, task.batch.position)
        await connection.execute(SQL["keep_ended"], *at, changed.to_list(), day, rule.grace_days)


async def decide_again(connection: Connection, source: str, decision: Decision) -> None:
    """Decides what has ended in the replay; what was decided of it before stays, as far as it still comes to that."""
    outcomes = await _outcomes(connection, source, decision)
    ids = outcomes["entity_id"].to_list()
    await connection.execute(SQL["take_decisions"], source, ids, timeout=LONG_SECONDS)
    gone = [row["entity_id"] for row in await connection.fetch(SQL["went_with_its_goal"], ids)]
    outcomes = outcomes.filter(~pl.col("entity_id").is_in(gone))
    held = await held_by(connection, "held_in_replay", outcomes["entity_id"], source, decision.head.generation)
    found = await resolved(decision, outcomes, held)
    await tables.copy(connection, "replay_version", tables.due_in_replay(found, source))
    await connection.execute(SQL["close_decided"], source, timeout=LONG_SECONDS)
    mark = (source, decision.head.generation, decision.head.position, decision.day)
    await connection.execute(SQL["set_decided"], *mark)


async def _outcomes(connection: Connection, source: str, decision: Decision) -> pl.DataFrame:
    """Of each key result the newest outcome that can be judged."""
    grace = decision.rule.grace_days
    before = await connection.fetch(SQL["ended_before_in_replay"], source, grace, timeout=LONG_SECONDS)
    now = await connection.fetch(SQL["ended_in_replay"], source, decision.day, grace, timeout=LONG_SECONDS)
    outcomes = await proposed(decision, await asyncio.to_thread(frame, [*before, *now]))
    return outcomes.unique("entity_id", keep="last", maintain_order=True)
