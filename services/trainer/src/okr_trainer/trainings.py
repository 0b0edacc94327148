"""Trainings and registrations: work items that the owner executes between two batches (design §5.5, §8).

Everything of a training is one transaction in okr_ops: replay predictions, version, checkpoint, key results, events.
The cut is what the stream has heard; it goes on from there. Predictions already made are not made again: an open key
result is answered by the new version at its next check-in. The stream waits meanwhile, but a takeover need not: a
training has a connection of its own, and its commit is refused where another owner has raised the epoch.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import orjson

from okr_common import crash
from okr_common.clock import utc_now
from okr_common.delivery import fence, offsets
from okr_common.delivery.offsets import Held
from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_common.postgres import work_items
from okr_common.postgres.work_items import WorkItem
from okr_common.topics import PROCESSED_RECORDS
from okr_common.topology import Stage
from okr_trainer import challenging, promotion, registry, store
from okr_trainer.domain.inputs import Input, Place, read
from okr_trainer.domain.learner import Learner, SourceMark
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.replay import Replay
from okr_trainer.memory import Memory
from okr_trainer.settings import TrainerSettings
from okr_trainer.store import SQL, Owning, Pool, Row, Writing

log = logger(__name__)
TRAIN, AGAIN, REGISTER = "train_initial", "train_again", "register"
"""Kinds of items: make a version by a replay; another one; make one of what the stream has learned since."""
REBUILD = "rebuild"
"""A parameter of the item: train although there is a trained version."""
CHALLENGE = "challenge"
"""Have the challengers judged; the best that passes the gates serves."""
PROMOTE, ROLLBACK = "promote", "rollback"
"""Kinds that change what serves; they go before trainings, because somebody waits."""
KINDS = frozenset({TRAIN, AGAIN, REGISTER, CHALLENGE, PROMOTE, ROLLBACK})
CHUNK = 5_000
NOTHING = {
    "no_outcomes": "there is no outcome to learn from yet",
    "nothing_learned": "no outcome became known after a check-in of its key result; under `clock: wall` past rows all "
    "became known today, unless the mapping says when each was written down (`recorded_at`), or `clock: data`",
}


@dataclass(frozen=True, slots=True)
class Due:
    """An item whose time has come: the stream has heard what it speaks of."""

    item: WorkItem
    held: Held
    learner: Learner
    needless: bool


class Trainings:
    """Executes the open work items of the models this process owns."""

    def __init__(self, stage: Stage, settings: TrainerSettings, ops_dsn: str, raw: Pool, processed: Pool) -> None:
        self._stage = stage
        self._settings = settings
        self._dsn = ops_dsn
        self._raw = raw
        self._processed = processed

    async def due(self, connection: Owning, held: Mapping[int, Held], memory: Memory) -> Due | None:
        """The oldest item of a model held here that need not wait for the stream any longer; changes come first."""
        items = await work_items.open_items(connection, self._stage.service)
        for item in sorted(items, key=lambda one: one.kind not in {PROMOTE, ROLLBACK}):
            partition = PROCESSED_RECORDS.partition_of(item.subject)
            if item.kind in KINDS and partition in held:
                learner = (await memory.get(connection, item.subject, held[partition])).learner
                due = await self._judge(connection, item, held[partition], learner)
                if due is not None:
                    return due
        return None

    async def _judge(self, connection: Owning, item: WorkItem, held: Held, learner: Learner) -> Due | None:
        """None while the stream has not heard what the item speaks of."""
        model = learner.predictor
        if item.kind in {PROMOTE, ROLLBACK}:
            return Due(item, held, learner, needless=False)
        if item.kind in {REGISTER, CHALLENGE}:
            return Due(item, held, learner, await self._nothing_new(connection, item, learner))
        parameters = orjson.loads(await connection.fetchval(SQL["parameters"], item.item_id))
        wanted = item.kind == AGAIN or parameters.get(REBUILD)
        needless = isinstance(model, LearnedModel) and not wanted
        ripe = needless or await self._heard_enough(learner, parameters)
        return Due(item, held, learner, needless) if ripe else None

    async def _nothing_new(self, connection: Owning, item: WorkItem, learner: Learner) -> bool:
        model = learner.predictor
        if not isinstance(model, LearnedModel) or item.kind == CHALLENGE:
            return not isinstance(model, LearnedModel)
        asked = (learner.model, model.training, model.builder)
        return bool(model.learned == await connection.fetchval(SQL["registered_learned"], *asked))

    async def _heard_enough(self, learner: Learner, parameters: Mapping[str, Any]) -> bool:
        if "position" not in parameters:
            return True
        source = parameters["source"]
        mark, newest = learner.marks.get(source), await self._newest(source, parameters["position"])
        if mark is None or newest is None:
            return False
        last = await self._processed.fetchrow(SQL["last_of_position"], source, newest)
        return last is None or mark.place >= Place(*last)

    async def _newest(self, source: str, asked: int) -> int | None:
        """The source's last position; None while more of it arrives: a training stops the stream, which goes first."""
        released = await self._raw.fetchrow(SQL["released"], source)
        if released is None:
            return asked
        applied = await self._processed.fetchval(SQL["applied"], source) or 0
        return None if released["reading"] or applied < released["position"] else int(released["position"])

    async def execute(self, due: Due) -> Learner | None:
        """Trains and commits; the stream's learner from now on, or None where there was nothing to do or to learn."""
        connection = await store.connect(self._dsn, f"{self._stage.module}_training")
        try:
            await fence.take(connection, store.training_fence(self._stage, due.held.partition), due.learner.model)
            return await self._committed(connection, due)
        except PermanentError as error:
            if due.item.kind in {PROMOTE, ROLLBACK}:
                log.warning("change_refused", model=due.learner.model, reason=error.reason, error=str(error))
            else:
                log.exception("training_failed", model=due.learner.model, reason=error.reason)
            await work_items.close(connection, due.item, {"reason": error.reason, "error": str(error)}, "failed")
            return None
        finally:
            connection.terminate()  # closing it in order may fail, and would hide that the transaction was committed

    async def _committed(self, connection: Owning, due: Due) -> Learner | None:
        async with connection.transaction():
            trained = await self._decide(connection, due)
            await offsets.commit(connection, due.held, due.held.next_offset)
            crash.point("before_training_commit")
        crash.point("after_training_commit")
        return trained

    async def _decide(self, connection: Owning, due: Due) -> Learner | None:
        if due.needless:
            await work_items.close(connection, due.item, {"version": due.learner.predictor.version, "trained": False})
            return None
        if due.item.kind in {PROMOTE, ROLLBACK}:
            return await self._change(connection, due)
        if due.item.kind == REGISTER:
            return await self._register(connection, due)
        if due.item.kind == CHALLENGE:
            return await self._challenge(connection, due)
        return await self._train(connection, due)

    async def _change(self, connection: Owning, due: Due) -> Learner:
        parameters = orjson.loads(await connection.fetchval(SQL["parameters"], due.item.item_id))
        reason = parameters.get("reason", "no reason given")
        now, by = (connection, self._stage, due.learner), self._settings
        if due.item.kind == ROLLBACK:
            changed, said = await promotion.roll_back(*now, reason, settings=by)
        elif "pipeline" in parameters:
            changed, said = await challenging.promote(*now, parameters["pipeline"], reason, settings=by)
        else:
            changed, said = await promotion.promote(*now, parameters["version"], reason, settings=by)
        await work_items.close(connection, due.item, said)
        log.info("model_changed", model=due.learner.model, kind=due.item.kind, **said)
        return changed

    async def _register(self, connection: Owning, due: Due) -> Learner:
        model = due.learner.predictor
        assert isinstance(model, LearnedModel)  # noqa: S101 - else it was needless
        registered = await registry.snapshot(connection, self._stage, self._settings, due.learner, model)
        said = {**registered.said, "learned": model.learned}
        await work_items.close(connection, due.item, said)
        log.info("model_registered", model=due.learner.model, **said)
        return registered.learner

    async def _challenge(self, connection: Owning, due: Due) -> Learner:
        changed, said = await challenging.challenge(connection, self._stage, self._settings, due.learner)
        await work_items.close(connection, due.item, {"serves": changed.predictor.version, "challengers": said})
        log.info("challengers_judged", model=due.learner.model, serves=changed.predictor.version, challengers=said)
        return changed

    async def _train(self, connection: Owning, due: Due) -> Learner | None:
        attempt = connection.transaction()  # a savepoint: of one that came to nothing no prediction is kept
        await attempt.start()
        replay = await self._replay(connection, due.learner)
        if not replay.model.learned:
            await attempt.rollback()
            await self._nothing(connection, due, replay)
            return None
        await attempt.commit()
        trained = await registry.register(connection, self._stage, self._settings, due.learner, replay)
        said = {**trained.said, "check_ins": replay.check_ins, "outcomes": replay.outcomes}
        await work_items.close(connection, due.item, {**said, "trained": True})
        log.info("model_trained", model=due.learner.model, **said)
        return trained.learner

    async def _nothing(self, connection: Owning, due: Due, replay: Replay) -> None:
        """There is no outcome yet, or none became known after a check-in of its key result: the pace rule goes on."""
        reason = "nothing_learned" if replay.outcomes else "no_outcomes"
        state: Literal["done", "failed"] = "done" if replay.outcomes else "failed"
        why = {"reason": reason, "error": NOTHING[reason], "trained": False}
        await work_items.close(connection, due.item, why, state)
        log.info("not_trained", model=due.learner.model, reason=reason, outcomes=replay.outcomes)

    async def _replay(self, connection: Owning, learner: Learner) -> Replay:
        (version, training), *_ = await connection.fetch(SQL["next_version"], learner.model)
        served = learner.predictor.builder if isinstance(learner.predictor, LearnedModel) else None
        builder = self._settings.trained_as(learner.model, served)
        replay = Replay.begin(learner.model, version, training, builder, self._settings.cut_points)
        writing = store.Writing(connection, learner.model, utc_now())
        written: asyncio.Task[None] = asyncio.create_task(writing.write([]))
        try:
            async for inputs in self._history(learner.marks):
                said = await asyncio.to_thread(_predicted, replay, inputs, writing)
                await written
                written = asyncio.create_task(writing.write(said))
        finally:
            await asyncio.wait([written])  # else the connection would be busy with it
        await written
        await writing.write(await asyncio.to_thread(writing.said, replay.finish()))
        return replay

    async def _history(self, marks: Mapping[str, SourceMark]) -> AsyncIterator[Sequence[Input]]:
        cut = [(source, *mark.place) for source, mark in marks.items()]
        columns = [list(column) for column in zip(*cut, strict=True)] if cut else [[], [], [], []]
        async with self._processed.acquire() as processed, processed.transaction(readonly=True):
            cursor = await processed.cursor(SQL["history"], *columns)
            async for found in _ahead(partial(cursor.fetch, CHUNK)):
                yield await asyncio.to_thread(_inputs, found)


def _predicted(replay: Replay, inputs: Sequence[Input], writing: Writing) -> list[bytes]:
    return writing.said(replay.take(inputs))


async def _ahead(fetch: Callable[[], Awaitable[Sequence[Row]]]) -> AsyncIterator[Sequence[Row]]:
    """Pages until there is none; the next one is fetched while one is worked on."""
    coming = asyncio.ensure_future(fetch())
    try:
        while found := await coming:
            coming = asyncio.ensure_future(fetch())
            yield found
    finally:
        await asyncio.wait([coming])


def _inputs(found: Sequence[Row]) -> list[Input]:
    said = []
    for row in found:
        stamp = (
            row["source"],
            Place(row["generation"], row["position"], row["seq"]),
            row["entity_id"],
            row["revision"],
            row["knowledge_time"],
            row["batch_id"],
            row["row_num"],
        )
        one = read(row["entity"], stamp, orjson.loads(row["payload"]), closed=row["closed"])
        if one is not None:
            said.append(one)
    return said
