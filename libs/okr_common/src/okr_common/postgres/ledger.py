"""The run ledger in okr_ops: what was asked for and what became of it. Executing a run: `lease.HeldRun`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from okr_common import codec
from okr_common.delivery import outbox
from okr_common.delivery.outbox import Connection
from okr_common.events import RunRequested
from okr_common.runs import Run, RunState, Step, StepState, next_to_execute
from okr_common.sql import queries
from okr_common.topology import Stage

SQL = queries(__package__)
Executor = Connection | asyncpg.Pool


async def request(connection: Connection, run: Run, asker: Stage) -> bool:
    """Writes a run down and announces it on okr_run_requests, through the asker's outbox; call it in a transaction.

    False: the same request was known already, and nothing was written.
    """
    if not await insert(connection, run):
        return False
    event = RunRequested(
        run_id=run.run_id,
        pipeline=run.pipeline,
        logical_time=run.logical_time,
        trigger=run.trigger,
        parameters=dict(run.parameters),
    )
    await outbox.put(connection, asker.service, [outbox.announce(event, asker)])
    return True


async def insert(executor: Executor, run: Run) -> bool:
    """Writes a run down as it is. False: it was known already."""
    values = (run.run_id, run.pipeline, run.logical_time, run.trigger, run.state, run.reason, to_json(run.parameters))
    return await executor.fetchval(SQL["request_run"], *values) is not None


async def take(pool: asyncpg.Pool, pipeline: str, holder: str, lease: timedelta) -> Run | None:
    """The run that this holder executes from now on, or None; see `runs.next_to_execute`."""
    async with pool.acquire() as connection, connection.transaction():
        locked = await connection.fetchrow(SQL["lock_pipeline"], pipeline)
        assert locked is not None  # noqa: S101 - a select without a table has one row
        chosen = next_to_execute(await unfinished(connection, pipeline), locked["now"], holder)
        if chosen is None:
            return None
        taken = await connection.fetchrow(SQL["take_run"], chosen.run_id, holder, lease)
        return None if taken is None else _run(taken)


async def release_waiting(executor: Executor, run: Run, needs: Mapping[str, UUID]) -> None:
    """What it waited for is there: it may be executed. `needs` is kept in its parameters."""
    await executor.execute(SQL["release_waiting"], run.run_id, to_json({"needs": dict(needs)}))


async def give_up_waiting(executor: Executor, run: Run, reason: str) -> None:
    """What it waited for did not come in time: it and its slot are skipped."""
    await executor.execute(SQL["give_up_waiting"], run.run_id, reason)


async def unfinished(executor: Executor, pipeline: str) -> list[Run]:
    """Requested, waiting and running ones, oldest request first."""
    return [_run(row) for row in await executor.fetch(SQL["unfinished_runs"], pipeline)]


async def get(executor: Executor, run_id: UUID) -> Run | None:
    """One run."""
    row = await executor.fetchrow(SQL["get_run"], run_id)
    return None if row is None else _run(row)


async def beginning_with(executor: Executor, text: str) -> list[UUID]:
    """The ids that begin so, at most three of them."""
    return [row["run_id"] for row in await executor.fetch(SQL["runs_beginning_with"], text.lower())]


async def newest_of_schedule(executor: Executor, pipeline: str) -> Run | None:
    """The run of the newest slot that became one, whatever became of it."""
    row = await executor.fetchrow(SQL["newest_run_of_schedule"], pipeline)
    return None if row is None else _run(row)


async def newest_good(executor: Executor, pipeline: str) -> Run | None:
    """The newest run that succeeded, fully or with an optional step failed."""
    row = await executor.fetchrow(SQL["newest_good_run"], pipeline)
    return None if row is None else _run(row)


async def listed(executor: Executor, pipeline: str | None, state: RunState | None, limit: int) -> list[Run]:
    """Runs of one pipeline or all, the newest logical time first."""
    return [_run(row) for row in await executor.fetch(SQL["list_runs"], pipeline, state, limit)]


async def between(executor: Executor, pipeline: str, since: datetime, before: datetime) -> list[Run]:
    """The runs of a pipeline whose logical time lies in this window."""
    return [_run(row) for row in await executor.fetch(SQL["runs_between"], pipeline, since, before)]


async def steps(executor: Executor, run_id: UUID) -> list[Step]:
    """Every attempt of every step, in order."""
    return [_step(row) for row in await executor.fetch(SQL["steps_of_run"], run_id)]


def to_json(value: Mapping[str, Any]) -> str:
    """JSON text, as the ledger's json columns take it."""
    return codec.to_json(value).decode()


def _run(row: asyncpg.Record) -> Run:
    return Run(**{**dict(row), "state": RunState(row["state"]), "parameters": orjson.loads(row["parameters"])})


def _step(row: asyncpg.Record) -> Step:
    return Step(
        step=row["step"],
        number=row["number"],
        attempt=row["attempt"],
        state=StepState(row["state"]),
        detail=orjson.loads(row["detail"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
    )
