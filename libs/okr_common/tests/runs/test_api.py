"""The REST of runs: asking twice is one run; what is wrong is said as problem details."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx2
import pytest

from okr_common import rest, runs_api
from okr_common.health import Health
from okr_common.postgres import ledger
from okr_common.postgres.lease import HeldRun
from okr_common.runs import RunState, Step, StepState
from okr_common.testing.clocks import SetClock
from okr_common.topology import STAGES

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
ETL = STAGES["etl"]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def woken() -> list[bool]:
    return []


@pytest.fixture
async def api(ops: asyncpg.Pool, woken: list[bool]) -> AsyncIterator[httpx2.AsyncClient]:
    app = rest.application(ETL, Health(), dict)
    app.include_router(runs_api.router(ETL, ops, SetClock(NOON), lambda: woken.append(True)))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://etl") as client:
        yield client


async def test_a_request_is_one_run_however_often_it_is_made(api: httpx2.AsyncClient, woken: list[bool]) -> None:
    wishes = [{"logical_time": "2026-11-24T02:00:00Z"}, {"logical_time": "2026-11-24T04:00:00+02:00"}]
    first, again = [await api.post("/runs", json=wish) for wish in wishes]
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    assert first.headers["location"] == f"/runs/{first.json()['run_id']}"
    assert (first.json()["state"], first.json()["trigger"]) == ("requested", "rest")
    assert woken == [True, True]
    assert len((await api.get("/runs")).json()) == 1


async def test_without_a_time_it_is_now(api: httpx2.AsyncClient) -> None:
    made = (await api.post("/runs", json={"trigger": "cli", "parameters": {"source": "mta"}})).json()
    assert (made["logical_time"], made["parameters"]) == ("2026-11-24T12:00:00Z", {"source": "mta"})


async def test_a_run_is_shown_with_its_steps(api: httpx2.AsyncClient, ops: asyncpg.Pool) -> None:
    made = (await api.post("/runs", json={})).json()
    taken = await ledger.take(ops, "etl", "test", timedelta(seconds=30))
    assert taken is not None
    held = HeldRun(ops, taken, ETL)
    await held.end_step(Step("discover", 1, 1, StepState.SUCCEEDED, {"files": 3}))
    await held.end(RunState.SUCCEEDED, None)
    shown = (await api.get(f"/runs/{made['run_id']}")).json()
    assert (shown["state"], shown["holder"], shown["epoch"]) == ("succeeded", "test", 1)
    assert [(step["step"], step["state"], step["detail"]) for step in shown["steps"]] == [
        ("discover", "succeeded", {"files": 3})
    ]
    assert [run["run_id"] for run in (await api.get("/runs", params={"state": "succeeded"})).json()] == [made["run_id"]]
    assert (await api.get("/runs", params={"state": "failed", "pipeline": "all"})).json() == []
    assert (await api.get("/runs", params={"pipeline": "trainer"})).json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", f"/runs/{UUID(int=7)}", None, (404, "the ledger holds no run")),
        ("GET", "/runs/seven", None, (422, "run_id")),
        ("GET", "/runs?pipeline=elt", None, (422, "'elt' is no pipeline; there are ingest-csv")),
        ("GET", "/runs?limit=0", None, (422, "limit")),
        ("POST", "/runs", {"logical_time": "2026-11-24T02:00:00"}, (422, "timezone")),
        ("POST", "/runs", {"trigger": "cron"}, (422, "trigger")),
        ("POST", "/runs", {"logicaltime": "2026-11-24T02:00:00Z"}, (422, "logicaltime")),
        ("POST", "/runs", {"logical_time": "0001-01-01T00:00:00+14:00"}, (422, "logical_time")),
        ("POST", "/runs", {"parameters": {"a": "\ud800"}}, (422, "parameters must be JSON")),
    ],
)
async def test_what_is_wrong_is_told_as_a_problem(
    api: httpx2.AsyncClient, method: str, path: str, body: object, expected: tuple[int, str]
) -> None:
    status, says = expected
    content = None if body is None else json.dumps(body)  # httpx2 refuses lone surrogates that others send
    answer = await api.request(method, path, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]
