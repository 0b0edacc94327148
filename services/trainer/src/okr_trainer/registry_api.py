"""REST of the registry: what changes which version serves needs the API key; what tells of it does not."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from okr_common.errors import PermanentError
from okr_common.rest import keyed
from okr_trainer.asking import Asking
from okr_trainer.reads import Reads
from okr_trainer.trainings import PROMOTE, REBUILD, ROLLBACK, TRAIN

NOT_FOUND, CONFLICT = 404, 409
MISSING = {"no_such_version": NOT_FOUND, "no_such_challenger": NOT_FOUND}
Version = Annotated[int, Query(ge=0, le=2**31 - 1)]
Limit = Annotated[int, Query(ge=1, le=1_000)]


class Why(BaseModel):
    """Why a person wants it: for the audit row and the event."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field("no reason given", min_length=1, max_length=500)


class Promotion(Why):
    """Which version is to serve, or which challenger as it stands. Version 0 is the pace rule."""

    version: int | None = Field(None, ge=0, le=2**31 - 1)
    challenger: str | None = Field(None, max_length=100, description="instead of a version: the pipeline by its name")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.version is None) == (self.challenger is None):
            raise ValueError("give either a version or a challenger")
        return self


def router(reads: Reads, asking: Asking, key: str) -> APIRouter:
    """The registry's routes."""
    api = APIRouter(tags=["models"])
    _telling(api, reads)
    _changing(api, reads, asking, key)
    return api


def _telling(api: APIRouter, reads: Reads) -> None:
    @api.get("/models/{model}/changes")
    async def changes(model: str, limit: Limit = 100) -> list[dict[str, Any]]:
        """Every registration, promotion and rollback, newest first: who or what made it, and why."""
        await _known(reads, model)
        return await reads.changes(model, limit)

    @api.get("/models/{model}/challengers")
    async def challengers(model: str) -> list[dict[str, Any]]:
        """Each challenger beside the pipeline that serves, on the newest labels: figures, and what the gates say."""
        await _known(reads, model)
        return await reads.challengers(model)

    @api.get("/models/{model}/reports")
    async def reports(model: str, limit: Limit = 30) -> list[dict[str, Any]]:
        """What each daily run found: labels since the run before, the last seven days, and those of a week ago."""
        await _known(reads, model)
        return await reads.daily_reports(model, limit)

    @api.get("/models/{model}/diff")
    async def diff(model: str, a: Version, b: Version) -> dict[str, Any]:
        """Two versions side by side: what differs between them."""
        both = {number: await reads.described(model, number) for number in (a, b)}
        for number, found in both.items():
            if found is None:
                raise HTTPException(NOT_FOUND, f"{model!r} has no version {number}; GET /models/{model}")
        first, second = both[a] or {}, both[b] or {}
        return {name: [first[name], second[name]] for name in first if first[name] != second[name]}


def _changing(api: APIRouter, reads: Reads, asking: Asking, key: str) -> None:
    with_key = [Depends(keyed(key))]

    async def have(kind: str, model: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        await _known(reads, model)
        try:
            return {"model": model, **await asking.have(kind, model, parameters)}
        except PermanentError as refused:
            raise HTTPException(MISSING.get(refused.reason, CONFLICT), str(refused)) from refused

    @api.post("/models/{model}/promote", dependencies=with_key)
    async def promote(model: str, wanted: Promotion) -> dict[str, Any]:
        """The version, or the challenger, serves from now on, with all that became known since it was registered."""
        whom = {"pipeline": wanted.challenger} if wanted.challenger is not None else {"version": wanted.version}
        return await have(PROMOTE, model, **whom, reason=wanted.reason)

    @api.post("/models/{model}/rollback", dependencies=with_key)
    async def rollback(model: str, why: Why | None = None) -> dict[str, Any]:
        """The version that served before serves again; where there is none, version 0."""
        return await have(ROLLBACK, model, reason=(why or Why()).reason)

    @api.post("/models/{model}/rebuild", dependencies=with_key, status_code=202)
    async def rebuild(model: str) -> dict[str, Any]:
        """A new version is made by a replay of history; it serves if it passes the gates. The answer does not wait."""
        await _known(reads, model)
        try:
            return {"model": model, "item": await asking.ask(TRAIN, model, {REBUILD: True})}
        except PermanentError as refused:
            raise HTTPException(CONFLICT, str(refused)) from refused


async def _known(reads: Reads, model: str) -> None:
    if not await reads.models(model):
        raise HTTPException(NOT_FOUND, f"no model is called {model!r}; GET /models lists them")
