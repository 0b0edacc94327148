"""REST of the trainer: models, predictions, key results at risk, what-if. Answers from committed state."""

import asyncio
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from okr_common.errors import PermanentError
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.inputs import CheckIn, Place, Version
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.what_if import what_if
from okr_trainer.reads import Reads

Thing = TypeVar("Thing")
Limit = Annotated[int, Query(ge=1, le=10_000)]
NOT_FOUND, CONFLICT, UNPROCESSABLE = 404, 409, 422


class Question(BaseModel):
    """A key result, and what would change. Nothing given: the answer as things stand."""

    model_config = ConfigDict(extra="forbid")
    key_result_id: UUID
    model: str | None = None
    value: float | None = Field(None, allow_inf_nan=False, description="the value a check-in would say")
    target: float | None = Field(None, allow_inf_nan=False, description="the target that would hold")
    as_of: date | None = Field(None, description="the day of that check-in; default: today on the source's clock")


class Answer(BaseModel):
    """What the model says. `probability` None: nobody can judge it, `reasons` say why."""

    model_config = ConfigDict(protected_namespaces=())
    key_result_id: UUID
    key_result: str
    model: str
    model_version: int
    probability: float | None
    risk: Literal["low", "medium", "high"] | None
    reasons: list[dict[str, Any]]
    forecast: float | None
    value: float | None
    target: float | None
    as_of: date
    elapsed: float
    days_left: int
    due_on: date
    baselines: dict[str, float]
    features: dict[str, Any] | None


def router(reads: Reads) -> APIRouter:
    """The trainer's routes."""
    api = APIRouter()
    _models(api, reads)
    _predictions(api, reads)
    return api


def _models(api: APIRouter, reads: Reads) -> None:
    @api.get("/models", tags=["models"])
    async def models() -> list[dict[str, Any]]:
        """All versions of all models, newest first; version 0 is the linear-pace rule."""
        return await reads.models()

    @api.get("/models/{model}", tags=["models"])
    async def model_versions(model: str) -> list[dict[str, Any]]:
        """The versions of one model."""
        return _found(await reads.models(model), f"no model is called {model!r}; GET /models lists them")

    @api.get("/models/{model}/versions/{version}", tags=["models"])
    async def model_version(model: str, version: int) -> dict[str, Any]:
        """How a version did in its training replay, beside the baselines; and the reference for drift."""
        return _found(await reads.version(model, version), f"{model!r} has no version {version}; GET /models/{model}")

    @api.get("/models/{model}/evaluation", tags=["models"])
    async def evaluation(
        model: str,
        kind: Literal["live", "aged", "replay"] = "live",
        version: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> dict[str, Any]:
        """How predictions did whose outcome is known, by part of the period, beside the baselines."""
        _found(await reads.models(model), f"no model is called {model!r}; GET /models lists them")
        return await reads.evaluation(model, kind, version, since, until)


def _predictions(api: APIRouter, reads: Reads) -> None:
    @api.get("/predictions", tags=["predictions"])
    async def predictions(
        key_result: UUID, kind: Literal["live", "late", "aged", "replay"] | None = None, limit: Limit = 100
    ) -> list[dict[str, Any]]:
        """A key result's predictions, newest first, with features, lineage and, once known, the outcome."""
        return await reads.predictions(key_result, kind, limit)

    @api.get("/key-results", tags=["predictions"])
    async def key_results(
        risk: Literal["low", "medium", "high"] | None = None, source: str | None = None, limit: Limit = 100
    ) -> list[dict[str, Any]]:
        """Open key results with their newest prediction, the least likely first."""
        return await reads.key_results(risk, source, limit)

    @api.post("/predict", tags=["predictions"])
    async def predict(question: Question) -> Answer:
        """The answer for a key result now, or as if a check-in with other values came."""
        try:
            known = await reads.key_result(question.key_result_id, question.model)
        except PermanentError as refused:
            raise HTTPException(CONFLICT, str(refused)) from refused
        learner, state = _found(known, f"key result {question.key_result_id} is not known; GET /key-results lists some")
        if question.as_of is not None and question.as_of.toordinal() < (state.newest or state.start):
            newest = date.fromordinal(state.newest or state.start)
            raise HTTPException(UNPROCESSABLE, f"it has a check-in of {newest}; as_of must not be before that day")
        now, today = datetime.now(UTC), _ordinal((await reads.todays()).get(state.source))
        draft = await asyncio.to_thread(what_if, learner, state, _change(question, state, today, now), today, now)
        return _answer(learner, draft)


def _ordinal(day: date | None) -> int:
    """0, before all days, for a source that has none yet: then the newest check-in's counts."""
    return 0 if day is None else day.toordinal()


def _change(question: Question, state: KeyResultState, today: int, now: datetime) -> CheckIn | None:
    if question.value is None and question.target is None and question.as_of is None:
        return None
    return CheckIn(
        Version(state.source, Place(0, 0, 0), state.key_result_id, 0, now, 0, 0, state.name),
        key_result_id=state.key_result_id,
        as_of=state.day(today) if question.as_of is None else question.as_of.toordinal(),
        value=question.value,
        target=state.target if question.target is None else question.target,
        confidence=state.confidence,
    )


def _answer(learner: Learner, draft: Draft) -> Answer:
    return Answer(
        key_result_id=UUID(draft.key_result_id),
        key_result=draft.name,
        model=learner.model,
        model_version=learner.predictor.version,
        probability=draft.probability,
        risk=draft.risk,
        reasons=draft.reasons,
        forecast=draft.forecast,
        value=draft.value,
        target=draft.target,
        as_of=date.fromordinal(draft.on),
        elapsed=draft.elapsed,
        days_left=max(0, draft.due - draft.on),
        due_on=date.fromordinal(draft.due),
        baselines=draft.baselines,
        features=draft.x,
    )


def _found(thing: Thing | None, otherwise: str) -> Thing:
    if not thing:
        raise HTTPException(NOT_FOUND, otherwise)
    return thing
