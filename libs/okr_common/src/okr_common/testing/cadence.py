"""A service's schedule inside a test: its parts run a minute before a slot; the test says when the clock moves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from okr_common import runs
from okr_common.clock import Clock
from okr_common.postgres import ledger
from okr_common.runs import Run
from okr_common.service import Parts
from okr_common.testing.clocks import SetClock
from okr_common.testing.parts import running
from okr_common.testing.waiting import until

BuildAt = Callable[[AsyncExitStack, Clock], Awaitable[Parts]]
"""Wires the service with this clock."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """One pipeline, its ledger and its clock."""

    pipeline: str
    ops: asyncpg.Pool
    clock: SetClock

    async def tick(self, **later: float) -> tuple[Run, dict[str, Any]]:
        """The clock moves, as `timedelta` takes it: the run of the slot it then shows, ended; its steps' details."""
        slot = self.clock.forward(**later)
        run = await until(lambda: self._ended(slot), within=60)
        assert run is not None  # noqa: S101 - that is what was waited for
        return run, {step.step: step.detail for step in await ledger.steps(self.ops, run.run_id)}

    async def slot_state(self) -> str:
        """What became of the slot that the clock shows."""
        query = "select state from slot where pipeline = $1 and logical_time = $2"
        return str(await self.ops.fetchval(query, self.pipeline, self.clock()))

    async def _ended(self, slot: datetime) -> Run | None:
        run = await ledger.get(self.ops, runs.run_id(self.pipeline, slot, "cron"))
        return run if run is not None and run.state.ended else None


@asynccontextmanager
async def cadence(pipeline: str, slot: datetime, ops_dsn: str, build: BuildAt) -> AsyncIterator[Cadence]:
    """The service's parts in this process, a minute before the slot, with their scheduler awake."""
    clock = SetClock(slot - timedelta(minutes=1))
    async with AsyncExitStack() as closing, running(await build(closing, clock)):
        ops = await closing.enter_async_context(asyncpg.create_pool(ops_dsn, min_size=1))
        await until(lambda: ops.fetchval("select count(*) from slot"))
        yield Cadence(pipeline, ops, clock)
