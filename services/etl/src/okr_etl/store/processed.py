"""okr_processed: a batch's one transaction, and what the relay reads of it."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import orjson
import polars as pl

from okr_common import crash, metrics
from okr_common.delivery import outbox
from okr_common.delivery.outbox import Connection, Outgoing
from okr_common.delivery.relay import Page
from okr_common.events import BatchLoaded, BatchPublished, BatchTransformed
from okr_common.postgres.copying import CSV
from okr_common.sources import Mapping
from okr_common.topology import STAGES
from okr_etl.alone import alone
from okr_etl.domain.batch import Applied, Proposed, RawBatch
from okr_etl.domain.following import held_after, is_turn_of, task_after
from okr_etl.domain.head import Head
from okr_etl.domain.sent_back import taken_for
from okr_etl.domain.turn import Task, Turn, take
from okr_etl.store import SQL, goals, parents, tables, units
from okr_etl.store.fresh import Fresh
from okr_etl.store.held import held
from okr_etl.store.parents import ParentStore
from okr_etl.store.records import Place, as_read, as_written, records
from okr_etl.store.waits import WaitStore
from okr_etl.store.writing import write

STAGE = STAGES["etl"]
ENTERED = ("clock", "coming", "unit", "newest", "spoken", "mapping_hash", "plain", "whole")
"""Of a head, in the order of `set_head`."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What a batch said without leaving another trace (see `contradictions`); `whole` where all its rows were read."""

    position: int
    whole: bool
    statements: pl.Series


class ProcessedStore:
    """The canonical model of all sources."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.parents = ParentStore(pool)
        self.waits = WaitStore(pool, "batches")
        self._fresh = Fresh()
        self._kept: set[tuple[str, str]] = set()

    async def keep(self, mapping: Mapping) -> None:
        """Keeps the mapping among those that were used, once."""
        key = (mapping.name, mapping.hash)
        if key not in self._kept:
            said = mapping.model_dump_json(by_alias=True, exclude_defaults=True)
            await self._pool.execute(SQL["keep_mapping"], *key, said)
            self._kept.add(key)

    async def mappings(self, source: str) -> list[dict[str, Any]]:
        """The mappings a source was applied with, the newest first."""
        return [dict(row) for row in await self._pool.fetch(SQL["mapping_versions"], source)]

    async def mapping(self, source: str, version: int) -> Mapping | None:
        """One of them."""
        said = await self._pool.fetchval(SQL["mapping_of_version"], source, version)
        return None if said is None else Mapping.model_validate(orjson.loads(said))

    async def heads(self) -> dict[str, int]:
        """Of each source the last position that was applied."""
        return {row["source"]: row["position"] for row in await self._pool.fetch(SQL["heads"])}

    async def head(self, source: str) -> Head:
        """How far a source is; a new one starts at 0."""
        row = await self._pool.fetchrow(SQL["head"], source)
        if row is None:
            await self._pool.execute(SQL["begin_source"], source)
            return Head()
        return Head(**row)

    async def said(self, source: str, generation: int, after: int) -> list[Saying]:
        """What the batches of the source's present file, those after a position, said."""
        rows = await self._pool.fetch(SQL["said"], source, generation, after)
        return [Saying(row["position"], row["whole"], tables.from_bytes(row["statements"])) for row in rows]

    async def rejected_of(self, batch_ids: Sequence[int], limit: int) -> list[tuple[int, int]]:
        """The rejected rows of these batches, as (batch, row); at most so many."""
        rows = await self._pool.fetch(SQL["rejected_of"], batch_ids, limit)
        return [(row["batch_id"], row["row_num"]) for row in rows]

    async def foretell(self, turn: Turn, batch: RawBatch, proposed: Proposed) -> Turn | None:
        """The next batch's turn, if this one is written as it is; None where that cannot be known yet."""
        task = await asyncio.to_thread(task_after, turn, batch, proposed)
        if task is None:
            return None
        async with self._pool.acquire() as connection:
            before = await held(connection, task)
        return await alone(lambda: take(task, turn.head, held_after(turn, before)))

    async def apply(
        self, task: Task, foretold: Turn | None = None, compared: asyncio.Future[Turn | None] | None = None
    ) -> dict[str, int] | None:
        """Applies the batch in one transaction and returns its counts; None when another replica already has.

        `foretold`: its turn, if it was foretold. `compared` is told the turn, with which it is known what the batch
        changes: from then on PostgreSQL has most to do. Raises MoreNeeded where only its news was read, and that does
        not suffice.
        """
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                former = await _advance(connection, task)
                if former is None:
                    return None
                turn = await _turn(connection, task, former, foretold)
                if compared is not None:
                    compared.set_result(turn)
                await _put(connection, turn)
                crash.point("before_commit")
            crash.point("after_commit")
            if foretold is not None and turn.every is foretold.every:
                metrics.BATCHES_FORETOLD.labels(task.batch.source).inc()
            if not task.late:  # the records of rows that waited stand between its own
                place, at = _place(turn), (task.batch.position, task.generation)
                self._fresh.keep(place, tables.entity_versions(task.batch, turn.applied, *at))
            return turn.applied.counts

    async def until_sent(self) -> int:
        """Kafka has acknowledged what stands in the outbox now; how many messages and units that was."""
        return await outbox.until_sent(self._pool, STAGE.service)

    async def put(self, outgoing: Sequence[Outgoing]) -> None:
        """Adds messages to the outbox, in a transaction of their own."""
        async with self._pool.acquire() as connection, connection.transaction():
            await outbox.put(connection, STAGE.service, outgoing)

    async def read_unit(self, unit: dict[str, Any], after: int, limit: int) -> Page:
        """For the relay: the records of a batch after a place, in the order they are published."""
        place = Place(**unit)
        after = max(after, place.after_seq)
        fresh = self._fresh.take(place, after, limit)
        if fresh is not None:
            return await asyncio.to_thread(lambda: records(place, as_written(fresh)))
        versions = await self._versions(place, after, limit)
        return await asyncio.to_thread(records, place, versions)

    async def _versions(self, place: Place, after: int, limit: int) -> pl.DataFrame:
        asked = (place.source, place.position, place.generation, after, place.until_seq, limit)
        rows = io.BytesIO()
        async with self._pool.acquire() as connection:
            await connection.copy_from_query(SQL["unit_records"], *asked, output=rows, **CSV)
        return as_read(rows.getvalue())


async def _advance(connection: Connection, task: Task) -> Head | None:
    batch = task.batch
    row = await connection.fetchrow(SQL["advance"], batch.source, batch.position, task.generation)
    return None if row is None else Head(batch.position - 1, task.generation, **row)


async def _turn(connection: Connection, task: Task, former: Head, foretold: Turn | None) -> Turn:
    if foretold is not None and is_turn_of(foretold, task, former):
        return replace(foretold, task=task)
    await forget_said(connection, task, former)
    return await alone(take, task, former, await held(connection, task))


async def forget_said(connection: Connection, task: Task, former: Head) -> None:
    """With a file's first batch: what the one before said has no meaning for it."""
    if former.unit != task.batch.unit:
        await connection.execute(SQL["forget_said"], task.batch.source, task.generation)


async def _put(connection: Connection, turn: Turn) -> None:
    await _write(connection, turn)
    await keep_said(connection, turn)
    crash.point("after_copy")
    entered = (getattr(turn.head, name) for name in ENTERED)
    await connection.execute(SQL["set_head"], turn.task.batch.source, *entered)
    await _announce(connection, turn)


async def _write(connection: Connection, turn: Turn) -> None:
    task, every = turn.task, turn.every
    for part, applied in zip(task.parts, every, strict=True):
        place = {"position": task.batch.position, "generation": task.generation}
        await write(connection, part, applied, task.mapping, **place)
    for part, applied in zip(task.late, every, strict=False):
        await parents.settle(connection, part, applied, by=task.batch, generation=task.generation, move="move_counts")
    await parents.keep(connection, task.batch, task.proposed, task.generation)
    await goals.keep_periods(connection, task.batch, task.parts, task.mapping, task.generation)
    result = result_row(task, turn.applied, versions=turn.versions, outcomes=turn.made["outcome"])
    await connection.execute(SQL["add_result"], *result)


async def keep_said(connection: Connection, turn: Turn) -> None:
    """For the file's batches after this one: that it was applied, and what it said without leaving another trace.

    And of what it speaks, where it matters what the file lacks; and for which rejected rows it was sent.
    """
    task, batch = turn.task, turn.task.batch
    for was in taken_for(batch.header, batch.rows):
        await connection.execute(SQL["keep_sent_back"], batch.source, *was[:2], batch.batch_id, was[2])
    place = (batch.source, task.generation, batch.position, batch.batch_id, batch.whole)
    await connection.execute(SQL["add_said"], *place, tables.as_bytes(turn.told), _speaks_of(task))


def _speaks_of(task: Task) -> list[str] | None:
    if not task.mapping.absent.closes:
        return None
    own = (part.proposed.speaks_of for part in task.parts if part.batch.unit == task.batch.unit)
    return list({one for ids in own for one in ids})


def result_row(task: Task, applied: Applied, *, versions: int, outcomes: int) -> tuple[object, ...]:
    """batch_result: what became of the batch's rows, and how many versions (of them outcomes) were written for it."""
    batch, counts = task.batch, applied.counts
    return (
        *(batch.source, batch.position, task.generation, batch.batch_id, task.mapping.hash, batch.size),
        *(counts[name] for name in ("new", "changed", "duplicate", "unchanged", "rejected", "pending")),
        *(versions, outcomes, applied.ignored),
    )


def _place(turn: Turn) -> Place:
    """Of its records."""
    task = turn.task
    return Place(task.batch.source, task.batch.position, task.generation, until_seq=turn.versions)


async def _announce(connection: Connection, turn: Turn) -> None:
    """The batch is transformed, and loaded; its records; that they are published: one order key, so in this order."""
    task, batch = turn.task, turn.task.batch
    place = {"position": batch.position, "generation": task.generation}
    about: dict[str, Any] = {"source": batch.source, "batch_id": batch.batch_id, **place}
    transformed = BatchTransformed(
        mapping_version=await connection.fetchval(SQL["version_of_mapping"], batch.source, task.mapping.hash),
        rows=batch.size,
        **about,
        **{f"{entity}s": versions for entity, versions in turn.made.items()},
    )
    loaded = BatchLoaded(rows=batch.size, **about, **turn.applied.counts)
    published = BatchPublished(
        versions=turn.versions,
        behind=task.behind,
        outcomes=await connection.fetchval(SQL["count_outcomes"], batch.source),
        **about,
    )
    await units.publish(connection, _place(turn), published, before=(transformed, loaded))
