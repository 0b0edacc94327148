"""The runner on a real ledger: steps, retries, takeover after a crash, a late holder fenced."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from okr_common import runs
from okr_common.errors import FatalError, PermanentError, RetryableError
from okr_common.postgres import ledger
from okr_common.postgres.pool import open_pool
from okr_common.run_steps import RunContext, checked
from okr_common.runner import Runner
from okr_common.runs import Retry, Run, RunState, StepSkippedError
from okr_common.testing.scripted import Script
from okr_common.testing.waiting import until
from okr_common.topology import STAGES
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
ETL = STAGES["etl"]
QUICK = Retry(attempts=3, first_wait=timedelta(0))
LEASE = timedelta(seconds=30)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@asynccontextmanager
async def running(pool: asyncpg.Pool, script: Script, holder: str = "here") -> AsyncIterator[Runner]:
    runner = Runner(pool, script.stage, script.steps, holder=holder, announced=lambda: None, lease=LEASE, retry=QUICK)
    stop = asyncio.Event()
    task = asyncio.create_task(runner.run(stop))
    try:
        yield runner
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def requested(pool: asyncpg.Pool, pipeline: str = "etl", **parameters: Any) -> Run:  # noqa: ANN401
    run = Run(runs.run_id(pipeline, NOON, "rest"), pipeline, NOON, "rest", RunState.REQUESTED, parameters=parameters)
    await ledger.insert(pool, run)
    return run


async def ended(pool: asyncpg.Pool, run: Run) -> Run:
    async def look() -> Run | None:
        found = await ledger.get(pool, run.run_id)
        return found if found is not None and found.state.ended else None

    found = await until(look)
    assert found is not None
    return found


async def executed(pool: asyncpg.Pool, script: Script) -> Run:
    run = await requested(pool, script.stage.service)
    async with running(pool, script):
        return await ended(pool, run)


async def attempts(pool: asyncpg.Pool, run: Run) -> list[tuple[str, int, str, str | None]]:
    steps = await ledger.steps(pool, run.run_id)
    return [(step.step, step.attempt, step.state.value, step.detail.get("reason")) for step in steps]


async def announced(pool: asyncpg.Pool) -> list[tuple[str, str, int, str]]:
    rows = await pool.fetch("select topic, value from delivery.outbox order by id")
    values = [(row["topic"], orjson.loads(row["value"])) for row in rows]
    return [(topic, value["step"], value["attempt"], value["state"]) for topic, value in values]


async def test_a_run_writes_its_steps_in_order_and_announces_each(ops: asyncpg.Pool) -> None:
    run = await executed(ops, Script(ETL))
    assert (run.state, run.reason, run.holder) == (RunState.SUCCEEDED, None, "here")
    assert await attempts(ops, run) == [(name, 1, "succeeded", None) for name in ETL.steps]
    assert await announced(ops) == [("okr_processing_events", name, 1, "succeeded") for name in ETL.steps]


async def test_a_step_sees_what_the_earlier_ones_returned(ops: asyncpg.Pool) -> None:
    async def publish(context: RunContext) -> Mapping[str, Any]:
        return {"seen": list(context.results), "curated": context.results["curate"]["did"]}

    run = await executed(ops, Script(ETL, publish=publish))
    assert (await ledger.steps(ops, run.run_id))[-1].detail == {"seen": list(ETL.steps[:-1]), "curated": "curate"}


def failing(*errors: Exception) -> Any:  # noqa: ANN401
    left = list(errors)

    async def act(_: RunContext) -> Mapping[str, Any]:
        if left:
            raise left.pop(0)
        return {}

    return act


AWAY = [RetryableError("away")] * 3


@pytest.mark.parametrize(
    ("step", "errors", "state", "tried"),
    [
        (
            "ingest_raw",
            AWAY[:2],
            RunState.SUCCEEDED,
            ["failed retryable", "failed retryable", "succeeded None"],
        ),
        ("ingest_raw", AWAY, RunState.FAILED, ["failed retryable"] * 3),
        ("ingest_raw", [PermanentError("too_odd", "no")], RunState.FAILED, ["failed too_odd"]),
        ("ingest_raw", [StepSkippedError("nothing")], RunState.SUCCEEDED, ["skipped nothing_to_do"]),
        ("ingest_raw", [ValueError("a bug \ud800")] * 3, RunState.FAILED, ["failed ValueError"] * 3),
        ("curate", [PermanentError("late", "no")], RunState.DEGRADED, ["failed late"]),
    ],
)
async def test_what_a_failing_step_makes_of_its_run(
    ops: asyncpg.Pool, step: str, errors: list[Exception], state: RunState, tried: list[str]
) -> None:
    run = await executed(ops, Script(ETL, **{step: failing(*errors)}))
    assert run.state is state
    assert (run.reason is None) == (state is RunState.SUCCEEDED)
    found = await attempts(ops, run)
    assert [f"{ended} {reason}" for name, _, ended, reason in found if name == step] == tried
    rest = {ended for name, _, ended, _ in found if ETL.steps.index(name) > ETL.steps.index(step)}
    assert rest == {"skipped" if state is RunState.FAILED else "succeeded"}


async def test_what_a_step_returns_must_be_json(ops: asyncpg.Pool) -> None:
    async def act(_: RunContext) -> Mapping[str, Any]:
        return {"oops": object()}

    run = await executed(ops, Script(ETL, publish=act))
    assert (run.state, (run.reason or "").split(":")[0]) == (RunState.FAILED, "TypeError")


async def test_the_trainer_sees_what_the_steps_of_the_needed_run_returned(ops: asyncpg.Pool) -> None:
    async def publish(_: RunContext) -> Mapping[str, Any]:
        return {"end_offsets": {"okr_processed_records": {"0": 42}}}

    seen: list[Any] = []

    async def train(context: RunContext) -> Mapping[str, Any]:
        seen.append(context.upstream["publish"])
        return {}

    await executed(ops, Script(ETL, publish=publish))
    await executed(ops, Script(STAGES["trainer"], train_initial=train))
    assert seen == [{"end_offsets": {"okr_processed_records": {"0": 42}}}]


@pytest.mark.parametrize("needs", ["etl", {"etl": "nonsense"}, [1]])
async def test_a_request_nobody_can_carry_out_fails_its_run_and_the_next_is_executed(
    ops: asyncpg.Pool, needs: object
) -> None:
    """Else each holder would die of it, one after the other."""
    trainer = Script(STAGES["trainer"])
    async with running(ops, trainer):
        broken = await ended(ops, await requested(ops, "trainer", needs=needs))
        later = Run(runs.run_id("trainer", NOON, "cli"), "trainer", NOON, "cli", RunState.REQUESTED)
        await ledger.insert(ops, later)
        assert (await ended(ops, later)).state is RunState.SUCCEEDED
    assert broken.state is RunState.FAILED
    assert str(broken.reason).startswith("internal_error: ")


async def test_a_stopped_service_hands_its_run_back_and_the_next_goes_on_where_it_was(ops: asyncpg.Pool) -> None:
    async def stay(_: RunContext) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    run = await requested(ops)
    first, second = Script(ETL, transform_validate=stay), Script(ETL)
    async with running(ops, first, "first"):
        await until(lambda: _done(first, "transform_validate"))
    async with running(ops, second, "second"):
        assert (await ended(ops, run)).state is RunState.SUCCEEDED
    assert second.done == list(ETL.steps[2:])
    assert (await attempts(ops, run))[2:4] == [
        ("transform_validate", 1, "skipped", "stopped"),
        ("transform_validate", 2, "succeeded", None),
    ]


async def _done(script: Script, step: str) -> bool:
    return step in script.done


@contextmanager
def held_elsewhere(stack: StackUnderTest, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    script, dsn, go = str(Path(__file__).with_name("holder.py")), stack.dsn("okr_etl", "ops"), str(folder / "go")
    command = [sys.executable, script, dsn, "2", go]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            yield process
        finally:
            process.kill()


async def reached(ops: asyncpg.Pool, run: Run, step: str, attempt: int = 1) -> None:
    async def look() -> bool:
        return (step, attempt, "running", None) in await attempts(ops, run)

    await until(look)


async def test_a_run_whose_holder_was_killed_is_taken_over_after_the_lease(
    stack: StackUnderTest, ops: asyncpg.Pool, tmp_path: Path
) -> None:
    run = await requested(ops)
    script = Script(ETL)
    with held_elsewhere(stack, tmp_path) as process:
        await reached(ops, run, "ingest_raw")
        process.kill()
        async with running(ops, script):
            found = await ended(ops, run)
    assert (found.state, found.holder, found.epoch) == (RunState.SUCCEEDED, "here", 2)
    assert script.done == list(ETL.steps[1:])
    assert (await attempts(ops, run))[1:3] == [
        ("ingest_raw", 1, "failed", "interrupted"),
        ("ingest_raw", 2, "succeeded", None),
    ]


async def test_a_holder_that_was_only_paused_comes_back_and_writes_nothing(
    stack: StackUnderTest, ops: asyncpg.Pool, tmp_path: Path
) -> None:
    run = await requested(ops)
    with held_elsewhere(stack, tmp_path) as process:
        await reached(ops, run, "ingest_raw")
        process.send_signal(signal.SIGSTOP)
        async with running(ops, Script(ETL)):
            await ended(ops, run)
        before = (await ledger.get(ops, run.run_id), await ledger.steps(ops, run.run_id), await announced(ops))
        (tmp_path / "go").touch()
        process.send_signal(signal.SIGCONT)
        await until(lambda: _logged(tmp_path / "log", "run_lost"))
    assert before == (await ledger.get(ops, run.run_id), await ledger.steps(ops, run.run_id), await announced(ops))


async def _logged(log: Path, event: str) -> bool:
    return event in log.read_text()  # noqa: ASYNC240 - a short file


async def test_a_step_that_always_kills_its_process_fails_the_run_in_the_end(
    stack: StackUnderTest, ops: asyncpg.Pool, tmp_path: Path
) -> None:
    run = await requested(ops)
    for attempt in range(1, QUICK.attempts + 1):
        with held_elsewhere(stack, tmp_path) as process:
            await reached(ops, run, "ingest_raw", attempt)
            process.kill()
    async with running(ops, Script(ETL)):
        found = await ended(ops, run)
    assert (found.state, found.reason) == (RunState.FAILED, "interrupted: step ingest_raw: its holder went away")


async def test_a_run_goes_on_after_its_connections_were_cut(stack: StackUnderTest, ops: asyncpg.Pool) -> None:
    cuts = ["select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'cut@%'"]
    admin = await asyncpg.connect(stack.admin_dsn("okr_ops"))

    async def cut(_: RunContext) -> Mapping[str, Any]:
        while cuts:
            await admin.execute(cuts.pop())
        return {}

    run = await requested(ops)
    script = Script(ETL, ingest_raw=cut)
    async with await open_pool(stack.dsn("okr_etl", "ops"), "cut") as pool, running(pool, script):
        found = await ended(ops, run)
    await admin.close()
    assert (found.state, cuts) == (RunState.SUCCEEDED, [])


async def test_a_fatal_error_in_a_step_ends_the_runner(ops: asyncpg.Pool) -> None:
    run = await requested(ops)
    runner = Runner(
        ops, ETL, Script(ETL, curate=failing(FatalError("harm"))).steps, holder="here", announced=lambda: None
    )
    with pytest.raises(FatalError, match="harm"):
        await asyncio.wait_for(runner.run(asyncio.Event()), 10)
    assert (await attempts(ops, run))[-1] == ("curate", 1, "failed", "FatalError")


def test_steps_must_be_those_of_the_topology() -> None:
    steps = dict(Script(ETL).steps)
    steps["tarnsform_validate"] = steps.pop("transform_validate")
    with pytest.raises(FatalError, match="tarnsform_validate, transform_validate"):
        checked(steps, ETL)
