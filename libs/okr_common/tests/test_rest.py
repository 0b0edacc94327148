"""What REST answers to values that no column and no message could hold."""

import asyncpg
import httpx2
import pytest
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
