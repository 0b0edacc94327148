"""The short way says what the usual way says: to questions, and to whatever else comes to its door."""

from datetime import date
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, HTTPException

from okr_common import rest
from okr_common.health import Health
from okr_common.topology import STAGES
from okr_trainer.answers import Answer, Question
from okr_trainer.direct import Direct

KNOWN = UUID("00000000-0000-0000-0000-000000000001")
ASKED = b'{"key_result_id":"%s","value":1.5,"attributes":{"team":null}}' % str(KNOWN).encode()
JSON = "application/json"
REQUESTS: dict[str, tuple[bytes, dict[str, str], str]] = {
    "a question": (ASKED, {"content-type": JSON}, ""),
    "with its character set": (ASKED, {"content-type": f"{JSON}; charset=utf-8"}, ""),
    "of a key result nobody knows": (ASKED.replace(b"01", b"02"), {"content-type": JSON}, ""),
    "without a type": (ASKED, {}, ""),
    "as text": (ASKED, {"content-type": "text/plain"}, ""),
    "with a parameter": (ASKED, {"content-type": JSON}, "?day=today"),
    "of no key result": (b"{}", {"content-type": JSON}, ""),
    "with a key there is not": (b'{"key_result_id":"%s","valeu":1}' % str(KNOWN).encode(), {"content-type": JSON}, ""),
    "with a number that is none": (ASKED.replace(b"1.5", b"NaN"), {"content-type": JSON}, ""),
    "that ends too early": (ASKED[:-3], {"content-type": JSON}, ""),
    "that is a list": (b"[]", {"content-type": JSON}, ""),
    "that is nothing": (b"", {"content-type": JSON}, ""),
    "in no character set": (b'{"key_result_id":"\xff"}', {"content-type": JSON}, ""),
    "without a bottom": (b"[" * 100_000, {"content-type": JSON}, ""),
}


async def said(question: Question) -> Answer:
    if question.key_result_id != KNOWN:
        raise HTTPException(404, "it is not known")
    told = {"probability": 0.25, "as_it_stands": 0.5, "risk": "high", "forecast": None, "target": None}
    days = {"as_of": date(2017, 1, 1), "due_on": date(2017, 12, 31), "days_left": 364, "elapsed": 0.0}
    seen = {"reasons": [{"feature": "gap", "text": "néant", "weight": -0.5}], "baselines": {}, "features": {"a": 1e-9}}
    named = {"key_result_id": KNOWN, "key_result": "k", "model": "m", "model_version": 1, "value": question.value}
    return Answer.model_validate({**named, **told, **days, **seen})


@pytest.fixture
def client() -> httpx2.AsyncClient:
    app = rest.application(STAGES["trainer"], Health(), dict)
    for path, way in (("/direct", Direct), ("/usual", None)):
        router = APIRouter(route_class=way) if way else APIRouter()
        router.add_api_route(path, said, methods=["POST"])
        app.include_router(router)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://trainer")


@pytest.mark.parametrize("name", REQUESTS)
async def test_both_ways_say_the_same(client: httpx2.AsyncClient, name: str) -> None:
    body, headers, query = REQUESTS[name]
    async with client:
        direct, usual = [await client.post(way + query, content=body, headers=headers) for way in ("/direct", "/usual")]
    assert (direct.status_code, direct.headers, direct.content) == (usual.status_code, usual.headers, usual.content)
    assert (direct.status_code == 200) == name.startswith(("a question", "with its character set"))
