"""okr_ops as the owner of models uses it: what a learner knows comes from here and goes back here."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from okr_common import topics
from okr_common.clock import utc_now
from okr_common.delivery.outbox import Connection, Outgoing
from okr_common.postgres.copying import copied
from okr_common.sql import queries
from okr_common.topology import Stage
from okr_trainer import fresh, rows
from okr_trainer.domain.ageing import Origin
from okr_trainer.domain.checkpoint import libraries
from okr_trainer.domain.drafts import Draft, Stored
from okr_trainer.domain.evaluation import Scored
from okr_trainer.domain.features import contract_hash
from okr_trainer.domain.inputs import Input, Outcome, Withdrawn
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.learner import Closed, Learner, Step
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.relearning import own_raws
from okr_trainer.domain.tallies import Tallies, Tally
from okr_trainer.domain.track_record import TrackRecord
from okr_trainer.domain.window import MOST, Window, newest
from okr_trainer.fresh import Said
from okr_trainer.standing import row_of

SQL = queries("okr_trainer")
Pool = asyncpg.Pool
Owning = asyncpg.Connection
"""The owner's one connection."""
Row = asyncpg.Record
COMMAND_SECONDS = 120
PAGE = 5_000
"""Key results read at once: a million of them as rows would take more room than all that is kept of them."""


async def connect(dsn: str, application: str) -> Owning:
    """The owner's one connection: the fence ends its backend when another owner takes over."""
    settings = {"application_name": application, "timezone": "UTC"}
    return await asyncpg.connect(dsn, server_settings=settings, command_timeout=COMMAND_SECONDS, timeout=10)


def training_fence(stage: Stage, partition: int) -> str:
    """Under which name a training for this partition writes: a new owner ends its session, which may hold locks."""
    return f"{stage.service}/{topics.PROCESSED_RECORDS.name}/{partition}/training"


async def register(connection: Connection, model: str, sources: Sequence[str]) -> None:
    """A model that is heard of for the first time: version 0 answers for it."""
    await connection.execute(SQL["put_model"], model, list(sources))
    await connection.execute(SQL["put_version_0"], model, contract_hash(), orjson.dumps(libraries()).decode())


async def ask_for_rebuild(connection: Connection, model: str) -> None:
    """A refused checkpoint is made anew by a replay; until then the pace rule answers."""
    await connection.execute(SQL["ask_for_rebuild"], model)


async def checkpoint_of(executor: Connection | Pool, model: str) -> Mapping[str, Any] | None:
    """The row of `checkpoint`, or None while the model has committed nothing."""
    row = await executor.fetchrow(SQL["checkpoint"], model)
    return None if row is None else dict(row)


async def recall_open(connection: Connection, learner: Learner) -> None:
    """All open key results, the records of all series, and all tallies."""
    async with connection.transaction():
        cursor = await connection.cursor(SQL["open_states"], learner.model)
        while page := await cursor.fetch(PAGE):
            _remember(learner, page)
    learner.records = records(await connection.fetch(SQL["track_records"], learner.model))
    learner.tallies = tallies(await connection.fetch(SQL["tallies"], learner.model))


def records(found: Sequence[Row]) -> dict[str, TrackRecord]:
    """By their series."""
    return {row["series"]: TrackRecord(row["outcomes"], row["achieved"], row["last"], row["margin"]) for row in found}


def tallies(found: Sequence[Row]) -> Tallies:
    """By their key."""
    return Tallies.of(
        {row["key"]: Tally(row["open"], row["outcomes"], row["achieved"], row["reached"]) for row in found}
    )


async def recall(connection: Connection, learner: Learner, inputs: Sequence[Input]) -> None:
    """The key results these inputs speak of that are not in memory: closed ones, that is, or none."""
    unknown = {one.key_result_id for one in inputs} - learner.states.keys()
    if unknown:
        _remember(learner, await connection.fetch(SQL["states"], learner.model, list(unknown)))


def _remember(learner: Learner, found: Sequence[Row]) -> None:
    for row in found:
        learner.states.lay(row["key_result_id"], row["source"], row["state"])


async def scored(
    executor: Connection | Pool,
    model: str,
    kind: str,
    *,
    version: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    heard_after: datetime | None = None,
    source: str | None = None,
    most: int = MOST,
) -> Window:
    """Predictions whose outcome is known, the newest of them. `heard_after`: only outcomes heard after that."""
    found = await executor.fetch(SQL["scored"], model, kind, version, since, until, heard_after, source, most)
    return await asyncio.to_thread(_window, found, most)


def _window(found: Sequence[Row], most: int) -> Window:
    """`found` has the newest first, and says in each row how many there are in all."""
    rows = [Scored(**{**_without_of(row), "baselines": orjson.loads(row["baselines"])}) for row in reversed(found)]
    return newest(rows, found[0]["of"] if found else 0, most)


def _without_of(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "of"}


async def origins(connection: Connection, model: str, key_results: Sequence[str]) -> dict[str, Origin]:
    """The newest definition of each of these key results."""
    rows = await connection.fetch(SQL["origins"], model, list(key_results))
    return {row["key_result_id"]: Origin(row["revision"], row["batch_id"], row["row_num"]) for row in rows}


async def unlearned(connection: Connection, learner: Learner, inputs: Sequence[Input]) -> dict[str, list[Stored]]:
    """Committed predictions that the outcomes among these inputs may teach, by key result."""
    ended = {one.key_result_id for one in inputs if isinstance(one, Outcome)}
    found: dict[str, list[Stored]] = {}
    if ended and isinstance(learner.predictor, LearnedModel):
        asked = (learner.model, learner.predictor.training, list(ended), learner.predictor.builder)
        rows = await connection.fetch(SQL["unlearned"], *asked)
        xs = [orjson.loads(row["features"]) for row in rows]
        raws = own_raws(learner.predictor, [(x, row["raw"]) for x, row in zip(xs, rows, strict=True)])
        for row, x, raw in zip(rows, xs, raws, strict=True):
            found.setdefault(row["key_result_id"], []).append(Stored(row["prediction_id"], x, raw, row["forecast"]))
    return found


@dataclass(slots=True)
class Writing:
    """Predictions of one moment, written some at a time; those to be published are one unit, under its number."""

    connection: Connection
    model: str
    made_at: datetime
    number: int | None = None
    published: list[Said] = field(default_factory=list)

    def said(self, drafts: Sequence[Draft]) -> list[bytes]:
        """These, as they are to be written behind those before them; work for a thread."""
        after = len(self.published)
        if self.number is not None:
            self.published += fresh.said(self.model, drafts, self.made_at)
        return list(rows.prediction_rows(self.model, drafts, self.number, self.made_at, after))

    async def write(self, said: Sequence[bytes]) -> None:
        """Writes them, in the order in which they were said."""
        if said:
            await _copy(self.connection, "prediction", rows.PREDICTION_COLUMNS, said)

    @property
    def unit(self) -> Outgoing | None:
        """What publishes them; None where there is nothing to publish."""
        return None if self.number is None or not self.published else publication(self.model, self.number)


async def begin_writing(connection: Connection, model: str) -> Writing:
    """Predictions of now, some of which may be published."""
    return Writing(connection, model, utc_now(), await connection.fetchval(SQL["next_unit"]))


def publication(model: str, unit: int) -> Outgoing:
    """The outbox row that stands for all records of a unit."""
    return Outgoing(
        order_key=model,
        topic=topics.PREDICTIONS.name,
        partition_key=model,
        unit={"kind": "predictions", "model": model, "unit": unit},
    )


def withdrawal(model: str, gone: Sequence[str]) -> Outgoing:
    """The outbox row that stands for the tombstones of these key results, behind all that was predicted of them."""
    return Outgoing(
        order_key=model,
        topic=topics.PREDICTIONS.name,
        partition_key=model,
        unit={"kind": "gone", "model": model, "key_results": list(gone)},
    )


async def put_step(connection: Connection, learner: Learner, step: Step) -> None:
    """What the step changed: key results, series, tallies, outcomes, learned rows."""
    await put_states(connection, learner.model, step.touched, step.drafts)
    await put_records(connection, learner.model, step.records)
    await put_tallies(connection, learner.model, step.tallies)
    await _put_outcomes(connection, learner.model, step.closed)
    await _withdraw_outcomes(connection, learner.model, step.reopened)
    if step.learned:
        ids, numbers = zip(*((row.prediction_id, seq) for row, seq in step.learned), strict=True)
        await connection.execute(SQL["mark_learned"], list(ids), list(numbers), learner.predictor.training)


async def put_states(
    connection: Connection, model: str, states: Mapping[str, KeyResultState], drafts: Sequence[Draft]
) -> None:
    """Writes these key results anew, with their newest predictions among the drafts."""
    if not states:
        return
    await connection.execute(SQL["stage_states"])
    await _copy(connection, "staged_state", rows.STATE_COLUMNS, rows.state_rows(model, states, drafts))
    await connection.execute(SQL["put_states"])
    await connection.execute(SQL["unstage_states"])


async def put_records(connection: Connection, model: str, records: Mapping[str, TrackRecord]) -> None:
    """Writes these series' records anew."""
    if not records:
        return
    said = list(records.values())
    await connection.execute(
        SQL["put_track_records"],
        model,
        list(records),
        [one.outcomes for one in said],
        [one.achieved for one in said],
        [one.last for one in said],
        [one.margin for one in said],
    )


async def put_tallies(connection: Connection, model: str, said: Mapping[str, Tally]) -> None:
    """Writes these anew, and forgets those that are empty."""
    if said:
        columns = zip(*((one.open, one.outcomes, one.achieved, one.reached) for one in said.values()), strict=True)
        await connection.execute(SQL["put_tallies"], model, list(said), *map(list, columns))


async def _put_outcomes(connection: Connection, model: str, closed: Sequence[Closed]) -> None:
    if not closed:
        return
    outcomes = [one.outcome for one in closed]
    versions = [one.version for one in outcomes]
    await connection.execute(
        SQL["put_outcomes"],
        model,
        [one.entity_id for one in versions],
        [one.revision for one in versions],
        [one.key_result_id for one in outcomes],
        [one.achieved for one in outcomes],
        [one.final_value for one in outcomes],
        [one.target for one in outcomes],
        [one.knowledge_time for one in versions],
        [one.superseding for one in closed],
        [one.learned for one in closed],
        [one.batch_id for one in versions],
        [one.row_num for one in versions],
    )


async def _withdraw_outcomes(connection: Connection, model: str, reopened: Sequence[Withdrawn]) -> None:
    """They count no more. What was learned from them is unlearned by a training, once all of their batch was heard."""
    if not reopened:
        return
    learned = await connection.fetch(SQL["withdraw_outcomes"], model, [one.said.version.entity_id for one in reopened])
    taught = {row["outcome_id"] for row in learned}
    asking = [one.version for one in reopened if not one.replayed and one.version.entity_id in taught]
    if asking:
        parameters = {"source": asking[-1].source, "position": asking[-1].place.position}
        await connection.execute(SQL["ask_for_another_training"], model, orjson.dumps(parameters).decode())


async def put_checkpoint(connection: Connection, learner: Learner, saved: int | None) -> int | None:
    """Where the learner stands; returns how many rows the stored state has learned."""
    await connection.execute(SQL["put_checkpoint"], *row_of(learner, saved))
    return learner.predictor.learned if isinstance(learner.predictor, LearnedModel) else None


async def _copy(connection: Connection, table: str, columns: Sequence[str], pieces: Iterable[bytes]) -> None:
    copying = connection.copy_to_table(
        table,
        source=_between_others(pieces),
        columns=list(columns),
        format="csv",
        delimiter=rows.DELIMITER,
        quote=rows.QUOTE,
    )
    await copied(connection, copying)


async def _between_others(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The event loop has its turn after each."""
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)
