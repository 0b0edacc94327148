"""Dead letters as a person meets them: listed, shown, sent again; what dies again is counted, and refused one day."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from okr_cli.main import app
from okr_cli.testing import Flow, Published
from okr_common import topics
from okr_common.errors import PermanentError
from okr_common.events import BatchIngested
from okr_common.kafka.admin import identities
from okr_common.kafka.consumer import Feed, event_of
from okr_common.kafka.dead_letters import dead_letter
from okr_common.kafka.original import ATTEMPT, ORIGIN, Header
from okr_common.kafka.probe import BrokerProbe
from okr_common.kafka.producer import Exact, ExactProducer, Producer
from okr_common.kafka.reader import read_all
from okr_common.testing.waiting import until
from okr_common.topology import STAGES

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
EVENTS = topics.INGESTION_EVENTS.name
SERVICES = ("ingest-csv", "etl", "trainer", "monitor")
ODD: list[Header] = [
    ("ce_type", BatchIngested.ce_type.encode()),
    ("traceparent", b"00-1-2-01"),
    ("odd", b"\xff\x00"),
    ("odd", None),
    ("odd", b""),
]
BYTES = Exact(EVENTS, 5, b"\xfe\x00key", b"\x80 no json", ODD)
NULL = Exact(EVENTS, 5, None, None, ODD)


async def okr(flow: Flow, *arguments: str) -> Result:
    command = ["--state", str(flow.stack.stack.state.folder), "dead-letters", *arguments]
    return await asyncio.to_thread(CliRunner().invoke, app, command)


async def asked(flow: Flow, *arguments: str) -> Any:  # noqa: ANN401 - what the command prints
    return json.loads((await okr(flow, *arguments, "--json")).stdout)


async def letters(flow: Flow, count: int, *arguments: str) -> list[dict[str, Any]]:
    """The listing, once it has so many letters."""

    async def listed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await asked(flow, "list", *arguments)
        return found if len(found) >= count else []

    found = await until(listed, within=60)
    assert len(found) == count
    return found


async def send(flow: Flow, *messages: Exact) -> None:
    await ExactProducer(flow.stack.bootstrap, "stranger").publish(messages)


async def raw(flow: Flow, topic: str, count: int) -> list[Any]:
    """The messages of a topic as confluent-kafka has them."""
    feed = Feed(flow.stack.bootstrap, "okr-test", [topic])
    feed.start()
    found: list[Any] = []
    try:
        while len(found) < count:
            batch = await feed.next(1)
            found += batch.messages if batch else ()
    finally:
        await feed.stop()
    return found


async def test_what_dies_again_is_counted_and_refused_beyond_the_cap(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKR_DEAD_LETTERS__ATTEMPTS", "2")
    with flow.stack.supervised(["etl"]):
        await send(flow, BYTES, NULL)
        (null, odd) = await letters(flow, 2, "--topic", EVENTS)
        assert {(one["reason"], one["stage"], one["state"], one["attempts"]) for one in (null, odd)} == {
            ("not_json", "etl", "dead", 0)
        }
        shown = (await okr(flow, "show", f"{EVENTS}/5/0")).stdout
        for words in ("not_json: the value is not JSON", r"odd: \xff", "odd: null", "80 20 6e 6f 20 6a 73 6f 6e"):
            assert words in shown
        assert f"okr dead-letters replay {odd['letter']}" in shown

        planned = await asked(flow, "replay", "--reason", "not_json", "--dry-run")
        assert [(one["outcome"], one["attempt"]) for one in planned] == [("would be replayed", 1)] * 2
        replayed = await asked(flow, "replay", "--reason", "not_json")
        assert [(one["outcome"], one["place"]) for one in replayed] == [
            ("replayed", f"{EVENTS}/5@2"),
            ("replayed", f"{EVENTS}/5@3"),
        ]
        await letters(flow, 4)
        assert len(await asked(flow, "list", "--state", "died again")) == 2
        (_, again) = await asked(flow, "list", "--state", "dead")
        assert (again["attempts"], again["first_origin"], again["origin"]) == (1, f"{EVENTS}/5@0", f"{EVENTS}/5@2")

        await asked(flow, "replay", again["letter"])
        (last, *_) = await letters(flow, 5)
        assert (last["attempts"], last["first_origin"]) == (2, f"{EVENTS}/5@0")
        refused = await okr(flow, "replay", last["letter"], "--json")
        assert refused.exit_code == 1
        assert "sent again 2 times already" in json.loads(refused.stdout)[0]["refused"]
        await asked(flow, "replay", last["letter"], "--force")
        assert (await letters(flow, 6))[0]["attempts"] == 3
    third = [*ODD, (ATTEMPT, b"3"), (ORIGIN, f"{EVENTS}/5@0".encode())]
    on_topic = [
        Exact(EVENTS, one.partition(), one.key(), one.value(), one.headers()) for one in await raw(flow, EVENTS, 6)
    ]
    assert on_topic[:2] == [BYTES, NULL]
    assert on_topic[5] == Exact(EVENTS, 5, BYTES.key, BYTES.value, third)
    assert await flow.wrong() == []


async def test_every_service_passes_on_how_often_a_message_was_sent_again(flow: Flow, published: Published) -> None:
    with flow.stack.supervised(SERVICES):
        flow.drop("good.csv", published.encoded(published.rows[:20]))
        await flow.predicted(20)
        first = next(read_all(flow.stack.bootstrap, [topics.PROCESSED_RECORDS.name]))
        spoiled = orjson.dumps({**orjson.loads(first.value or b""), "revision": 10**12})
        await send(
            flow,
            Exact(topics.RUN_REQUESTS.name, 0, b"etl", b"{", ODD),
            Exact(topics.RUN_REQUESTS.name, 0, b"nobody", b"{", ODD),
            *(Exact(topic.name, 1, b"x", b"{", ODD) for topic in (topics.PROCESSING_EVENTS, topics.MODEL_EVENTS)),
            Exact(EVENTS, 1, b"x", b"{", ODD),
            Exact(topics.PROCESSED_RECORDS.name, first.partition, b"x", b"{", ODD),
            Exact(topics.PROCESSED_RECORDS.name, first.partition, b"x", spoiled, ODD),
        )
        found = await letters(flow, 7)
        assert {one["attempts"] for one in found} == {0}
        answer = await asked(flow, "replay", *(one["letter"] for one in found))
        (refused,) = [one for one in answer if one["outcome"] == "refused"]
        assert "the trainer hears a source in its order" in refused["refused"]
        await letters(flow, 13)
        again = await asked(flow, "list", "--state", "dead")
    assert sorted((one["stage"], one["topic"], one["attempts"]) for one in again) == [
        ("etl", EVENTS, 1),
        ("etl", topics.RUN_REQUESTS.name, 1),
        ("monitor", topics.MODEL_EVENTS.name, 1),
        ("monitor", topics.RUN_REQUESTS.name, 1),
        ("trainer", topics.PROCESSED_RECORDS.name, 0),
        ("trainer", topics.PROCESSED_RECORDS.name, 1),
        ("trainer", topics.PROCESSING_EVENTS.name, 1),
    ]
    assert await flow.wrong() == []


async def test_what_is_understood_today_is_replayed_and_verify_stays_clean(flow: Flow, published: Published) -> None:
    bootstrap = flow.stack.bootstrap
    with flow.stack.supervised(SERVICES[:3]):
        flow.drop("good.csv", published.encoded(published.rows[:20]))
        await flow.predicted(20)
        count = sum(1 for _ in read_all(bootstrap, [EVENTS]))
        good = next(one for one in await raw(flow, EVENTS, count) if event_of(one).ce_type == BatchIngested.ce_type)
        why = PermanentError("unknown_type", "as a build would say that did not know it")
        _, ids = await asyncio.to_thread(identities, bootstrap, [EVENTS])
        await Producer(bootstrap, "older").publish([dead_letter(good, why, STAGES["etl"], ids[EVENTS])])
        await letters(flow, 1)
        (replayed,) = await asked(flow, "replay", "--stage", "etl")
        assert replayed["outcome"] == "replayed"
        await until(lambda: caught_up(flow, "okr-etl"))
    (letter,) = await letters(flow, 1)
    assert (letter["state"], letter["attempts"], letter["died_again_as"]) == ("replayed", 1, None)
    assert await flow.wrong() == []


async def caught_up(flow: Flow, group: str) -> bool:
    return (await BrokerProbe(flow.stack.bootstrap).lags([group])).get(group) == 0


HOSTILE = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class Name(str):
    def encode(self, *_): return bytes([255, 254])

async def main():
    async with AIOKafkaProducer(bootstrap_servers=sys.argv[1]) as producer:
        for topic in sys.argv[2:]:
            await producer.send_and_wait(topic, b"{", partition=0, headers=[(Name("x"), b"y")])

asyncio.run(main())
"""
"""A client that breaks Kafka's protocol; aiokafka lets it where it does without its extensions."""


async def test_a_header_whose_name_is_no_text_stops_nobody(flow: Flow) -> None:
    by_faust = (topics.RUN_REQUESTS.name, topics.MONITORING_EVENTS.name)
    heard = (EVENTS, topics.PROCESSED_RECORDS.name, topics.PROCESSING_EVENTS.name, *by_faust)
    with flow.stack.supervised(["etl", "trainer", "monitor"]):
        command = [sys.executable, "-c", HOSTILE, flow.stack.bootstrap, *heard]
        hostile = {**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1"}
        await asyncio.to_thread(subprocess.run, command, check=True, env=hostile, timeout=60)
        found = await letters(flow, 5)
        await send(flow, *(Exact(topic, 0, None, b"{", ODD) for topic in heard))
        await letters(flow, 10)
        assert {flow.stack.part(name).deaths for name in ("etl", "trainer", "monitor")} == {0}
    assert {one["reason"] for one in found} == {"bad_headers", "not_json"}
    for one in await asked(flow, "replay", *(one["letter"] for one in found), "--dry-run"):
        assert "the rest is too large or unreadable" in one["refused"]
    assert await flow.wrong() == []


async def test_the_listing_is_narrowed_by_what_is_asked_and_nothing_is_replayed_unasked(flow: Flow) -> None:
    with flow.stack.supervised(["etl"]):
        await send(flow, BYTES, Exact(EVENTS, 2, None, b"{}", [("ce_type", b"okr.new.v9")]))
        await letters(flow, 2)
    for arguments in (("--reason", "not_json"), ("--topic", topics.RUN_REQUESTS.name), ("--stage", "monitor")):
        assert len(await asked(flow, "list", *arguments)) == (arguments == ("--reason", "not_json"))
    assert len(await asked(flow, "list", "--since", "1h", "--stage", "etl", "--limit", "1")) == 1
    assert await asked(flow, "list", "--since", "2999-01-01") == []
    for arguments in (("replay",), ("replay", "1@0", "--reason", "not_json"), ("list", "--since", "soon")):
        answer = await okr(flow, *arguments)
        assert answer.exit_code == 1
        assert "Traceback" not in answer.output
    assert len(list(read_all(flow.stack.bootstrap, [EVENTS]))) == 2
