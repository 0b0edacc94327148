"""okr_processed: a batch's one transaction, and what the relay reads of it."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import orjson
import polars as pl

from okr_common import crash
from okr_common.delivery import outbox
from okr_common.delivery.outbox import Connection, Outgoing
from okr_common.events import BatchLoaded, BatchPublished
from okr_common.postgres.copying import CSV
from okr_common.sources import Mapping
from okr_common.topology import STAGES
from okr_etl.alone import alone
from okr_etl.domain import contradictions, versions
from okr_etl.domain.batch import Applied, Proposed, RawBatch
from okr_etl.domain.contradictions import NONE_SAID
from okr_etl.domain.head import Head, floor, later
from okr_etl.domain.late import Part, apply_in_turn, times_of
from okr_etl.domain.news import MoreNeeded, plain, suffices
from okr_etl.domain.versions import HELD_SCHEMA
from okr_etl.store import SQL, goals, parents, tables, units
from okr_etl.store.parents import ParentStore
from okr_etl.store.records import Place, records
from okr_etl.store.waits import WaitStore
from okr_etl.store.writing import write

STAGE = STAGES["etl"]
ENTERED = ("clock", "coming", "unit", "newest", "spoken", "mapping_hash", "plain", "whole")
"""Of a head, in the order of `set_head`."""


@dataclass(frozen=True, slots=True)
class Task:
    """A batch to apply: what its rows propose, under which mapping; `behind` counts the batches waiting after it.

    `compared_with`: the file (as `RawBatch.unit` names it) beside which its news was found; `said`: what the file's
    batches before it said, as in `contradictions.marked`; `late`: rows of batches before that waited for its rows.
    `compared` is set when it is known what the batch changes: from then on PostgreSQL has most to do.
    """

    batch: RawBatch
    proposed: Proposed
    mapping: Mapping
    generation: int
    behind: int
    compared_with: str | None = None
    said: pl.Series = field(default_factory=lambda: NONE_SAID)
    late: Sequence[Part] = ()
    compared: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def parts(self) -> list[Part]:
        """What is applied, in this order."""
        return [*self.late, Part(self.batch, self.proposed)]


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

    async def apply(self, task: Task) -> dict[str, int] | None:
        """Applies the batch in one transaction and returns its counts; None when another replica already has.

        Raises MoreNeeded where only its news was read, and that does not suffice.
        """
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                counts = await self._apply(connection, task)
                crash.point("before_commit")
            crash.point("after_commit")
            return counts

    async def _apply(self, connection: Connection, task: Task) -> dict[str, int] | None:
        batch, proposed = task.batch, task.proposed
        former = await _advance(connection, task)
        if former is None:
            return None
        head = former.entering(batch.unit, task.mapping.hash, task.compared_with)
        if former.unit != batch.unit:
            await connection.execute(SQL["forget_said"], batch.source, task.generation)
        held, times = await _held(connection, task), times_of(task.parts)
        spoken = later(head.spoken, times.spoken)
        every = await alone(apply_in_turn, task.parts, held, floor(task.mapping, head), task.said, spoken)
        task.compared.set()
        applied = every[-1]
        if batch.gone is not None and (head.whole or not suffices(applied, batch.gone, head.spoken)):
            raise MoreNeeded
        is_plain = plain(applied, proposed, batch, head.spoken)
        head = head.applied(batch.position, batch.ingested_at, times, plain=is_plain, whole=batch.whole)
        await _write(connection, task, every)
        await keep_said(connection, task, every, head.spoken)
        crash.point("after_copy")
        await connection.execute(SQL["set_head"], batch.source, *(getattr(head, name) for name in ENTERED))
        await _announce(connection, task, every)
        return applied.counts

    async def until_sent(self) -> int:
        """Kafka has acknowledged what stands in the outbox now; how many messages and units that was."""
        return await outbox.until_sent(self._pool, STAGE.service)

    async def put(self, outgoing: Sequence[Outgoing]) -> None:
        """Adds messages to the outbox, in a transaction of their own."""
        async with self._pool.acquire() as connection, connection.transaction():
            await outbox.put(connection, STAGE.service, outgoing)

    async def read_unit(self, unit: dict[str, Any], after: int, limit: int) -> list[tuple[int, Outgoing]]:
        """For the relay: the records of a batch after a place, in the order they are published."""
        place = Place(**unit)
        at, after = (place.source, place.position, place.generation), max(after, place.after_seq)
        rows, asked = io.BytesIO(), (*at, after, place.until_seq, limit)
        async with self._pool.acquire() as connection:
            await connection.copy_from_query(SQL["unit_records"], *asked, output=rows, **CSV)
        return await asyncio.to_thread(records, place, rows.getvalue())


async def _advance(connection: Connection, task: Task) -> Head | None:
    batch = task.batch
    row = await connection.fetchrow(SQL["advance"], batch.source, batch.position, task.generation)
    return None if row is None else Head(batch.position - 1, task.generation, **row)


async def _held(connection: Connection, task: Task) -> pl.DataFrame:
    held = await held_of(connection, "held", task)
    if task.mapping.entities.outcome is None or task.mapping.entities.due:
        return held
    told = pl.concat(part.proposed.candidates.filter(pl.col("entity") == "outcome")["entity_id"] for part in task.parts)
    return held if told.is_empty() else await without(connection, held, told.unique(), task.batch.source, basis="due")


async def without(
    connection: Connection, held: pl.DataFrame, outcomes: pl.Series, source: str, *, basis: str
) -> pl.DataFrame:
    """What is held, but for what the versions of these outcomes say that have this basis (see `versions.without`)."""
    rows = await connection.fetch(SQL["outcomes_told_so"], outcomes.to_list(), source, basis)
    otherwise = pl.DataFrame([tuple(row) for row in rows], schema=versions.TOLD_SCHEMA, orient="row")
    return versions.without(held, otherwise)


async def held_of(connection: Connection, query: str, task: Task) -> pl.DataFrame:
    """What is held, by this query, of the entities that the batch speaks of."""
    ids = pl.concat(part.proposed.candidates["entity_id"] for part in task.parts).unique().sort()
    return await held_by(connection, query, ids.to_list(), task.batch.source, task.generation)


async def held_by(connection: Connection, query: str, ids: Sequence[str], source: str, generation: int) -> pl.DataFrame:
    """What is held, by this query, of these entities; `of_unit` by what is said in this generation of the source."""
    rows = await connection.fetch(SQL[query], ids, source, generation)
    return pl.DataFrame([tuple(row) for row in rows], schema=HELD_SCHEMA, orient="row")


async def _write(connection: Connection, task: Task, every: Sequence[Applied]) -> None:
    for part, applied in zip(task.parts, every, strict=True):
        place = {"position": task.batch.position, "generation": task.generation}
        await write(connection, part, applied, task.mapping, **place)
    for part, applied in zip(task.late, every, strict=False):
        await parents.settle(connection, part, applied, by=task.batch, generation=task.generation, move="move_counts")
    await parents.keep(connection, task.batch, task.proposed, task.generation)
    await goals.keep_periods(connection, task.batch, task.parts, task.mapping, task.generation)
    outcomes = sum(applied.published.filter(pl.col("entity") == "outcome").height for applied in every)
    result = result_row(task, every[-1], versions=published_by(every), outcomes=outcomes)
    await connection.execute(SQL["add_result"], *result)


def published_by(every: Sequence[Applied]) -> int:
    """How many new versions there are."""
    return sum(applied.published.height for applied in every)


async def keep_said(connection: Connection, task: Task, every: Sequence[Applied], spoken: datetime | None) -> None:
    """For the file's batches after this one: that it was applied, and what it said without leaving another trace.

    And of what it speaks, where it matters what the file lacks. `spoken` as in `contradictions.unwritten`.
    """
    batch, own = task.batch, zip(task.parts, every, strict=True)
    told = [contradictions.unwritten(one.resolved, spoken) for part, one in own if part.batch.unit == batch.unit]
    place = (batch.source, task.generation, batch.position, batch.batch_id, batch.whole)
    await connection.execute(SQL["add_said"], *place, tables.as_bytes(pl.concat(told)), _speaks_of(task))


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


async def _announce(connection: Connection, task: Task, every: Sequence[Applied]) -> None:
    """The batch is loaded; its records; then that they are published: one order key, so in this order."""
    batch, versions = task.batch, published_by(every)
    place: dict[str, Any] = {"source": batch.source, "position": batch.position, "generation": task.generation}
    loaded = BatchLoaded(batch_id=batch.batch_id, rows=batch.size, **place, **every[-1].counts)
    published = BatchPublished(
        batch_id=batch.batch_id,
        versions=versions,
        behind=task.behind,
        outcomes=await connection.fetchval(SQL["count_outcomes"], batch.source),
        **place,
    )
    await units.publish(connection, Place(**place, until_seq=versions), published, before=loaded)
