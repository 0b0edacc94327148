"""Replays in okr_processed: asked for, carried out beside what is published, and made to hold."""

from datetime import datetime
from typing import Any

import asyncpg
import polars as pl

from okr_common import crash
from okr_common.delivery.outbox import Connection
from okr_common.events import BatchPublished, SourceReplayed
from okr_common.sources import Mapping
from okr_etl.alone import alone
from okr_etl.domain.entities import ENTITIES
from okr_etl.domain.head import Head
from okr_etl.domain.ids import content_hashes
from okr_etl.domain.replay import Replay
from okr_etl.domain.turn import Task, take
from okr_etl.store import LONG_SECONDS, SQL, goals, parents, tables, units
from okr_etl.store.due import Decision
from okr_etl.store.due_again import decide_again, keep_ended
from okr_etl.store.held import held_in_replay
from okr_etl.store.processed import forget_said, keep_said, result_row
from okr_etl.store.records import Place
from okr_etl.store.waits import WaitStore

UNHASHED_AT_ONCE = 20_000
TOLD = ("source", "generation", "first_position", "position", "mapping_hash", "versions", "withdrawn", "closed")
ASKED = ("source", "position", "generation", "mapping_hash", "mapping_version", "state", "asked_at", "head")
SEEDS = ("seed_parents", "seed_periods", "seed_waited", "seed_pending", "seed_results", "seed_rejected")
"""What was told, waited for, counted or rejected before the first batch, besides the versions."""
SEARCHES = ("scratch_chain", "scratch_change", "scratch_held")
"""What is compared stands in tables of the transaction's own."""


class ReplayStore:
    """The replays that were asked for, one of a source at a time."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.waits = WaitStore(pool, "replay")

    async def asked(self, source: str | None = None) -> list[Replay]:
        """Those that have not come to their end, the oldest first."""
        return [_replay(row) for row in await self._pool.fetch(SQL["replays"], source)]

    async def done(self, source: str | None, limit: int) -> list[dict[str, Any]]:
        """Those that hold, the newest first."""
        return [dict(row) for row in await self._pool.fetch(SQL["replays_done"], source, limit)]

    async def ask(self, source: str, first: int, mapping_version: int | None = None) -> None:
        """Asks for one from the batch at this position on, or has a stopped one go on; one that runs is left alone."""
        await self._pool.execute(SQL["ask_replay"], source, first, mapping_version)

    async def stop(self, source: str) -> bool:
        """Stops it between two batches; False where none runs."""
        return await self._pool.fetchval(SQL["stop_replay"], source) is not None

    async def first_rejected(self, source: str) -> int | None:
        """The id of the first batch of the source with a rejected row."""
        batch_id: int | None = await self._pool.fetchval(SQL["first_rejected"], source)
        return batch_id

    async def begin(self, replay: Replay, mapping: Mapping, ingested_at: datetime | None) -> bool:
        """Begins, or begins anew. `ingested_at` is when the batch before the first one was, if there is one.

        False where it was stopped meanwhile, or what it rests on is being changed by somebody else: look again.
        """
        as_it_was = (replay.first, replay.position, replay.generation)
        async with self._pool.acquire() as connection:
            try:
                # one look at what stands before the first batch: live batches go on, and settle rows of it meanwhile
                async with connection.transaction(isolation="repeatable_read"):
                    first = await connection.fetchval(SQL["begin_replay"], replay.source, mapping.hash, *as_it_was)
                    if first is not None:
                        await _seed(connection, mapping, first, ingested_at)
            except asyncpg.SerializationError:
                return False
        return first is not None

    async def apply(self, task: Task) -> dict[str, int] | None:
        """Does a batch again, in one transaction, and returns its counts; None where it was stopped or begun anew."""
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                counts = await _apply(connection, task)
                crash.point("replay_before_commit")
            crash.point("replay_after_commit")
            return counts

    async def head(self, replay: Replay) -> Head:
        """The replay's own head."""
        (row,) = await self._pool.fetch(SQL["replay_head"], replay.source)
        return Head(**row)

    async def switch(self, replay: Replay, decision: Decision | None = None) -> SourceReplayed | None:
        """Makes the new generation hold, in one transaction: writes and tells where it differs from the one before.

        `decision`: what is decided by due date in it. None where the source's head has moved on, it was stopped, or is
        not what it was.
        """
        source, as_it_was = replay.source, (replay.position, replay.generation, replay.mapping_hash)
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                position = await connection.fetchval(SQL["lock_replayed"], source, *as_it_was)
                if position is None:
                    return None
                if decision is not None:
                    await decide_again(connection, source, decision)
                event = await _switch(connection, source)
                crash.point("switch_before_commit")
            crash.point("switch_after_commit")
            return event


def _replay(row: asyncpg.Record) -> Replay:
    return Replay(first=row["first_position"], **{name: row[name] for name in ASKED})


async def _seed(connection: Connection, mapping: Mapping, first: int, ingested_at: datetime | None) -> None:
    source = mapping.name
    await connection.execute(SQL["forget_replayed"], source, timeout=LONG_SECONDS)
    if first == 1:
        return
    await connection.execute(SQL["seed_replay"], source, first, timeout=LONG_SECONDS)
    await _hash_seeds(connection, source)
    await connection.execute(SQL["seed_clock"], source, ingested_at)
    await connection.execute(SQL["seed_ended"], source, first, mapping.clock == "data", timeout=LONG_SECONDS)
    for query in SEEDS:
        await connection.execute(SQL[query], source, first, timeout=LONG_SECONDS)


async def _hash_seeds(connection: Connection, source: str) -> None:
    while rows := await connection.fetch(SQL["unhashed"], source, UNHASHED_AT_ONCE):
        hashes = content_hashes(pl.Series([row["payload"] for row in rows], dtype=pl.String))
        ids, numbers = [row["entity_id"] for row in rows], [row["number"] for row in rows]
        await connection.execute(SQL["hash_seeds"], ids, numbers, hashes.to_list())


async def _apply(connection: Connection, task: Task) -> dict[str, int] | None:
    batch, mapping = task.batch, task.mapping
    asked = (batch.source, batch.position, task.generation, mapping.hash)
    row = await connection.fetchrow(SQL["advance_replay"], *asked)
    if row is None:
        return None
    former = Head(batch.position - 1, task.generation, **row)
    await forget_said(connection, task, former)
    turn = await alone(take, task, former, await held_in_replay(connection, task))
    every = turn.every
    await keep_ended(connection, turn)
    for part, applied in zip(task.parts, every, strict=True):
        await tables.copy(connection, "replay_version", tables.replay_versions(part.batch, applied))
        rejected = [*part.proposed.rejected, *applied.contradicting]
        await tables.copy(connection, "replay_rejected", tables.rejected(part.batch, rejected))
    for part, applied in zip(task.late, every, strict=False):
        await parents.settle(
            connection, part, applied, by=batch, generation=task.generation, move="move_replayed_counts"
        )
    await parents.keep(connection, batch, task.proposed, task.generation)
    await goals.keep_periods(connection, batch, task.parts, mapping, task.generation)
    await connection.execute(SQL["waiting_since"], batch.source, task.generation, batch.position)
    await keep_said(connection, turn)
    await connection.execute(SQL["add_replay_result"], *result_row(task, every[-1], versions=0, outcomes=0))
    after = turn.head
    await connection.execute(SQL["set_replay"], batch.source, after.clock, after.coming, after.unit, after.newest)
    return every[-1].counts


async def _switch(connection: Connection, source: str) -> SourceReplayed:
    (row,) = await connection.fetch(SQL["replays"], source)
    replay = _replay(row)
    for search in SEARCHES:
        await connection.execute(SQL[search], timeout=LONG_SECONDS)
    await connection.execute(SQL["find_chains"], source, timeout=LONG_SECONDS)
    await connection.execute(SQL["find_changes"], timeout=LONG_SECONDS)
    await connection.execute(
        SQL["add_replayed_versions"], source, replay.position, replay.generation, timeout=LONG_SECONDS
    )
    await connection.execute(SQL["withdraw"], replay.generation, timeout=LONG_SECONDS)
    await _put_current(connection)
    await _put_held(connection, source, replay)
    await connection.execute(SQL["remove_rejected"], source, replay.first, timeout=LONG_SECONDS)
    for query in ("put_rejected", "put_results", "mark_replayed_documents", "replayed_head"):
        await connection.execute(SQL[query], source, timeout=LONG_SECONDS)
    await connection.execute(SQL["mark_aligned"], source, None, timeout=LONG_SECONDS)
    (done,) = await connection.fetch(
        SQL["finish_replay"], source, replay.generation, replay.position, timeout=LONG_SECONDS
    )
    await connection.execute(SQL["forget_replayed"], source, timeout=LONG_SECONDS)
    return await _announce(connection, done)


async def _put_current(connection: Connection) -> None:
    for entity in ENTITIES:
        for query in ("remove_current", "put_current", "close_current"):
            await connection.execute(SQL[query].format(entity=entity), timeout=LONG_SECONDS)


async def _put_held(connection: Connection, source: str, replay: Replay) -> None:
    await connection.execute(SQL["find_held"], source, timeout=LONG_SECONDS)
    await connection.execute(SQL["remove_held"], timeout=LONG_SECONDS)
    await connection.execute(SQL["put_held"], timeout=LONG_SECONDS)
    await connection.execute(SQL["remove_definitions"], replay.generation, timeout=LONG_SECONDS)
    await connection.execute(SQL["put_definitions"], timeout=LONG_SECONDS)


async def _announce(connection: Connection, done: asyncpg.Record) -> SourceReplayed:
    """The records, then that they are published, then that the generation holds."""
    source, place = done["source"], {name: done[name] for name in ("source", "position", "generation")}
    event = SourceReplayed(**{name: done[name] for name in TOLD})
    published = BatchPublished(
        batch_id=done["batch_id"],
        versions=done["versions"],
        behind=0,
        outcomes=await connection.fetchval(SQL["count_outcomes"], source),
        **place,
    )
    await units.publish(connection, Place(**place, until_seq=done["versions"]), published, event)
    return event
