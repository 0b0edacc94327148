"""What the gates judge by: what a version said, and the one that serves, of check-ins whose outcome is known."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_trainer.domain.checkpoint import Checkpoint, load
from okr_trainer.domain.gates import Judged, Rules, Verdict, judge
from okr_trainer.domain.predictors import LearnedModel, Predictor
from okr_trainer.domain.rescoring import probabilities
from okr_trainer.store import SQL, Owning, Row

log = logger(__name__)


async def serving(connection: Owning, model: str) -> Mapping[str, Any]:
    """The version that serves by the registry."""
    row = await connection.fetchrow(SQL["serving"], model)
    assert row is not None  # noqa: S101 - a model is registered with version 0, and one always serves
    return dict(row)


def content(row: Mapping[str, Any]) -> LearnedModel:
    """The model that a version's row holds. Raises PermanentError("checkpoint_refused")."""
    return load(
        Checkpoint(
            row["state"], row["sha256"], row["contract_hash"], orjson.loads(row["libraries"]), row["state_digest"]
        )
    )


async def of_replay(connection: Owning, serves: Predictor, model: str, trained: LearnedModel, rules: Rules) -> Verdict:
    """A training's predictions beside those of the one that serves; all were made before the outcome was known."""
    found = await connection.fetch(SQL["judged_replay"], model, trained.training, serves.training, rules.last_labels)
    rows = [_judged(row, row["replaced"]) for row in found]
    same_kind = isinstance(serves, LearnedModel) and serves.builder == trained.builder
    return await asyncio.to_thread(judge, rows, rules, same_kind=same_kind)


async def of_stream(connection: Owning, model: str, rules: Rules) -> Verdict:
    """What the serving model said while it learned, beside what it would have said as it was when it was registered."""
    now = await serving(connection, model)
    found = await connection.fetch(SQL["judged_stream"], model, now["version"], rules.last_labels)
    before = await asyncio.to_thread(_as_registered, now, found)
    rows = [_judged(row, said) for row, said in zip(found, before, strict=True)]
    return await asyncio.to_thread(judge, rows, rules, same_kind=True)


def _as_registered(version: Mapping[str, Any], found: list[Row]) -> list[float] | list[None]:
    try:
        return probabilities(content(version), [orjson.loads(row["features"]) for row in found])
    except PermanentError as error:
        log.warning("version_refused", version=version["version"], error=str(error))
        return [None] * len(found)


def _judged(row: Row, replaced: float | None) -> Judged:
    return Judged(row["key_result_id"], row["source"], row["achieved"], row["candidate"], replaced, row["pace"])
