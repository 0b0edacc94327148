"""The ledger's promises: a request is one run, a run has one holder, a late holder writes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from okr_common import ask, runs
from okr_common.errors import FencedError, PermanentError
from okr_common.postgres import ledger, work_items
from okr_common.postgres.lease import HeldRun
from okr_common.runs import Run, RunState, Step, StepState
from okr_common.testing.waiting import until
from okr_common.topology import STAGES

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
ETL = STAGES["etl"]
LEASE = timedelta(seconds=30)
EXPIRED = timedelta(0)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def wish(minute: int = 0) -> Run:
    time = NOON + timedelta(minutes=minute)
    return Run(runs.run_id("etl", time, "rest"), "etl", time, "rest", RunState.REQUESTED)


async def request(pool: asyncpg.Pool, run: Run) -> bool:
    async with pool.acquire() as connection, connection.transaction():
        return await ledger.request(connection, run, ETL)


async def test_a_request_made_often_and_at_once_is_one_run_with_one_message(ops: asyncpg.Pool) -> None:
    assert sorted(await asyncio.gather(*(request(ops, wish()) for _ in range(6)))) == [False] * 5 + [True]
    assert len(await ledger.listed(ops, "etl", None, 10)) == 1
    assert await ops.fetchval("select count(*) from delivery.outbox") == 1


async def test_many_holders_execute_one_run_at_a_time_oldest_first(ops: asyncpg.Pool) -> None:
    for minute in range(4):
        await request(ops, wish(minute))
    order = []
    for _ in range(4):
        taken = await asyncio.gather(*(ledger.take(ops, "etl", f"holder-{n}", LEASE) for n in range(6)))
        (run,) = [one for one in taken if one is not None]
        order.append(run.logical_time.minute)
        await HeldRun(ops, run, ETL).end(RunState.SUCCEEDED, None)
    assert order == [0, 1, 2, 3]


SCAN = Step("discover", 1, 2, StepState.SUCCEEDED)
Late = Callable[[HeldRun], Awaitable[object]]


@pytest.mark.parametrize(
    "write",
    [
        lambda held: held.renew(LEASE),
        lambda held: held.start_step(SCAN),
        lambda held: held.end_step(SCAN),
        lambda held: held.end(RunState.SUCCEEDED, None),
    ],
    ids=["renew", "start_step", "end_step", "end"],
)
async def test_whatever_a_late_holder_writes_is_refused(ops: asyncpg.Pool, write: Late) -> None:
    await request(ops, wish())
    late = await ledger.take(ops, "etl", "late", EXPIRED)
    new = await ledger.take(ops, "etl", "new", LEASE)
    assert late is not None
    assert new is not None
    assert (late.run_id, late.epoch, new.epoch) == (new.run_id, 1, 2)
    said_before = await ops.fetchval("select count(*) from delivery.outbox")
    with pytest.raises(FencedError, match="no longer held under epoch 1"):
        await write(HeldRun(ops, late, ETL))
    await HeldRun(ops, late, ETL).release()
    await HeldRun(ops, late, ETL).end_open_attempts(StepState.FAILED, {})
    held = await ledger.get(ops, new.run_id)
    assert held == new
    assert await ledger.steps(ops, new.run_id) == []
    assert await ops.fetchval("select count(*) from delivery.outbox") == said_before


async def test_asking_another_pipeline_gives_its_run_when_it_has_ended(ops: asyncpg.Pool) -> None:
    announced: list[bool] = []
    asking = asyncio.create_task(
        ask.request_and_wait(ops, "ingest-csv", NOON, ETL, announced=lambda: announced.append(True))
    )
    taken = await until(lambda: ledger.take(ops, "ingest-csv", "csv", LEASE))
    assert taken is not None
    assert (taken.trigger, announced) == ("dependency", [True])
    await HeldRun(ops, taken, STAGES["ingest-csv"]).end(RunState.SUCCEEDED, None)
    assert (await asking).state is RunState.SUCCEEDED


@pytest.mark.parametrize(("state", "reason"), [(RunState.FAILED, "asked_run_failed"), (None, "asked_run_late")])
async def test_asking_in_vain_says_so_and_asking_again_is_the_same_run(
    ops: asyncpg.Pool, state: RunState | None, reason: str
) -> None:
    run = await ask.request(ops, "ingest-csv", NOON, ETL)
    if state is not None:
        taken = await ledger.take(ops, "ingest-csv", "csv", LEASE)
        assert taken is not None
        await HeldRun(ops, taken, STAGES["ingest-csv"]).end(state, "broken: scan")
    with pytest.raises(PermanentError, match=str(run.run_id)) as caught:
        await ask.request_and_wait(
            ops, "ingest-csv", NOON, ETL, announced=lambda: None, patience=timedelta(seconds=0.3)
        )
    assert caught.value.reason == reason


async def test_a_run_waits_until_the_owners_have_done_their_items(ops: asyncpg.Pool) -> None:
    run = wish()
    await request(ops, run)
    for _ in range(2):
        await work_items.request(ops, "etl", "sweep", ["a", "b"], run.run_id)
    waiting = asyncio.create_task(work_items.wait(ops, run.run_id, "sweep"))
    items = await work_items.open_items(ops, "etl")
    assert [item.subject for item in items] == ["a", "b"]
    for item in items:
        assert not waiting.done()
        assert await work_items.close(ops, item, {"rows": 3})
        assert not await work_items.close(ops, item, {"rows": 4})
    assert await waiting == {"a": {"rows": 3}, "b": {"rows": 3}}
    await work_items.request(ops, "etl", "sweep", ["a", "b"], run.run_id)
    assert await work_items.open_items(ops, "etl") == []


async def test_items_that_fail_or_stay_open_fail_the_wait_and_may_be_asked_for_again(ops: asyncpg.Pool) -> None:
    run = wish()
    await request(ops, run)
    await work_items.request(ops, "etl", "sweep", ["a", "b"], run.run_id)
    with pytest.raises(PermanentError, match=r"no owner did it within .* for a, b"):
        await work_items.wait(ops, run.run_id, "sweep", timedelta(seconds=0.3))
    first, second = await work_items.open_items(ops, "etl")
    assert await work_items.close(ops, first, {"error": "no such file"}, "failed")
    assert await work_items.close(ops, second, {})
    with pytest.raises(PermanentError, match="a: no such file"):
        await work_items.wait(ops, run.run_id, "sweep")
    await work_items.request(ops, "etl", "sweep", ["a", "b"], run.run_id)
    assert [item.subject for item in await work_items.open_items(ops, "etl", "a")] == ["a"]
