"""The steps of a run, one after the other into the ledger.

A run that somebody else began is taken up at its first step that is not settled.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from okr_common import ask, metrics
from okr_common.errors import FatalError, OkrError, PermanentError, RetryableError
from okr_common.logs import logger
from okr_common.postgres import ledger
from okr_common.postgres.lease import HeldRun
from okr_common.runs import Retry, Run, Step, StepSkippedError, StepState, is_settled, latest_attempts, outcome
from okr_common.topology import Stage

log = logger(__name__)
STEP_SECONDS = 2 * 3600.0
"""A step that takes longer is taken for stuck."""
Details = Mapping[str, Mapping[str, Any]]
"""What steps returned, by the step's name."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a step knows: its run, what the earlier steps returned, and what the needed pipeline's steps did.

    `pool` is that of okr_ops; `announced` wakes the relay of its outbox.
    """

    run: Run
    stage: Stage
    pool: asyncpg.Pool
    results: Details
    upstream: Details
    announced: Callable[[], None]

    @property
    def run_id(self) -> UUID:
        """The run's id, for work items and logs."""
        return self.run.run_id

    @property
    def logical_time(self) -> datetime:
        """The slot, or the time that was asked for."""
        return self.run.logical_time

    async def ask(self, pipeline: str, patience: timedelta = ask.PATIENCE) -> Run:
        """Has another pipeline run, and waits for its end; see `ask.request_and_wait`."""
        return await ask.request_and_wait(
            self.pool, pipeline, self.logical_time, self.stage, announced=self.announced, patience=patience
        )


StepFunction = Callable[[RunContext], Awaitable[Mapping[str, Any]]]
"""Does what is pending and returns what it did, as plain JSON; run again, it finds less to do.

Raises StepSkippedError when there is nothing to do, PermanentError when another attempt would not help.
"""
Steps = Mapping[str, StepFunction]


def checked(steps: Steps, stage: Stage) -> Steps:
    """The steps themselves. Raises FatalError where they are not those that the topology names."""
    wrong = sorted(set(steps) ^ set(stage.steps))
    if wrong:
        raise FatalError(f"{stage.service}: its steps and those in topology.py differ in {', '.join(wrong)}")
    return steps


class Execution:
    """One run being executed by this process."""

    def __init__(
        self,
        held: HeldRun,
        steps: Steps,
        *,
        pool: asyncpg.Pool,
        stage: Stage,
        retry: Retry,
        announced: Callable[[], None],
    ) -> None:
        self._held = held
        self._steps = steps
        self._pool = pool
        self._stage = stage
        self._retry = retry
        self._announced = announced
        self._attempts: list[Step] = []
        self._latest: dict[str, Step] = {}
        self._upstream: Details = {}

    async def work(self) -> None:
        """Runs the steps that are not settled, then ends the run."""
        await self._held.end_open_attempts(StepState.FAILED, {"reason": "interrupted", "error": "its holder went away"})
        self._attempts = await ledger.steps(self._pool, self._held.run.run_id)
        self._latest = latest_attempts(self._attempts)
        self._upstream = await upstream_of(self._pool, self._held.run, self._stage)
        await self._run_steps()
        state, reason = outcome(self._latest, self._stage.optional_steps)
        await self._held.end(state, reason)
        metrics.RUNS.labels(self._stage.service, state).inc()
        log.info("run_ended", state=state, reason=reason)

    async def _run_steps(self) -> None:
        broken: str | None = None
        for number, name in enumerate(self._stage.steps, 1):
            if broken is not None:
                await self._skip(number, name, broken)
            elif not is_settled(self._latest.get(name)):
                self._latest[name] = await self._step(number, name)
            if self._latest[name].state is StepState.FAILED and name not in self._stage.optional_steps:
                broken = name

    async def _skip(self, number: int, name: str, broken: str) -> None:
        detail = {"reason": "not_reached", "error": f"step {broken} failed"}
        skipped = Step(name, number, len(self._former(name)) + 1, StepState.SKIPPED, detail)
        await self._held.end_step(skipped)
        self._latest[name] = skipped

    async def _step(self, number: int, name: str) -> Step:
        """Attempts it until it ends otherwise than by failing, or as often as the rule allows."""
        former = self._former(name)
        failures = sum(attempt.state is StepState.FAILED for attempt in former)
        if failures >= self._retry.attempts:
            return former[-1]
        for attempt in range(len(former) + 1, len(former) + 1 + self._retry.attempts - failures):
            ended, error = await self._attempt(Step(name, number, attempt, StepState.RUNNING))
            failures += 1
            wait = self._retry.wait_after(failures, error)
            if ended.state is not StepState.FAILED or wait is None:
                break
            await asyncio.sleep(wait.total_seconds())
        return ended

    async def _attempt(self, step: Step) -> tuple[Step, Exception | None]:
        await self._held.start_step(step)
        began = time.monotonic()
        state, detail, error = await self._call(step.step)
        ended = replace(step, state=state, detail=detail)
        metrics.RUN_STEP_SECONDS.labels(self._stage.service, step.step, state).observe(time.monotonic() - began)
        await self._held.end_step(ended)
        self._announced()
        log.info("step_ended", step=step.step, attempt=step.attempt, state=state, detail=detail)
        if isinstance(error, FatalError):
            raise error
        return ended, error

    async def _call(self, name: str) -> tuple[StepState, Mapping[str, Any], Exception | None]:
        try:
            async with asyncio.timeout(STEP_SECONDS):
                returned = await self._steps[name](self._context())
            return StepState.SUCCEEDED, orjson.loads(ledger.to_json(returned)), None
        except StepSkippedError as skipped:
            return StepState.SKIPPED, {"reason": skipped.reason, "error": str(skipped)}, None
        except Exception as error:
            log.warning("step_failed", step=name, error=repr(error), exc_info=not isinstance(error, OkrError))
            return StepState.FAILED, {"reason": _code(error), "error": _text(error)}, error

    def _context(self) -> RunContext:
        done = {name: step.detail for name, step in self._latest.items() if step.state is StepState.SUCCEEDED}
        return RunContext(self._held.run, self._stage, self._pool, done, self._upstream, self._announced)

    def _former(self, name: str) -> list[Step]:
        return [attempt for attempt in self._attempts if attempt.step == name]


def _code(error: Exception) -> str:
    if isinstance(error, RetryableError):
        return "retryable"
    return error.reason if isinstance(error, PermanentError) else type(error).__name__


def _text(error: Exception) -> str:
    """What it says, as text that JSON and PostgreSQL can hold."""
    return (str(error) or repr(error))[:2000].encode("utf-8", "replace").decode()


async def upstream_of(pool: asyncpg.Pool, run: Run, stage: Stage) -> Details:
    """What the needed pipeline's steps returned: in the run that was waited for, else in its newest good one."""
    if stage.needs is None:
        return {}
    named = run.parameters.get("needs", {}).get(stage.needs)
    needed = await ledger.get(pool, UUID(named)) if named else await ledger.newest_good(pool, stage.needs)
    attempts = [] if needed is None else await ledger.steps(pool, needed.run_id)
    return {name: step.detail for name, step in latest_attempts(attempts).items()}
