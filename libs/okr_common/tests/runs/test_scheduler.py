"""Slots become runs, once, whatever the number of schedulers and however long nobody was there."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from okr_common import runs
from okr_common.postgres import ledger
from okr_common.postgres.lease import HeldRun
from okr_common.runs import Run, RunState
from okr_common.scheduler import Scheduler, Timetable
from okr_common.settings import ScheduleSettings
from okr_common.testing.clocks import SetClock
from okr_common.topology import STAGES

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
DAY = datetime(2026, 11, 24, tzinfo=UTC)


def at(hour: float, day: int = 0) -> datetime:
    return DAY + timedelta(days=day, hours=hour)


def scheduler(
    pool: asyncpg.Pool,
    clock: SetClock,
    service: str = "etl",
    holder: str = "a",
    settings: ScheduleSettings | None = None,
) -> Scheduler:
    timetable = Timetable.of(STAGES[service], settings or ScheduleSettings())
    return Scheduler(pool, STAGES[service], timetable, holder=holder, clock=clock, changed=lambda: None)


async def slot_rows(pool: asyncpg.Pool, service: str = "etl") -> list[tuple[float, str, str | None]]:
    rows = await pool.fetch("select * from slot where pipeline = $1 order by logical_time", service)
    return [((row["logical_time"] - DAY) / timedelta(hours=1), row["state"], _code(row["reason"])) for row in rows]


async def run_rows(pool: asyncpg.Pool, service: str = "etl") -> list[tuple[float, str, str]]:
    found = await ledger.listed(pool, service, None, 1000)
    return [((run.logical_time - DAY) / timedelta(hours=1), run.trigger, run.state.value) for run in reversed(found)]


async def outbox_ids(pool: asyncpg.Pool) -> list[str]:
    rows = await pool.fetch("select headers->>'ce_id' as id from delivery.outbox order by id")
    return [row["id"] for row in rows]


def _code(reason: str | None) -> str | None:
    return reason and reason.split(":")[0]


async def end(pool: asyncpg.Pool, service: str, state: RunState) -> Run:
    taken = await ledger.take(pool, service, "test", timedelta(seconds=30))
    assert taken is not None
    await HeldRun(pool, taken, STAGES[service]).end(state, None)
    return taken


async def test_two_schedulers_make_one_run_and_one_message_of_one_slot(ops: asyncpg.Pool) -> None:
    clock = SetClock(at(1))
    pair = [scheduler(ops, clock, holder=name) for name in ("a", "b")]
    await asyncio.gather(*(one.tick() for one in pair))
    clock.forward(hours=1)
    await asyncio.gather(*(one.tick() for one in pair for _ in range(3)))
    assert await run_rows(ops) == [(2, "cron", "requested")]
    assert await slot_rows(ops) == [(-22, "missed", "first_start"), (2, "claimed", None)]
    assert len(await outbox_ids(ops)) == 1


async def test_the_slot_ends_with_its_run(ops: asyncpg.Pool) -> None:
    clock = SetClock(at(1))
    etl = scheduler(ops, clock)
    await etl.tick()
    clock.forward(hours=1)
    await etl.tick()
    ended = await end(ops, "etl", RunState.SUCCEEDED)
    assert ended.run_id == runs.run_id("etl", at(2), "cron")
    assert await slot_rows(ops) == [(-22, "missed", "first_start"), (2, "done", None)]


@pytest.mark.parametrize(
    ("missed", "expected_slots", "expected_runs"),
    [
        (
            "latest",
            [(2, "missed", "too_old"), (26, "missed", "superseded"), (50, "claimed", None)],
            [(50, "catch_up", "requested")],
        ),
        (
            "all",
            [(2, "missed", "too_old"), (26, "claimed", None), (50, "claimed", None)],
            [(26, "catch_up", "requested"), (50, "catch_up", "requested")],
        ),
        ("none", [(2, "missed", "too_old"), (26, "missed", "policy"), (50, "missed", "policy")], []),
    ],
)
async def test_slots_missed_while_nobody_was_there_are_found_at_start(
    ops: asyncpg.Pool, missed: str, expected_slots: list[object], expected_runs: list[object]
) -> None:
    settings = ScheduleSettings.model_validate({"missed": missed, "window_hours": 48})
    await scheduler(ops, SetClock(at(1)), settings=settings).tick()
    started_again = scheduler(ops, SetClock(at(51)), settings=settings)
    await started_again.tick()
    assert (await slot_rows(ops))[1:] == expected_slots
    assert await run_rows(ops) == expected_runs


async def test_a_slot_that_comes_while_a_run_is_unfinished_is_skipped_and_says_why(ops: asyncpg.Pool) -> None:
    clock = SetClock(at(0))
    csv = scheduler(ops, clock, "ingest-csv")
    await csv.tick()
    for _ in range(2):
        clock.forward(hours=2)
        await csv.tick()
    assert await slot_rows(ops, "ingest-csv") == [
        (0, "missed", "first_start"),
        (2, "claimed", None),
        (4, "skipped", "overlap"),
    ]
    assert await run_rows(ops, "ingest-csv") == [(2, "cron", "requested"), (4, "cron", "skipped")]
    await end(ops, "ingest-csv", RunState.SUCCEEDED)
    clock.forward(hours=2)
    await csv.tick()
    assert (await run_rows(ops, "ingest-csv"))[-1] == (6, "cron", "requested")


async def with_etl_and_trainer_slots(ops: asyncpg.Pool, clock: SetClock) -> Scheduler:
    etl, trainer = scheduler(ops, clock), scheduler(ops, clock, "trainer")
    for _ in range(6):
        await etl.tick()
        await trainer.tick()
        clock.forward(hours=1)
    await trainer.tick()
    return trainer


async def test_the_trainer_waits_for_that_days_etl_and_is_told_which_run_it_was(ops: asyncpg.Pool) -> None:
    clock = SetClock(at(0))
    trainer = await with_etl_and_trainer_slots(ops, clock)
    assert await run_rows(ops, "trainer") == [(6, "cron", "waiting")]
    clock.forward(hours=3)
    await trainer.tick()
    assert await run_rows(ops, "trainer") == [(6, "cron", "waiting")]
    assert await ledger.take(ops, "trainer", "test", timedelta(seconds=30)) is None
    etl_run = await end(ops, "etl", RunState.DEGRADED)
    await trainer.tick()
    taken = await ledger.take(ops, "trainer", "test", timedelta(seconds=30))
    assert taken is not None
    assert UUID(taken.parameters["needs"]["etl"]) == etl_run.run_id


async def test_when_etl_is_too_late_the_trainer_is_skipped_and_runs_once_afterwards(ops: asyncpg.Pool) -> None:
    clock = SetClock(at(0))
    trainer = await with_etl_and_trainer_slots(ops, clock)
    clock.forward(hours=4)
    await trainer.tick()
    await trainer.tick()
    assert (await slot_rows(ops, "trainer"))[-1] == (6, "skipped", "deadline")
    assert await run_rows(ops, "trainer") == [(6, "cron", "skipped")]
    await end(ops, "etl", RunState.SUCCEEDED)
    clock.forward(hours=1)
    for again in (trainer, trainer, scheduler(ops, clock, "trainer", holder="b")):
        await again.tick()
    assert await run_rows(ops, "trainer") == [(6, "cron", "skipped"), (6, "dependency", "requested")]
    await end(ops, "trainer", RunState.SUCCEEDED)
    await scheduler(ops, clock, "trainer", holder="c").tick()
    assert len(await run_rows(ops, "trainer")) == 2


async def test_a_manual_run_of_the_trainer_waits_for_nobody(ops: asyncpg.Pool) -> None:
    run = Run(runs.run_id("trainer", at(3), "cli"), "trainer", at(3), "cli", RunState.REQUESTED)
    assert await ledger.insert(ops, run)
    taken = await ledger.take(ops, "trainer", "test", timedelta(seconds=30))
    assert taken is not None
    assert taken.run_id == run.run_id
