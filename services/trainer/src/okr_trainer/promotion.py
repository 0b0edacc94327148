"""Promotion and rollback: another version serves, and nothing that was learned is lost.

A version's checkpoint is its state when it was registered. What was learned since is stored, features and order, so the
version learns it before it serves. A version of the training that serves already comes out equal to what serves, bit
for bit: only its name changes. A challenger, of another pipeline that has learned in its shadow, serves as it stands
there, and the one that served goes on in the shadow. Predictions are not made again, and open ones that another version
made are learned by the one that serves when their outcome comes.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from okr_common.delivery.outbox import Connection
from okr_common.errors import PermanentError
from okr_common.topology import Stage
from okr_trainer import changes, judging, store, taking_over
from okr_trainer.changes import Change, Kind, MadeBy
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel, PaceRule, Predictor
from okr_trainer.domain.relearning import Missed, learn_again
from okr_trainer.settings import TrainerSettings
from okr_trainer.store import SQL, Owning


async def promote(
    connection: Owning,
    stage: Stage,
    learner: Learner,
    version: int,
    reason: str,
    *,
    settings: TrainerSettings,
    kind: Kind = "promoted",
    made_by: MadeBy = "person",
) -> tuple[Learner, dict[str, Any]]:
    """This version serves from now on; the stream's learner, and what was done.

    Raises PermanentError: no_such_version, serves_already, checkpoint_refused.
    """
    served = learner.predictor.version
    row = await _version(connection, learner.model, version)
    if served == version and row["alias"] == "champion":
        raise PermanentError("serves_already", f"{learner.model} version {version} serves already")
    predictor, again = await _taking_over(connection, learner, row)
    changed = replace(learner, predictor=predictor)
    if isinstance(predictor, LearnedModel):
        in_shadow = settings.in_shadow_of(learner.model, predictor.builder)
        await taking_over.step_back(connection, learner, predictor, in_shadow)
    await changes.crown(connection, learner.model, version)
    await store.put_checkpoint(connection, changed, None)
    digest = predictor.digest if isinstance(predictor, LearnedModel) else None
    change = Change(
        *(learner.model, kind, version, served, version, made_by, reason), learned_again=again, state_digest=digest
    )
    await changes.write(connection, stage, change)
    return changed, {"version": version, "before": served, "learned_again": again}


async def roll_back(
    connection: Owning, stage: Stage, learner: Learner, reason: str, *, settings: TrainerSettings
) -> tuple[Learner, dict[str, Any]]:
    """The version that served before serves again; where there is none, version 0."""
    before = await connection.fetchval(SQL["previous_version"], learner.model)
    back = before or 0
    return await promote(connection, stage, learner, back, reason, settings=settings, kind="rolled_back")


async def _taking_over(connection: Owning, learner: Learner, row: Mapping[str, Any]) -> tuple[Predictor, int]:
    """The version as it has learned in the shadow of the one that serves; else as it was, and taken up again."""
    if row["version"] and row["training"] == learner.predictor.training:
        shadow = await taking_over.in_shadow(connection, learner, row["pipeline"])
        if shadow is not None:
            was = await asyncio.to_thread(judging.content, row)
            return replace(shadow, version=was.version, training=was.training, cut_points=was.cut_points), 0
    return await taken_up(connection, learner.model, row)


async def _version(connection: Owning, model: str, version: int) -> Mapping[str, Any]:
    row = await connection.fetchrow(SQL["version_state"], model, version)
    if row is None:
        raise PermanentError("no_such_version", f"{model} has no version {version}; `okr models list` shows them")
    return dict(row)


async def taken_up(connection: Connection, model: str, version: Mapping[str, Any]) -> tuple[Predictor, int]:
    """The version with all that became known since it was registered, and how many rows it learned for that.

    Raises PermanentError("checkpoint_refused").
    """
    if not version["version"]:
        return PaceRule(), 0
    taken = await asyncio.to_thread(judging.content, version)
    asked = (model, taken.training, version["heard"], version["learned"], taken.builder)
    missed = await connection.fetch(SQL["missed"], *asked)
    rows = [
        Missed(row["prediction_id"], row["key_result_id"], row["achieved"], orjson.loads(row["features"]), row["raw"])
        for row in missed
    ]
    numbers = dict(await asyncio.to_thread(learn_again, taken, rows))
    new = [row["prediction_id"] for row in missed if row["learned_seq"] is None]
    await connection.execute(SQL["mark_learned"], new, [numbers[one] for one in new], taken.training)
    return taken, len(rows)
