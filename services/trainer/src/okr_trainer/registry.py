"""The registry: a training, or what the stream has learned since, becomes a version, and the version serves."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from okr_common.delivery import outbox
from okr_common.delivery.outbox import announce
from okr_common.events import Event, ModelEvaluated, ModelRegistered, ModelTrained
from okr_common.topology import Stage
from okr_trainer import store
from okr_trainer.domain.checkpoint import Checkpoint, libraries, save
from okr_trainer.domain.evaluation import evaluate, headline
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.replay import Replay
from okr_trainer.store import SQL, Owning

CHAMPION = "champion"


async def register(connection: Owning, stage: Stage, learner: Learner, replay: Replay) -> Learner:
    """Writes the version, where the stream's learner stands from now on, and the events; returns that learner."""
    evaluated = await asyncio.to_thread(evaluate, replay.scored)
    trained = await _successor(connection, learner, replay)
    checkpoint = save(replay.model)
    await _put_version(connection, learner, replay, evaluated, checkpoint)
    await store.put_states(connection, learner.model, trained.states, [])
    await connection.execute(SQL["forget_track_records"], learner.model)
    await store.put_records(connection, learner.model, trained.records)
    await store.put_checkpoint(connection, trained, None)
    events = _events(replay, learner, evaluated, checkpoint)
    await outbox.put(connection, stage.service, [announce(event, stage) for event in events])
    trained.forget_closed()
    return trained


async def snapshot(connection: Owning, stage: Stage, learner: Learner, model: LearnedModel) -> Learner:
    """The stream's model as it stands becomes a version; returns its learner.

    Its metrics are those of all live predictions so far, which earlier versions made: its own have no outcome yet.
    """
    rows = await store.scored(connection, learner.model, "live")
    evaluated = await asyncio.to_thread(evaluate, rows)
    (version, _), *_ = await connection.fetch(SQL["next_version"], learner.model)
    serving = replace(model, version=version)
    checkpoint = save(serving)
    await connection.execute(SQL["retire_champion"], learner.model)
    await connection.execute(
        SQL["put_snapshot"],
        *(learner.model, model.training, version, _json(_cut(learner)), learner.watermark),
        *(learner.base_rate.outcomes, model.learned, _json(evaluated), checkpoint.contract, _json(libraries())),
        *(checkpoint.digest, checkpoint.sha256, checkpoint.content),
    )
    registered = replace(learner, predictor=serving)
    await store.put_checkpoint(connection, registered, None)
    events = _said_of(learner.model, version, evaluated)
    await outbox.put(connection, stage.service, [announce(event, stage) for event in events])
    return registered


async def _successor(connection: Owning, learner: Learner, replay: Replay) -> Learner:
    """What the replay knows, at the stream's place and with its numbering."""
    made = replay.learner
    for row in await connection.fetch(SQL["answers"], learner.model):
        state = made.states.get(row["key_result_id"])
        if state is not None:
            state.predictions, state.answered, state.aged = row["predictions"] or 0, row["answered"], row["aged"]
    known = [moment for moment in (made.watermark, learner.watermark) if moment is not None]
    return Learner(
        learner.model,
        replay.model,
        learner.cut_points,
        states=made.states,
        records=made.records,
        base_rate=made.base_rate,
        marks=learner.marks,
        watermark=max(known, default=None),
    )


async def _put_version(
    connection: Owning, learner: Learner, replay: Replay, evaluated: Mapping[str, Any], checkpoint: Checkpoint
) -> None:
    await connection.execute(SQL["retire_champion"], learner.model)
    await connection.execute(
        SQL["put_version"],
        *(learner.model, replay.model.version, replay.model.training, replay.model.builder, _json(_cut(learner))),
        *(replay.since, replay.until, replay.check_ins, replay.outcomes, replay.model.learned),
        *(_json(evaluated), _json(replay.reference.summary()), checkpoint.contract, _json(libraries())),
        *(checkpoint.digest, checkpoint.sha256, checkpoint.content),
    )


def _events(
    replay: Replay, learner: Learner, evaluated: Mapping[str, Any], checkpoint: Checkpoint
) -> tuple[Event, ...]:
    model, version = learner.model, replay.model.version
    position = max((mark.place.position for mark in learner.marks.values()), default=0)
    return (
        ModelTrained(
            model=model,
            version=version,
            position=position,
            check_ins=replay.check_ins,
            outcomes=replay.outcomes,
            state_digest=checkpoint.digest,
        ),
        *_said_of(model, version, evaluated),
    )


def _said_of(model: str, version: int, evaluated: Mapping[str, Any]) -> tuple[Event, ...]:
    """It was evaluated, and serves."""
    return (
        ModelEvaluated(model=model, version=version, n=evaluated["all"]["n"], metrics=headline(evaluated)),
        ModelRegistered(model=model, version=version, alias=CHAMPION),
    )


def _cut(learner: Learner) -> dict[str, Any]:
    """Up to where each source was heard."""
    return {source: mark.place._asdict() for source, mark in learner.marks.items()}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
