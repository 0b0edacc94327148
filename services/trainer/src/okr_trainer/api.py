"""REST of the trainer: models, predictions, key results at risk, what-if. Answers from committed state."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query

from okr_trainer.answers import Answer, Answers, Question, Questions, Refused
from okr_trainer.direct import Direct
from okr_trainer.grounds import Grounds
from okr_trainer.predicting import NOT_FOUND, Together, answers
from okr_trainer.reads import Reads

Thing = TypeVar("Thing")
Limit = Annotated[int, Query(ge=1, le=10_000)]
Newest = Annotated[int, Query(ge=1, le=200_000)]


def router(reads: Reads, grounds: Grounds) -> APIRouter:
    """The trainer's routes, but for `question`."""
    api = APIRouter()
    _models(api, reads)
    _predictions(api, reads)
    _batches(api, grounds)
    return api


def question(grounds: Grounds) -> APIRouter:
    """The route that is asked most, by itself: it comes before all others."""
    api, together = APIRouter(route_class=Direct), Together(grounds)

    @api.post("/predict", tags=["predictions"])
    async def predict(question: Question) -> Answer:
        """The answer for a key result as of today, or as if other things were known; of one that ended, how it did."""
        said = await together.answer(question)
        if isinstance(said, Refused):
            raise HTTPException(said.status, said.detail)
        return said

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
        *,
        version: int | None = None,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        newest: Newest = 20_000,
    ) -> dict[str, Any]:
        """How predictions did whose outcome is known, by source and part of the period, beside the baselines.

        Of the `newest` that these limits leave, by the time their outcome became known, whole key results: `window`
        says of how many.
        """
        _found(await reads.models(model), f"no model is called {model!r}; GET /models lists them")
        return await reads.evaluation(
            model, kind, version=version, source=source, since=since, until=until, newest=newest
        )

    @api.get("/models/{model}/verify", tags=["models"])
    async def verify(model: str) -> dict[str, Any]:
        """Learns the recorded order once more: which stored states come out, to the last bit, and where one differs."""
        _found(await reads.models(model), f"no model is called {model!r}; GET /models lists them")
        return await reads.retraced(model)


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


def _batches(api: APIRouter, grounds: Grounds) -> None:
    @api.post("/predict/batch", tags=["predictions"])
    async def predict_batch(asked: Questions) -> Answers:
        """Up to 1,000 answers at once, in the order of the questions; one that is refused keeps back no other."""
        return Answers(answers=await answers(grounds, asked.questions))


def _found(thing: Thing | None, otherwise: str) -> Thing:
    if not thing:
        raise HTTPException(NOT_FOUND, otherwise)
    return thing
