"""The REST of runs, the same in every service: /runs, /runs/{id}, POST /runs."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict

from okr_common import codec, runs
from okr_common.clock import Clock
from okr_common.events import LogicalTime
from okr_common.postgres import ledger
from okr_common.run_views import RunView, view
from okr_common.runs import Run, RunState
from okr_common.topology import STAGES, Stage

PARAMETERS_BYTES = 65_536
"""They travel in each message about the run."""


def _storable(parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(codec.to_json(parameters))
    except TypeError as error:
        raise ValueError(f"parameters must be JSON that PostgreSQL can hold: {error}") from None
    if size > PARAMETERS_BYTES:
        raise ValueError(f"parameters are {size:,} bytes of JSON; a request may have {PARAMETERS_BYTES:,}")
    return parameters


class RunWish(BaseModel):
    """A request for a run. The same `logical_time` again is the same run; without one it is now."""

    model_config = ConfigDict(extra="forbid")
    logical_time: LogicalTime | None = None
    trigger: Literal["rest", "cli"] = "rest"
    parameters: Annotated[dict[str, Any], AfterValidator(_storable)] = {}


def router(stage: Stage, pool: asyncpg.Pool, clock: Clock, requested: Callable[[], None]) -> APIRouter:
    """The routes; `requested` is called after a request was committed."""
    routes = APIRouter(prefix="/runs", tags=["runs"])

    @routes.get("", response_model_exclude_none=False)
    async def list_runs(
        pipeline: str = stage.service,
        state: RunState | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    ) -> list[RunView]:
        """The newest runs of this service's pipeline, of the one named, or of `all`."""
        return [view(run) for run in await ledger.listed(pool, _pipeline(pipeline), state, limit)]

    @routes.get("/{run_id}")
    async def show_run(run_id: UUID) -> RunView:
        """One run with every attempt of its steps."""
        run = await ledger.get(pool, run_id)
        if run is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"the ledger holds no run {run_id}; GET /runs?pipeline=all lists")
        return view(run, await ledger.steps(pool, run_id))

    @routes.post("", status_code=HTTPStatus.ACCEPTED)
    async def request_run(wish: RunWish, response: Response) -> RunView:
        """Requests a run: 202 for a new one, 200 for one that is known already."""
        run = _run_of(wish, stage, clock)
        async with pool.acquire() as connection, connection.transaction():
            is_new = await ledger.request(connection, run, stage)
        requested()
        response.status_code = HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK
        response.headers["Location"] = f"/runs/{run.run_id}"
        return view(await ledger.get(pool, run.run_id) or run)

    return routes


def _run_of(wish: RunWish, stage: Stage, clock: Clock) -> Run:
    logical_time = wish.logical_time or clock()
    return Run(
        run_id=runs.run_id(stage.service, logical_time, wish.trigger),
        pipeline=stage.service,
        logical_time=logical_time,
        trigger=wish.trigger,
        state=RunState.REQUESTED,
        parameters=wish.parameters,
    )


def _pipeline(name: str) -> str | None:
    if name != "all" and name not in STAGES:
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"{name!r} is no pipeline; there are {', '.join(STAGES)}, and all"
        )
    return None if name == "all" else name
