"""Challengers are judged by what they would have said, and registered; the best that passes the gates serves.

They are judged on the check-ins of the last labels beside the pipeline that serves. Both had learned the same rows when
they answered, and neither knew the outcome.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from okr_common.delivery.outbox import Connection
from okr_common.errors import PermanentError
from okr_common.topology import Stage
from okr_trainer import promotion, registry
from okr_trainer.domain.baselines import LINEAR_PACE
from okr_trainer.domain.evaluation import Scored, headline
from okr_trainer.domain.gates import CANDIDATE, REPLACED, Judged, Rules, Verdict, judge
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.window import MOST, Window, measured, newest
from okr_trainer.registry import CHAMPION, Candidate
from okr_trainer.settings import TrainerSettings
from okr_trainer.store import SQL, Owning, Pool, Row
from okr_trainer.taking_over import caught_up

LOOKED_AT = 4 * MOST
"""Rows: those of as many labels as the gates judge by, though each has many check-ins."""


class Compared(NamedTuple):
    """What a challenger would have said, beside what `CHAMPION` among its baselines said; and what the gates say."""

    window: Window
    verdict: Verdict

    @property
    def log_loss(self) -> float | None:
        """On the rows that it was judged by; None where those were too few."""
        against = self.verdict.figures.get(REPLACED)
        return None if against is None else float(against["log_loss"][CANDIDATE])


async def compared(executor: Connection | Pool, served: Row, pipeline: str, rules: Rules) -> Compared:
    """The challenger beside the pipeline that serves, on the newest labels of their training."""
    asked = (served["model"], served["training"], pipeline, served["pipeline"], LOOKED_AT)
    found = await executor.fetch(SQL["challenged_rows"], *asked)
    return await asyncio.to_thread(_compared, found[::-1], rules)


def _compared(found: Sequence[Row], rules: Rules) -> Compared:
    """`found`: in the order in which their outcomes became known."""
    scored, judged = [], []
    for row in found:
        said = orjson.loads(row["baselines"])
        about = {name: row[name] for name in ("key_result_id", "source", "achieved")}
        when = {name: row[name] for name in ("elapsed", "day", "due", "ended")}
        beside = {**said, CHAMPION: row["replaced"]}
        scored.append(Scored(**about, **when, probability=row["candidate"], baselines=beside))
        judged.append(Judged(**about, candidate=row["candidate"], replaced=row["replaced"], pace=said[LINEAR_PACE]))
    verdict = judge(judged, rules, same_kind=False)
    return Compared(newest(scored, found[0]["of"] if found else 0), verdict)


async def challenge(
    connection: Owning, stage: Stage, settings: TrainerSettings, learner: Learner
) -> tuple[Learner, dict[str, Any]]:
    """Judges every challenger of this model; the stream's learner from now on, and what came of each."""
    served, said = learner.predictor, dict[str, Any]()
    assert isinstance(served, LearnedModel)  # noqa: S101 - else there is nobody to challenge
    passed: list[tuple[float, int, str]] = []
    for pipeline in settings.in_shadow_of(learner.model, served.builder):
        try:
            version, found = await _registered(connection, stage, settings, learner, pipeline)
        except PermanentError as error:
            said[pipeline] = {"waits": str(error)}
            continue
        said[pipeline] = {"version": version, "log_loss": found.log_loss, **_told(found.verdict)}
        if found.verdict.passed and found.log_loss is not None:
            passed.append((found.log_loss, version, _why(pipeline, served.builder, found.verdict)))
    if not passed or settings.promotion != "automatic":
        return learner, said
    _, version, why = min(passed)
    changed, _ = await promotion.promote(connection, stage, learner, version, why, settings=settings, made_by="gates")
    return changed, said


async def promote(
    connection: Owning, stage: Stage, learner: Learner, pipeline: str, reason: str, *, settings: TrainerSettings
) -> tuple[Learner, dict[str, Any]]:
    """A challenger serves from now on, whatever the gates say. Raises PermanentError as `promotion.promote` does."""
    if not isinstance(learner.predictor, LearnedModel):
        raise PermanentError(
            "no_such_challenger", f"the pace rule serves {learner.model}, and nothing learns beside it"
        )
    if learner.predictor.builder == pipeline:
        raise PermanentError("serves_already", f"{pipeline} serves {learner.model} already")
    version, _ = await _registered(connection, stage, settings, learner, pipeline)
    return await promotion.promote(connection, stage, learner, version, reason, settings=settings)


async def _registered(
    connection: Owning, stage: Stage, settings: TrainerSettings, learner: Learner, pipeline: str
) -> tuple[int, Compared]:
    """The challenger as it stands is a version; the one it has, where it has learned nothing since."""
    served = learner.predictor
    assert isinstance(served, LearnedModel)  # noqa: S101
    taken = await caught_up(connection, learner, pipeline)
    now = await connection.fetchrow(SQL["served_training"], learner.model)
    assert now is not None  # noqa: S101 - it serves
    found = await compared(connection, now, pipeline, settings.gates.rules)
    last = await connection.fetchrow(SQL["newest_of"], learner.model, served.training, pipeline)
    if last is not None and last["learned"] == taken.learned:
        return last["version"], found
    (version, _), *_ = await connection.fetch(SQL["next_version"], learner.model)
    cut_points = found.window.cut_points or served.cut_points
    model = replace(taken.follower.model, version=version, training=served.training, cut_points=cut_points)
    evaluated = await asyncio.to_thread(measured, found.window)
    heard = await connection.fetchval(SQL["heard_last"], learner.model)
    candidate = Candidate(model, evaluated, found.verdict, serves=False, heard=heard)
    await registry.put(connection, stage, learner, candidate)
    return version, found


def _told(verdict: Verdict) -> dict[str, Any]:
    return {"passed": verdict.passed, "reasons": verdict.reasons}


def _why(pipeline: str, served: str, verdict: Verdict) -> str:
    against = verdict.figures[REPLACED]
    loss = against["log_loss"]
    return (
        f"{pipeline} passed the gates: over {against['labels']} outcomes its log loss is {loss[CANDIDATE]:.4f}, and "
        f"{served} has {loss[REPLACED]:.4f}"
    )


async def beside(executor: Connection | Pool, served: Row, challenger: Row, rules: Rules) -> dict[str, Any]:
    """A challenger as REST tells of it. `behind`: rows it has still to learn; `seconds`: processor time it took."""
    names = ("pipeline", "training", "learned", "waits", "seconds", "state_digest", "updated_at")
    said = {"model": served["model"], "serves": served["pipeline"], **{name: challenger[name] for name in names}}
    if challenger["training"] != served["training"]:
        return {**said, "behind": served["learned"], "verdict": None, "scores": {}}
    found = await compared(executor, served, challenger["pipeline"], rules)
    evaluated = await asyncio.to_thread(measured, found.window)
    return {
        **said,
        "behind": served["learned"] - challenger["learned"],
        "verdict": found.verdict.as_json(),
        "scores": headline(evaluated) if evaluated["all"]["n"] else {},
    }
