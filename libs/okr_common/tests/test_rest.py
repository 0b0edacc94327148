"""What REST answers to values that no column and no message could hold."""

from typing import Annotated, Any

import asyncpg
import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query
from pydantic import ValidationError

from okr_common.health import Health
from okr_common.rest import application
from okr_common.runs_api import PARAMETERS_BYTES, RunWish
from okr_common.topology import STAGES


async def test_a_value_no_column_can_hold_is_the_askers_mistake() -> None:
    app = application(STAGES["etl"], Health(), dict)

    @app.get("/ask")
    async def ask() -> None:
        raise asyncpg.DataError("value out of int64 range")

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://etl") as client:
        answer = await client.get("/ask")
    assert (answer.status_code, answer.json()["status"]) == (422, 422)
    assert "value out of int64 range" in answer.json()["detail"]


def test_the_parameters_of_a_run_are_bounded() -> None:
    RunWish(parameters={"a": "b" * 1_000})
    with pytest.raises(ValidationError, match="a request may have"):
        RunWish(parameters={"a": "b" * PARAMETERS_BYTES})


def _paging(limit: Annotated[int, Query(ge=1)] = 10) -> int:
    return limit


def _app() -> FastAPI:
    """An app as a service makes it: a router that comes later, with parameters of its own and of what it depends on."""
    app, rows, pages = application(STAGES["etl"], Health(), dict), APIRouter(), APIRouter(include_in_schema=False)

    @rows.get("/rows/{source}")
    async def rows_of(
        source: str, limit: Annotated[int, Depends(_paging)], *, every: Annotated[bool, Query(alias="all")] = False
    ) -> list[Any]:
        return [source, limit, every]

    @pages.get("/page")
    async def page() -> str:
        return "for people"

    app.include_router(rows)
    app.include_router(pages)
    return app


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/rows/a?limit=3&all=true", None),
        ("/page?from=mail", None),
        ("/livez", None),
        ("/rows/a?before=zzz", "query.before: there is no such parameter here; there is all, limit"),
        ("/rows/a?every=true", "query.every: there is no such parameter here; there is all, limit"),
        ("/rows/a?source=b&limit=0", "query.source: there is no such parameter here; there is all, limit"),
        ("/status?a=1", "query.a: there is no such parameter here; there is none"),
    ],
)
async def test_a_parameter_that_a_route_does_not_have_is_told_not_passed_over(path: str, said: str | None) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=_app()), base_url="http://etl") as client:
        answer = await client.get(path)
    if said is None:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["detail"]) == (422, said)
        assert [f"{one['where']}: {one['what']}" for one in answer.json()["errors"]] == [said]
