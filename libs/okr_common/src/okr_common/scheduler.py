"""The scheduler: turns slots that are due into runs. Any replica may; the ledger decides who was first."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg

from okr_common import runs, schedule
from okr_common.clock import Clock
from okr_common.logs import logger
from okr_common.postgres import ledger, slots
from okr_common.runs import Run, RunState
from okr_common.schedule import Decision, Policy, Verdict
from okr_common.settings import ScheduleSettings
from okr_common.topology import STAGES, Stage

log = logger(__name__)
DEADLINE = "deadline"
"""The reason code of a run that was skipped because the pipeline it needs was late."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a pipeline runs, when the one it needs does, and how long it waits for that."""

    cron: str
    policy: Policy
    needed_cron: str
    patience: timedelta

    @classmethod
    def of(cls, stage: Stage, settings: ScheduleSettings) -> "Timetable":
        """From the settings. Raises FatalError for a cron expression that is none."""
        return cls(
            cron=schedule.check(settings.cron_of(stage)),
            policy=Policy(settings.missed, timedelta(hours=settings.window_hours)),
            needed_cron=schedule.check(settings.cron_of(STAGES[stage.needs or stage.service])),
            patience=timedelta(hours=settings.patience_hours),
        )


class Scheduler:
    """Claims the slots of one pipeline, and looks after its runs that wait for another pipeline."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        stage: Stage,
        timetable: Timetable,
        *,
        holder: str,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._stage = stage
        self._timetable = timetable
        self._holder = holder
        self._clock = clock
        self._changed = changed
        self._settled: datetime | None = None
        self._made_up_for: Run | None = None
        self._one_at_a_time = asyncio.Lock()

    async def tick(self) -> None:
        """Does what is due now. Called as often as you like; without a due slot it does not even ask the database."""
        async with self._one_at_a_time:
            now = self._clock()
            if self._settled is None:
                self._settled = await self._beginning(now)
            due = schedule.slots(self._timetable.cron, max(self._settled, now - schedule.REMEMBERED), now)
            if due:
                await self._claim(due, now)
                self._settled = due[-1]
            if self._stage.needs is not None:
                await self._look_after_needs(STAGES[self._stage.needs], now)

    async def _beginning(self, now: datetime) -> datetime:
        """Up to where slots have rows. A schedule that never ran here begins now: it has missed nothing."""
        newest = await slots.newest(self._pool, self._stage.service)
        if newest is not None:
            return newest
        before = schedule.newest(self._timetable.cron, now)
        first = Decision(before, "missed", reason="first_start: the schedule began after this slot")
        async with self._pool.acquire() as connection, connection.transaction():
            await slots.claim(connection, first, self._stage, self._holder)
        return before

    async def _claim(self, due: list[datetime], now: datetime) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            unfinished = await ledger.unfinished(connection, self._stage.service)
            busy_with = next((str(run.run_id) for run in unfinished if run.trigger != "dependency"), None)
            decisions = self._timetable.policy.decide(due, now, busy_with)
            won = [one for one in decisions if await slots.claim(connection, one, self._stage, self._holder)]
        for decision in won:
            log.info(
                "slot_settled",
                logical_time=decision.logical_time.isoformat(),
                becomes=decision.becomes,
                trigger=decision.trigger,
                reason=decision.reason,
            )
        self._changed()

    async def _look_after_needs(self, needed: Stage, now: datetime) -> None:
        for run in await ledger.unfinished(self._pool, self._stage.service):
            if run.state is RunState.WAITING:
                await self._judge(run, needed, now)
        newest = await ledger.newest_of_schedule(self._pool, self._stage.service)
        if newest is not None and newest.state is RunState.SKIPPED and (newest.reason or "").startswith(DEADLINE):
            await self._make_up_for(newest, needed)

    async def _judge(self, run: Run, needed: Stage, now: datetime) -> None:
        supplied = await self._supply(run, needed)
        decided = schedule.verdict(supplied, run.logical_time, now, self._timetable.patience)
        if decided is Verdict.GO and supplied is not None:
            log.info("need_satisfied", run_id=str(run.run_id), by=str(supplied.run_id))
            await ledger.release_waiting(self._pool, run, {needed.service: supplied.run_id})
            self._changed()
        elif decided is Verdict.GIVE_UP:
            deadline = (run.logical_time + self._timetable.patience).isoformat()
            reason = f"{DEADLINE}: no run of {needed.service} for this slot had ended well by {deadline}"
            log.warning("need_not_satisfied", run_id=str(run.run_id), reason=reason)
            await ledger.give_up_waiting(self._pool, run, reason)

    async def _make_up_for(self, skipped: Run, needed: Stage) -> None:
        """Runs once, when what was needed came too late after all."""
        supplied = None if skipped == self._made_up_for else await self._supply(skipped, needed)
        if supplied is None:
            return
        late = replace(
            skipped,
            run_id=runs.run_id(self._stage.service, skipped.logical_time, "dependency"),
            trigger="dependency",
            state=RunState.REQUESTED,
            reason=None,
            parameters={"needs": {needed.service: str(supplied.run_id)}},
        )
        async with self._pool.acquire() as connection, connection.transaction():
            await ledger.request(connection, late, self._stage)
        self._made_up_for = skipped
        self._changed()

    async def _supply(self, run: Run, needed: Stage) -> Run | None:
        window = schedule.needed_window(self._timetable.needed_cron, run.logical_time)
        return schedule.supply(await ledger.between(self._pool, needed.service, *window), window)
