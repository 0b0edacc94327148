"""The control plane on the real broker: from Faust's cron tick or a message to an executed run and its events."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import faust.app.base
import pytest

from okr_common import codec, control_plane, runs, schedule
from okr_common.control_plane import ControlPlane
from okr_common.delivery.outbox import Outgoing, announce
from okr_common.delivery.relay import Relay
from okr_common.errors import FatalError
from okr_common.events import RunRequested
from okr_common.kafka.original import ATTEMPT, ORIGIN
from okr_common.kafka.producer import Producer
from okr_common.kafka.reader import Read, read_all
from okr_common.postgres import ledger
from okr_common.postgres.pool import open_pool
from okr_common.run_requests import RunRequests
from okr_common.runs import Run, RunState
from okr_common.settings import KafkaSettings, ServiceSettings
from okr_common.testing.clocks import SetClock
from okr_common.testing.scripted import Script
from okr_common.testing.waiting import until
from okr_common.topics import DEAD_LETTERS, PROCESSING_EVENTS, RUN_REQUESTS
from okr_common.topology import STAGES
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]
ETL = STAGES["etl"]
TWO = datetime(2026, 11, 24, 2, tzinfo=UTC)


class Running:
    """A control plane of etl with its relay, as a service runs them."""

    def __init__(self, stack: StackUnderTest, pool: asyncpg.Pool, clock: SetClock, script: Script) -> None:
        settings = ServiceSettings.model_construct(kafka=KafkaSettings(bootstrap=stack.bootstrap))
        self.producer = Producer(stack.bootstrap, "test")
        self.relay = Relay(pool, self.producer, ETL)
        self.plane = ControlPlane(ETL, settings, pool, self.relay, script.steps, clock=clock)
        self.script = script
        self.pool = pool

    @asynccontextmanager
    async def started(self) -> AsyncIterator["Running"]:
        stop, last = asyncio.Event(), asyncio.Event()
        parts = [asyncio.create_task(part(stop), name=name) for name, part in self.plane.workers.items()]
        relaying = asyncio.create_task(self.relay.run(last))
        try:
            await until(self.is_ready)
            yield self
        finally:
            stop.set()
            await asyncio.wait(parts, timeout=15)
            last.set()
            self.relay.wake()
            await relaying
        for part in parts:
            part.result()

    async def is_ready(self) -> bool:
        return self.plane.ready["faust"]() is None

    async def ended(self, count: int = 1) -> list[Run]:
        async def look() -> list[Run]:
            found = [run for run in await ledger.listed(self.pool, "etl", None, 100) if run.state.ended]
            return found if len(found) >= count else []

        return await until(look, within=30)


@pytest.fixture
async def pool(fresh_stack: StackUnderTest) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(fresh_stack.dsn("okr_etl", "ops"), "test", size=8)
    yield pool
    await pool.close()


async def on(stack: StackUnderTest, topic: str) -> list[Read]:
    return await asyncio.to_thread(lambda: list(read_all(stack.bootstrap, [topic])))


async def heard(stack: StackUnderTest, topic: str) -> list[Any]:
    return [codec.decode_event(list(read.headers.items()), read.value) for read in await on(stack, topic)]


def by_cron(monkeypatch: pytest.MonkeyPatch, clock: SetClock) -> None:
    """Faust's crontab sleeps by this clock; nothing else looks for due slots."""

    def seconds_left(cron: str, _: object) -> float:
        return (schedule.following(cron, clock.now) - clock.now).total_seconds()

    monkeypatch.setattr(faust.app.base.cron, "secs_for_next", seconds_left)
    monkeypatch.setattr(control_plane, "LOOK_SECONDS", 3600.0)


async def test_faust_s_cron_tick_becomes_a_message_a_run_and_its_events(
    fresh_stack: StackUnderTest, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetClock(TWO)
    clock.forward(seconds=-4)
    by_cron(monkeypatch, clock)
    running = Running(fresh_stack, pool, clock, Script(ETL))
    async with running.started():
        clock.now = TWO
        [run] = await running.ended()
    assert (run.run_id, run.trigger, run.state) == (runs.run_id("etl", TWO, "cron"), "cron", RunState.SUCCEEDED)
    [request] = await heard(fresh_stack, RUN_REQUESTS.name)
    assert (request.run_id, request.logical_time, request.trigger) == (run.run_id, TWO, "cron")
    steps = await heard(fresh_stack, PROCESSING_EVENTS.name)
    assert [(event.run_id, event.step) for event in steps] == [(run.run_id, step) for step in ETL.steps]
    assert await pool.fetchval("select state from slot where logical_time = $1", TWO) == "done"


def wish(number: int) -> Outgoing:
    event = RunRequested(run_id=UUID(int=number), pipeline="etl", logical_time=TWO, trigger="rest")
    return announce(event, STAGES["monitor"])


def spoiled(number: int) -> Sequence[Outgoing]:
    good = wish(number)
    no_json = Outgoing(good.order_key, good.topic, good.partition_key, b"etl", b"{", good.headers)
    unknown = Outgoing(good.order_key, good.topic, good.partition_key, b"etl", b"{}", {"ce_type": "okr.run.wished.v7"})
    no_headers = Outgoing(good.order_key, good.topic, good.partition_key, b"etl", good.value)
    shape = Outgoing(good.order_key, good.topic, good.partition_key, b"etl", b'{"run_id": 7}', good.headers)
    return [no_json, unknown, no_headers, shape]


async def test_a_message_of_anybody_is_one_run_however_often_it_comes(
    fresh_stack: StackUnderTest, pool: asyncpg.Pool
) -> None:
    running = Running(fresh_stack, pool, SetClock(TWO), Script(ETL))
    async with running.started():
        await running.producer.publish([wish(1), wish(1), wish(2), wish(1)])
        await running.ended(2)
    assert {run.run_id.int for run in await ledger.listed(pool, "etl", None, 100)} == {1, 2}
    assert running.script.done == [*ETL.steps, *ETL.steps]


async def test_messages_nobody_can_handle_are_set_aside_and_the_next_good_one_is_taken(
    fresh_stack: StackUnderTest, pool: asyncpg.Pool
) -> None:
    running = Running(fresh_stack, pool, SetClock(TWO), Script(ETL))
    async with running.started():
        await running.producer.publish([*spoiled(1), wish(2)])
        [run] = await running.ended()
    assert run.run_id == UUID(int=2)
    reasons = [
        read.headers["__connect.errors.exception.class.name"] for read in await on(fresh_stack, DEAD_LETTERS.name)
    ]
    assert reasons == ["not_json", "unknown_type", "no_type", "wrong_shape"]


async def test_a_request_that_an_older_build_did_not_know_is_replayed_and_becomes_one_run(
    fresh_stack: StackUnderTest, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.delitem(codec.EVENT_TYPES, RunRequested.ce_type)
        async with Running(fresh_stack, pool, SetClock(TWO), Script(ETL)).started() as running:
            await running.producer.publish([wish(1)])
            [letter] = await until(lambda: on(fresh_stack, DEAD_LETTERS.name), within=30)
    assert letter.headers["__connect.errors.exception.class.name"] == "unknown_type"
    replay = ("replay", "--reason", "unknown_type")
    async with Running(fresh_stack, pool, SetClock(TWO), Script(ETL)).started() as running:
        assert await dead_letters(fresh_stack, *replay) == (0, ["replayed"])
        [run] = await running.ended()
        assert await dead_letters(fresh_stack, *replay) == (0, [])
        assert await dead_letters(fresh_stack, "replay", f"{letter.partition}@{letter.offset}") == (0, ["replayed"])
        await running.producer.publish([wish(2)])
        await running.ended(2)
    assert run.run_id == UUID(int=1)
    assert running.script.done == [*ETL.steps, *ETL.steps]  # the second replay of what was handled made no run
    assert await dead_letters(fresh_stack, "list", say="state") == (0, ["replayed"])
    (first, second, third, _) = await on(fresh_stack, RUN_REQUESTS.name)
    assert first.headers | {ATTEMPT: "1", ORIGIN: first.where} == second.headers
    assert first.headers | {ATTEMPT: "2", ORIGIN: first.where} == third.headers


async def dead_letters(stack: StackUnderTest, *arguments: str, say: str = "outcome") -> tuple[int | None, list[str]]:
    """`okr dead-letters`: how it ended, and what it says of each letter."""
    okr = Path(sys.executable).with_name("okr")
    command = ["--state", str(stack.stack.state.folder), "dead-letters", *arguments, "--json"]
    process = await asyncio.create_subprocess_exec(okr, *command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    return process.returncode, [one[say] for one in json.loads(printed)]


async def test_a_bug_behind_the_agent_does_not_stop_it(
    fresh_stack: StackUnderTest, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, calls = RunRequests.take, []

    async def buggy(self: RunRequests, *message: Any) -> None:  # noqa: ANN401
        calls.append(message)
        if len(calls) == 1:
            raise ZeroDivisionError
        await take(self, *message)

    monkeypatch.setattr(RunRequests, "take", buggy)
    running = Running(fresh_stack, pool, SetClock(TWO), Script(ETL))
    async with running.started():
        await running.producer.publish([wish(1), wish(2)])
        [run] = await running.ended()
        assert running.plane.live["faust"]() is None
    assert run.run_id == UUID(int=2)


async def test_when_faust_crashes_the_part_dies_and_liveness_is_red(
    fresh_stack: StackUnderTest, pool: asyncpg.Pool
) -> None:
    plane = Running(fresh_stack, pool, SetClock(TWO), Script(ETL)).plane
    part = asyncio.create_task(plane.workers["faust"](asyncio.Event()))
    while plane.ready["faust"]() is not None:  # noqa: ASYNC110 - Faust tells nobody
        await asyncio.sleep(0.05)
    await plane._app.crash(RuntimeError("as an exception in a timer would"))
    assert "as an exception in a timer would" in str(plane.live["faust"]())
    with pytest.raises(FatalError, match="its supervisor restarts it"):
        await asyncio.wait_for(part, 20)


async def test_without_a_broker_it_waits_claims_slots_and_stops_when_asked(
    fresh_stack: StackUnderTest, pool: asyncpg.Pool
) -> None:
    clock = SetClock(TWO)
    clock.forward(minutes=-1)
    settings = ServiceSettings.model_construct(kafka=KafkaSettings(bootstrap="127.0.0.1:1"))
    relay = Relay(pool, Producer(fresh_stack.bootstrap, "test"), ETL)
    plane = ControlPlane(ETL, settings, pool, relay, Script(ETL).steps, clock=clock)
    stop = asyncio.Event()
    parts = [asyncio.create_task(part(stop)) for part in plane.workers.values()]

    async def claimed() -> list[Run]:
        return [run for run in await ledger.listed(pool, "etl", None, 10) if run.state.ended]

    await until(lambda: _slots(pool))
    clock.forward(minutes=1)
    [run] = await until(claimed)
    assert run.logical_time == TWO
    assert plane.ready["faust"]() is not None
    stop.set()
    await asyncio.wait_for(asyncio.gather(*parts), 30)


async def _slots(pool: asyncpg.Pool) -> bool:
    return bool(await pool.fetchval("select count(*) from slot"))
