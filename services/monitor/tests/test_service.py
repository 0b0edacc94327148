"""The monitor as a process beside real services: what it sees, says, shows, and how it ends."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from confluent_kafka import Producer

from okr_common import codec, topics
from okr_common.clock import utc_now
from okr_common.events import ModelRegistered, ReportMade
from okr_common.kafka.reader import Read, read_all
from okr_common.topics import Topic
from okr_common.topology import STAGES
from okr_stack.solo import SoloService
from okr_stack.testing import StackUnderTest

if TYPE_CHECKING:
    from conftest import Planted

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
STAGE = STAGES["monitor"]
QUICK = {"OKR_MONITOR__LOOK_SECONDS": "0.3", "OKR_MONITOR__AGAIN_SECONDS": "0.1", "OKR_MONITOR__GRACE_SECONDS": "0"}
WAIT_SECONDS = 60.0


@contextmanager
def watching(stack: StackUnderTest, *others: SoloService) -> Iterator[SoloService]:
    """A monitor that looks often, at these services."""
    services = json.dumps({other.name: other.url for other in others})
    with stack.service("monitor", {**QUICK, "OKR_MONITOR__SERVICES": services}) as running:
        yield running


def until(look: Callable[[], Any], what: str) -> Any:  # noqa: ANN401
    """The first thing found that is not empty."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"there was no {what} within {WAIT_SECONDS:.0f} s"
        time.sleep(0.1)
    return found


def get(service: SoloService, path: str) -> Any:  # noqa: ANN401
    return httpx2.get(service.url + path, timeout=10, trust_env=False).raise_for_status().json()


def of_type(stack: StackUnderTest, topic: Topic, ce_type: str) -> list[Read]:
    return [one for one in read_all(stack.bootstrap, [topic.name]) if one.headers["ce_type"] == ce_type]


def test_a_killed_service_is_an_alert_and_its_return_resolves_it(fresh_stack: StackUnderTest) -> None:
    with fresh_stack.service("ingest-csv") as watched, watching(fresh_stack, watched) as monitor:
        until(lambda: get(monitor, "/status")["verdict"] == "ok", "first look")
        assert get(monitor, "/alerts") == []
        watched.kill()
        (alert,) = until(lambda: get(monitor, "/alerts"), "alert")
        assert (alert["rule"], alert["subject"], alert["severity"]) == ("service_dead", "ingest-csv", "critical")
        watched.start()
        (resolved,) = until(lambda: get(monitor, "/alerts?state=resolved"), "resolved alert")
        assert resolved["alert_id"] == alert["alert_id"]
        assert get(monitor, "/alerts") == []
        raised, over = (f"okr.monitoring.alert_{word}.v1" for word in ("raised", "resolved"))
        until(lambda: of_type(fresh_stack, topics.MONITORING_EVENTS, over), "event")
        assert len(of_type(fresh_stack, topics.MONITORING_EVENTS, raised)) == 1


async def test_the_page_shows_runs_and_key_results_at_risk(fresh_stack: StackUnderTest, planted: "Planted") -> None:
    await planted.at_risk(3)
    await planted.run("etl", "failed", "boom: it broke")
    with watching(fresh_stack) as monitor:
        until(lambda: get(monitor, "/alerts"), "alert")
        page = httpx2.get(monitor.url, timeout=10, trust_env=False).text
    assert "Mean distance between failures, line 2" in page
    assert "6 % short of its target" in page
    assert "the newest run of etl ended failed (boom: it broke)" in page
    assert "okr_processed" in page


def test_the_stream_brings_what_happens_and_ends_with_the_service(fresh_stack: StackUnderTest) -> None:
    with (
        watching(fresh_stack) as monitor,
        httpx2.Client(trust_env=False, timeout=WAIT_SECONDS) as client,
        client.stream("GET", monitor.url + "/live") as stream,
    ):
        lines = stream.iter_lines()
        first = _message(lines)
        assert 'id="services"' in first
        assert "version 7" not in first
        _publish(fresh_stack, ModelRegistered(model="mta", version=7, alias="champion"))
        while "version 7 registered as champion" not in _message(lines):
            pass
        assert monitor.stop() == 0


def test_what_nobody_can_read_is_set_aside_and_the_next_event_is_shown(fresh_stack: StackUnderTest) -> None:
    with watching(fresh_stack) as monitor:
        _produce(fresh_stack, topics.MODEL_EVENTS, b"not json", ModelRegistered.ce_type)
        _produce(fresh_stack, topics.INGESTION_EVENTS, b"not json", "okr.ingestion.file_done.v1")
        _publish(fresh_stack, ModelRegistered(model="mta", version=7, alias="champion"))
        until(lambda: "version 7" in httpx2.get(monitor.url, timeout=10, trust_env=False).text, "event on the page")
        until(lambda: list(read_all(fresh_stack.bootstrap, [topics.DEAD_LETTERS.name])), "dead letter")
    (letter,) = read_all(fresh_stack.bootstrap, [topics.DEAD_LETTERS.name])  # the other topic is for etl to clear
    assert letter.value == b"not json"
    assert letter.headers["__connect.errors.topic"] == topics.MODEL_EVENTS.name
    assert letter.headers["__connect.errors.exception.class.name"] == "not_json"


def test_a_tick_of_the_schedule_becomes_five_reports(fresh_stack: StackUnderTest) -> None:
    clock = {"OKR_SCHEDULE__CLOCK_STARTS_AT": "2026-11-24T02:29:50Z"}
    with fresh_stack.service("monitor", {**QUICK, **clock, "OKR_MONITOR__SERVICES": "{}"}) as monitor:
        [run] = until(lambda: [one for one in get(monitor, "/runs") if one["ended_at"]], "run that ended")
        steps = get(monitor, f"/runs/{run['run_id']}")["steps"]
        assert (run["trigger"], run["logical_time"], run["state"]) == ("cron", "2026-11-24T02:30:00Z", "succeeded")
        assert [(one["step"], one["state"]) for one in steps] == [(name, "succeeded") for name in STAGE.steps]
        reports = get(monitor, "/reports?whole=true")
        assert [one["kind"] for one in reversed(reports)] == list(STAGE.steps)
        assert {one["run_id"] for one in reports} == {run["run_id"]}
        shown = get(monitor, f"/reports/{reports[0]['report_id']}")
        assert shown == reports[0]
        made = until(lambda: of_type(fresh_stack, topics.MONITORING_EVENTS, ReportMade.ce_type)[4:], "fifth event")
        assert len(made) == 1


def test_static_files_are_those_that_were_taken(fresh_stack: StackUnderTest) -> None:
    with watching(fresh_stack) as monitor:
        page = httpx2.get(monitor.url, timeout=10, trust_env=False).text
        for name in ("htmx.min.js", "hx-sse.min.js", "live.js", "style.css"):
            path = next(part for part in page.split('"') if part.startswith(f"/static/{name}?"))
            assert httpx2.get(monitor.url + path, timeout=10, trust_env=False).status_code == 200
        missing = httpx2.get(monitor.url + "/static/../service.py", timeout=10, trust_env=False)
        assert missing.status_code == 404


def _message(lines: Iterator[str]) -> str:
    """The data of the next message; pings are comments."""
    data: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").strip())
        elif not line and data:
            return "\n".join(data)
    pytest.fail("the stream ended")


def _publish(stack: StackUnderTest, event: ModelRegistered) -> None:
    _produce(stack, event.topic, codec.to_json(event), event.ce_type)


def _produce(stack: StackUnderTest, topic: Topic, value: bytes, ce_type: str) -> None:
    producer = Producer({"bootstrap.servers": stack.bootstrap})
    headers: list[tuple[str, str | bytes | None]] = [("ce_type", ce_type), ("ce_time", utc_now().isoformat())]
    producer.produce(topic.name, value, partition=0, headers=headers)
    assert producer.flush(20) == 0
