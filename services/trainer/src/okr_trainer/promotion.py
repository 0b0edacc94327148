"""Promotion and rollback: another version serves, and nothing that was learned is lost.

A version's checkpoint is its state when it was registered. What was learned since is stored, features and order, so the
version learns it before it serves. A version of the training that serves already comes out equal to what serves, bit
for bit: only its name changes. Predictions are not made again, and open ones that another version made are learned by
the one that serves when their outcome comes.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from okr_common.delivery.outbox import Connection
from okr_common.errors import PermanentError
from okr_common.topology import Stage
from okr_trainer import changes, judging, store
from okr_trainer.changes import Change, Kind
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel, PaceRule, Predictor
from okr_trainer.domain.relearning import Missed, learn_again
from okr_trainer.store import SQL, Owning


async def promote(
    connection: Owning, stage: Stage, learner: Learner, version: int, reason: str, *, kind: Kind = "promoted"
) -> tuple[Learner, dict[str, Any]]:
    """This version serves from now on; the stream's learner, and what was done.

    Raises PermanentError: no_such_version, serves_already, checkpoint_refused.
    """
    served = learner.predictor.version
    row = await _version(connection, learner.model, version)
    if served == version and row["alias"] == "champion":
        raise PermanentError("serves_already", f"{learner.model} version {version} serves already")
    predictor, again = await taken_up(connection, learner.model, row)
    changed = replace(learner, predictor=predictor)
    await changes.crown(connection, learner.model, version)
    await store.put_checkpoint(connection, changed, None)
    digest = predictor.digest if isinstance(predictor, LearnedModel) else None
    change = Change(
        *(learner.model, kind, version, served, version, "person", reason), learned_again=again, state_digest=digest
    )
    await changes.write(connection, stage, change)
    return changed, {"version": version, "before": served, "learned_again": again}


async def roll_back(connection: Owning, stage: Stage, learner: Learner, reason: str) -> tuple[Learner, dict[str, Any]]:
    """The version that served before serves again; where there is none, version 0."""
    before = await connection.fetchval(SQL["previous_version"], learner.model)
    return await promote(connection, stage, learner, before or 0, reason, kind="rolled_back")


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
    missed = await connection.fetch(SQL["missed"], model, taken.training, version["heard"], version["learned"])
    rows = [
        Missed(row["prediction_id"], row["key_result_id"], row["achieved"], orjson.loads(row["features"]), row["raw"])
        for row in missed
    ]
    numbers = dict(await asyncio.to_thread(learn_again, taken, rows))
    new = [row["prediction_id"] for row in missed if row["learned_seq"] is None]
    await connection.execute(SQL["mark_learned"], new, [numbers[one] for one in new], taken.training)
    return taken, len(rows)
