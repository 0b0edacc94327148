"""The service as a process: asked, killed anywhere and started anew, it brings every object to Kafka under one id."""

import asyncio
import json
import os
import signal
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from okr_common import codec, topics
from okr_common.events import BatchIngested
from okr_common.kafka.reader import Read, read_all
from okr_common.testing.check_ins import check_ins
from okr_common.testing.misbehaving_process import Misbehaving
from okr_common.testing.waiting import until
from okr_ingest_api.testing import SOURCE, STAGE
from okr_stack.solo import SoloService
from okr_stack.testing import StackUnderTest

pytestmark = pytest.mark.stack
OBJECTS = check_ins(5, 7)
"""Four pages of ten."""


@dataclass
class Scene:
    """A service to start, a server for it to ask, and what okr_raw and Kafka know in the end."""

    stack: StackUnderTest
    server: Misbehaving
    env: Mapping[str, str]
    raw: asyncpg.Connection

    def service(self, **more: str) -> AbstractContextManager[SoloService]:
        return self.stack.service(STAGE.service, {**self.env, **more})

    async def run(self, service: SoloService, run_id: str | None = None) -> dict[str, Any]:
        """A run, asked for now or earlier, once it has ended."""
        asked = run_id or (await self.ask(service))["run_id"]

        async def ended() -> dict[str, Any]:
            with suppress(OSError):  # a service that was started anew may not listen yet
                run = await asyncio.to_thread(call, f"{service.url}/runs/{asked}")
                return run if run["ended_at"] else {}
            return {}

        return await until(ended, within=40)

    async def ask(self, service: SoloService) -> dict[str, Any]:
        return await asyncio.to_thread(call, f"{service.url}/runs", {})

    async def sent(self) -> None:
        async def nothing_waits() -> bool:
            return not await self.raw.fetchval("select count(*) from delivery.outbox where sent_at is null")

        await until(nothing_waits)

    def read(self, topic: topics.Topic) -> list[Read]:
        return list(read_all(self.stack.bootstrap, [topic.name]))

    async def every_object_once(self) -> None:
        """In okr_raw, and on Kafka under one id each."""
        rows = await self.raw.fetch(
            "select batch_id, row_num, cells from raw_row join batch using (batch_id) order by position, row_num"
        )
        assert [orjson.loads(row["cells"]) for row in rows] == OBJECTS
        positions = [row["position"] for row in await self.raw.fetch("select position from batch order by position")]
        assert positions == [1, 2, 3, 4]
        await self.sent()
        sent = {read.headers["ce_id"]: orjson.loads(read.value or b"") for read in self.read(topics.RAW_RECORDS)}
        assert sorted((one["batch_id"], one["row_num"]) for one in sent.values()) == [tuple(row)[:2] for row in rows]
        assert {one["object_id"]: one["cells"] for one in sent.values()} == {one["id"]: one for one in OBJECTS}
        announced = {event.event_id: event for event in self.batches()}
        assert [event.position for event in announced.values()] == positions

    def batches(self) -> list[BatchIngested]:
        events = [
            codec.decode_event(list(read.headers.items()), read.value) for read in self.read(topics.INGESTION_EVENTS)
        ]
        return [event for event in events if isinstance(event, BatchIngested)]


def call(url: str, body: object = None) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - our own service
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


@pytest.fixture
async def scene(fresh_stack: StackUnderTest, server: Misbehaving, sources: Path) -> AsyncIterator[Scene]:
    server.hold(OBJECTS)
    env = {
        "OKR_SOURCES__FOLDER": str(sources),
        "OKR_INGEST_API__TIMEOUT_SECONDS": "1",
        "OKR_INGEST_API__FIRST_WAIT_SECONDS": "0.01",
        "OKR_SCHEDULE__LEASE_SECONDS": "2",
        "OKR_SCHEDULE__MISSED": "none",
    }
    raw = await asyncpg.connect(fresh_stack.dsn(STAGE.role, "raw"))
    yield Scene(fresh_stack, server, env, raw)
    await raw.close()


async def test_a_run_brings_every_object_to_kafka(scene: Scene) -> None:
    scene.server.script({2: {"do": "cut"}, 4: {"do": "status", "status": 429, "retry_after": "1"}, 6: {"do": "slow"}})
    with scene.service() as service:
        run = await scene.run(service)
        assert {step["step"]: step["state"] for step in run["steps"]} == dict.fromkeys(STAGE.steps, "succeeded")
        assert run["state"] == "succeeded"
        await scene.every_object_once()
        one = scene.read(topics.RAW_RECORDS)[0]
        assert one.key == f"{SOURCE}/{orjson.loads(one.value or b'')['object_id']}".encode()
        again = await scene.run(service)
        assert {step["step"]: step["state"] for step in again["steps"]}["transform_validate"] == "skipped"
        assert again["state"] == "succeeded"
        await scene.every_object_once()
        listed = await asyncio.to_thread(call, f"{service.url}/sources/{SOURCE}")
        assert (listed["objects"], listed["batches"], listed["enabled"]) == (35, 4, True)
        assert [(request["rows"], request["unchanged"]) for request in listed["requests"]] == [(0, 35), (35, 0)]


@pytest.mark.faults
@pytest.mark.parametrize(
    "point",
    [
        "after_copy:2",
        "after_commit:2",
        "between_acknowledgement_and_mark:2",
        *(
            pytest.param(point, marks=pytest.mark.long)
            for point in ("before_commit:1", "before_commit:3", "after_commit:4")
        ),
    ],
)
async def test_a_kill_at_any_point_loses_and_doubles_nothing(scene: Scene, tmp_path: Path, point: str) -> None:
    reached = tmp_path / "reached"
    with scene.service(OKR_CRASH_AT=point, OKR_CRASH_REACHED=str(reached)) as service:
        run_id = (await scene.ask(service))["run_id"]
        assert await asyncio.to_thread(service.wait, 30) == -9
        assert reached.read_text() == point.partition(":")[0]
        service.start()
        assert (await scene.run(service, run_id))["state"] == "succeeded"
        await scene.every_object_once()
    assert await scene.raw.fetchval("select count(*) from api_request") == 1, "the run has one request, killed or not"


@pytest.mark.faults
async def test_a_kill_between_two_pages_goes_on_at_the_cursor(scene: Scene) -> None:
    scene.server.script({4: {"do": "slow", "seconds": 0.9}})
    with scene.service() as service:
        run_id = (await scene.ask(service))["run_id"]

        async def third_page() -> bool:
            return len(await asyncio.to_thread(scene.server.log)) >= 4

        await until(third_page)
        service.kill()
        service.start()
        assert (await scene.run(service, run_id))["state"] == "succeeded"
        await scene.every_object_once()
    cursors = [asked["cursor"] for asked in scene.server.log()]
    assert cursors.count(None) == 2, "the health check and the first page, none of them again"
    assert cursors[3] == cursors[4], "the page that was under way is asked for again"


async def test_a_stop_between_two_pages_hands_the_run_on(scene: Scene) -> None:
    scene.server.script({4: {"do": "slow", "seconds": 0.9}})
    with scene.service() as service:
        run_id = (await scene.ask(service))["run_id"]

        async def third_page() -> bool:
            return len(await asyncio.to_thread(scene.server.log)) >= 4

        await until(third_page)
        assert await asyncio.to_thread(service.stop) == 0
        left = await scene.raw.fetchrow("select state, pages from api_request")
        assert left is not None
        assert tuple(left) == ("fetching", 2)
        service.start()
        assert (await scene.run(service, run_id))["state"] == "succeeded"
        await scene.every_object_once()


HOLDER = """
select split_part(s.application_name, ':', 2)::int from pg_locks l join pg_stat_activity s using (pid)
where l.locktype = 'advisory' and l.classid = 7307 and s.backend_xid is not null
  and exists (select from pg_locks w where w.pid = s.pid and not w.granted)
"""
HELD_BY = """
select count(*) from pg_locks l join pg_stat_activity s using (pid)
where l.locktype = 'advisory' and l.classid = 7307 and s.application_name like '%:' || $1::text
"""
TAKEN_OVER_SECONDS = 30.0


@pytest.mark.faults
@pytest.mark.timeout(180)
async def test_a_source_that_a_stopped_replica_holds_is_taken_over(scene: Scene) -> None:
    """In the midst of a transaction, which would last as long as its connection."""
    admin = await asyncpg.connect(scene.stack.admin_dsn("okr_raw"))
    with scene.service() as one, scene.stack.service(STAGE.service, scene.env, name="ingest-api-2") as other:
        async with admin.transaction():
            await admin.execute("lock table raw_row in exclusive mode")  # so that it can be met in the midst
            run_id = (await scene.ask(one))["run_id"]
            stopped = await until(lambda: admin.fetchval(HOLDER), within=40)
            os.kill(stopped, signal.SIGSTOP)

        async def is_free() -> bool:
            return not await admin.fetchval(HELD_BY, str(stopped))

        await until(is_free, within=TAKEN_OVER_SECONDS)
        left = other if stopped == one.pid else one
        await scene.run(left, run_id)
        assert (await scene.run(left))["state"] == "succeeded"
        await scene.every_object_once()
        os.kill(stopped, signal.SIGCONT)
        for service in (one, other):
            service.until_ready()
        assert (await scene.run(left))["state"] == "succeeded"
        await scene.every_object_once()
    await admin.close()
