"""The registry: a training, or what the stream has learned since, is a version; where it passes the gates it serves."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from okr_common.events import Event, ModelEvaluated, ModelJudged, ModelRegistered, ModelTrained
from okr_common.topology import Stage
from okr_trainer import changes, judging, store
from okr_trainer.changes import Change
from okr_trainer.domain.checkpoint import Checkpoint, libraries, save
from okr_trainer.domain.evaluation import headline
from okr_trainer.domain.gates import Verdict
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel, Predictor
from okr_trainer.domain.replay import Replay
from okr_trainer.domain.window import measured, newest
from okr_trainer.settings import TrainerSettings
from okr_trainer.store import SQL, Owning

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True, slots=True)
class Registered:
    """What came of it: the stream's learner from now on, the new version, and whether it serves."""

    learner: Learner
    version: int
    serves: bool
    verdict: Verdict

    @property
    def said(self) -> dict[str, Any]:
        """For the work item, and so for the run's step."""
        return {"version": self.version, "serves": self.serves, "reasons": list(self.verdict.reasons)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version in the making."""

    model: LearnedModel
    evaluated: Mapping[str, Any]
    verdict: Verdict
    serves: bool
    heard: int

    @property
    def alias(self) -> str:
        """What it is from now on."""
        return CHAMPION if self.serves else CHALLENGER

    @property
    def metrics(self) -> str:
        """With the cut points of its risk bands, and the drifts it has met."""
        cut_points = self.model.cut_points
        points = None if cut_points is None else asdict(cut_points)
        return _json({**self.evaluated, "cut_points": points, "drift": self.model.drift.told})

    @property
    def judgement(self) -> str:
        """What the gates said."""
        return _json(self.verdict.as_json())


async def register(
    connection: Owning, stage: Stage, settings: TrainerSettings, learner: Learner, replay: Replay
) -> Registered:
    """Writes a training's version, where the stream's learner stands from now on, and the events.

    What the replay knows of key results and their records holds, whoever answers; the model only where it passed.
    """
    window = newest(replay.scored, len(replay.scored))
    replay.model.cut_points = window.cut_points
    rules = settings.gates.rules
    evaluated, verdict = await asyncio.gather(
        asyncio.to_thread(measured, window),
        judging.of_replay(connection, learner.predictor, learner.model, replay.model, rules),
    )
    heard = await connection.fetchval(SQL["heard_last"], learner.model)
    candidate = Candidate(replay.model, evaluated, verdict, _serves(settings, verdict), heard)
    checkpoint = save(replay.model)
    trained = await _successor(connection, learner, replay, replay.model if candidate.serves else learner.predictor)
    await _make_room(connection, learner, candidate)
    await _put_version(connection, learner, replay, candidate, checkpoint)
    await store.put_states(connection, learner.model, trained.states, [])
    await connection.execute(SQL["forget_track_records"], learner.model)
    await store.put_records(connection, learner.model, trained.records)
    await connection.execute(SQL["forget_tallies"], learner.model)
    await store.put_tallies(connection, learner.model, trained.tallies.known)
    await store.put_checkpoint(connection, trained, None)
    await changes.say(connection, stage, _trained(replay, learner, checkpoint))
    await _announce(connection, stage, learner, candidate, checkpoint)
    trained.forget_closed()
    return Registered(trained, replay.model.version, candidate.serves, verdict)


async def snapshot(
    connection: Owning, stage: Stage, settings: TrainerSettings, learner: Learner, model: LearnedModel
) -> Registered:
    """The stream's model as it stands becomes a version.

    Its metrics are those of the predictions that the serving version has made since it was registered: made by this
    model on its way. Where it does not pass, the version that serves keeps its name, and goes on learning.
    """
    window = await store.scored(connection, learner.model, "live", version=model.version)
    evaluated, verdict = await asyncio.gather(
        asyncio.to_thread(measured, window), judging.of_stream(connection, learner.model, settings.gates.rules)
    )
    (version, _), *_ = await connection.fetch(SQL["next_version"], learner.model)
    made = replace(model, version=version)
    heard = await connection.fetchval(SQL["heard_last"], learner.model)
    candidate = Candidate(made, evaluated, verdict, _serves(settings, verdict), heard)
    await put(connection, stage, learner, candidate)
    registered = replace(learner, predictor=made) if candidate.serves else learner
    await store.put_checkpoint(connection, registered, None)
    return Registered(registered, version, candidate.serves, verdict)


async def put(connection: Owning, stage: Stage, learner: Learner, candidate: Candidate) -> None:
    """A version of what the stream has taught: its row, the audit row and the events."""
    model, checkpoint = candidate.model, save(candidate.model)
    await _make_room(connection, learner, candidate)
    await connection.execute(
        SQL["put_snapshot"],
        *(learner.model, model.training, model.version, _json(_cut(learner)), learner.watermark),
        *(learner.base_rate.outcomes, model.learned, candidate.metrics, checkpoint.contract, _json(libraries())),
        *(checkpoint.digest, checkpoint.sha256, checkpoint.content, candidate.alias, candidate.judgement),
        *(candidate.heard, model.builder),
    )
    await _announce(connection, stage, learner, candidate, checkpoint)


def _serves(settings: TrainerSettings, verdict: Verdict) -> bool:
    return verdict.passed and settings.promotion == "automatic"


async def _make_room(connection: Owning, learner: Learner, candidate: Candidate) -> None:
    """There is one version of each alias, and of a pipeline only the newest is a challenger."""
    await connection.execute(SQL["retire_challenger"], learner.model, candidate.model.builder)
    if candidate.serves:
        await connection.execute(SQL["retire"], learner.model)


async def _successor(connection: Owning, learner: Learner, replay: Replay, predictor: Predictor) -> Learner:
    """What the replay knows, at the stream's place and with its numbering."""
    made = replay.learner
    for row in await connection.fetch(SQL["answers"], learner.model):
        state = made.states.get(row["key_result_id"])
        if state is not None:
            state.predictions, state.answered, state.aged = row["predictions"] or 0, row["answered"], row["aged"]
    known = [moment for moment in (made.watermark, learner.watermark) if moment is not None]
    return Learner(
        learner.model,
        predictor,
        learner.cut_points,
        states=made.states,
        records=made.records,
        base_rate=made.base_rate,
        tallies=made.tallies,
        errors=made.errors,
        marks=learner.marks,
        watermark=max(known, default=None),
    )


async def _put_version(
    connection: Owning, learner: Learner, replay: Replay, candidate: Candidate, checkpoint: Checkpoint
) -> None:
    await connection.execute(
        SQL["put_version"],
        *(learner.model, replay.model.version, candidate.alias, replay.model.training, replay.model.builder),
        *(_json(_cut(learner)), replay.since, replay.until, replay.check_ins, replay.outcomes, replay.model.learned),
        *(candidate.metrics, _json(replay.reference.summary()), checkpoint.contract, _json(libraries())),
        *(checkpoint.digest, checkpoint.sha256, checkpoint.content, candidate.judgement, candidate.heard),
    )


def _trained(replay: Replay, learner: Learner, checkpoint: Checkpoint) -> Event:
    return ModelTrained(
        model=learner.model,
        version=replay.model.version,
        position=max((mark.place.position for mark in learner.marks.values()), default=0),
        check_ins=replay.check_ins,
        outcomes=replay.outcomes,
        state_digest=checkpoint.digest,
    )


async def _announce(
    connection: Owning, stage: Stage, learner: Learner, candidate: Candidate, checkpoint: Checkpoint
) -> None:
    """It was evaluated and judged, and stands in the registry; the audit row, and the event where it serves."""
    model, version, verdict = learner.model, candidate.model.version, candidate.verdict
    served = learner.predictor.version
    n = candidate.evaluated["all"]["n"]
    await changes.say(
        connection,
        stage,
        ModelEvaluated(model=model, version=version, n=n, metrics=headline(candidate.evaluated)),
        ModelJudged(model=model, version=version, against=served, passed=verdict.passed, reasons=verdict.reasons),
        ModelRegistered(model=model, version=version, alias=candidate.alias),
    )
    serves = version if candidate.serves else served
    change = Change(
        *(model, "registered", version, served, serves, "gates", _why(candidate)), state_digest=checkpoint.digest
    )
    await changes.write(connection, stage, change)


def _why(candidate: Candidate) -> str:
    if candidate.verdict.passed:
        return "it passed the gates" if candidate.serves else "it passed the gates, and waits for `okr models promote`"
    return "; ".join(candidate.verdict.reasons)


def _cut(learner: Learner) -> dict[str, Any]:
    """Up to where each source was heard."""
    return {source: mark.place._asdict() for source, mark in learner.marks.items()}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
