"""Asking another pipeline for a run, and waiting for it."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import asyncpg

from okr_common import polling, runs
from okr_common.errors import PermanentError
from okr_common.postgres import ledger
from okr_common.runs import Run, RunState
from okr_common.topology import Stage

PATIENCE = timedelta(minutes=10)


async def request(
    pool: asyncpg.Pool,
    pipeline: str,
    logical_time: datetime,
    asker: Stage,
    parameters: Mapping[str, Any] | None = None,
) -> Run:
    """A run of this pipeline for this logical time, on behalf of another; asking again gives the same run."""
    run = Run(
        run_id=runs.run_id(pipeline, logical_time, "dependency"),
        pipeline=pipeline,
        logical_time=logical_time,
        trigger="dependency",
        state=RunState.REQUESTED,
        parameters=parameters or {},
    )
    async with pool.acquire() as connection, connection.transaction():
        await ledger.request(connection, run, asker)
    return run


async def request_and_wait(
    pool: asyncpg.Pool,
    pipeline: str,
    logical_time: datetime,
    asker: Stage,
    *,
    announced: Callable[[], None],
    patience: timedelta = PATIENCE,
) -> Run:
    """Asks, and returns the run when it has ended well.

    Raises PermanentError when it ended otherwise (asked_run_failed) or not in time (asked_run_late): what an optional
    step raises leaves its run degraded. `announced` wakes the relay of the asker's outbox.
    """
    run = await request(pool, pipeline, logical_time, asker)
    announced()
    try:
        async with asyncio.timeout(patience.total_seconds()):
            ended = await polling.until(partial(_ended, pool, run))
    except TimeoutError:
        raise PermanentError(
            "asked_run_late", f"run {run.run_id} of {pipeline} had not ended after {patience}"
        ) from None
    assert ended is not None  # noqa: S101 - that is what was waited for
    if not ended.state.well:
        raise PermanentError("asked_run_failed", f"run {run.run_id} of {pipeline} is {ended.state}: {ended.reason}")
    return ended


async def _ended(pool: asyncpg.Pool, run: Run) -> Run | None:
    found = await ledger.get(pool, run.run_id)
    return found if found is not None and found.state.ended else None
