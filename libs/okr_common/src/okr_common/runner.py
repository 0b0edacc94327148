"""The runner: executes the runs of its pipeline, one at a time, each under a lease that it keeps renewing."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
from structlog.contextvars import bound_contextvars

from okr_common.errors import FatalError, FencedError
from okr_common.logs import logger
from okr_common.postgres import ledger
from okr_common.postgres.lease import HeldRun
from okr_common.postgres.pool import AWAY, RETRYABLE, until_done
from okr_common.run_steps import Execution, Steps, checked
from okr_common.runs import STOPPED, Retry, Run, RunState, StepState
from okr_common.topology import Stage

log = logger(__name__)
SWEEP_SECONDS = 2.0
"""How often the ledger is asked although nobody woke the runner: the holder of a run may have died."""
LEASE = timedelta(seconds=30)
RETRY = Retry()


class Runner:
    """Executes what the ledger asks of one pipeline. `announced` wakes the relay of the okr_ops outbox."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        stage: Stage,
        steps: Steps,
        *,
        holder: str,
        announced: Callable[[], None],
        lease: timedelta = LEASE,
        retry: Retry = RETRY,
    ) -> None:
        self._pool = pool
        self._stage = stage
        self._steps = checked(steps, stage)
        self._holder = holder
        self._announced = announced
        self._lease = lease
        self._retry = retry
        self._woken = asyncio.Event()
        self.executing: Run | None = None

    def wake(self) -> None:
        """Something was requested: look now."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Executes until `stop`; a run that is unfinished then is handed back."""
        while not stop.is_set():
            self._woken.clear()
            while not stop.is_set() and (taken := await until_done("take_run", self._take, stop)):
                await self._execute(taken, stop)
            await _first_of(self._woken.wait(), stop.wait(), timeout=SWEEP_SECONDS)

    async def _take(self) -> Run | None:
        return await ledger.take(self._pool, self._stage.service, self._holder, self._lease)

    async def _execute(self, run: Run, stop: asyncio.Event) -> None:
        held = HeldRun(self._pool, run, self._stage)
        execution = Execution(
            held, self._steps, pool=self._pool, stage=self._stage, retry=self._retry, announced=self._announced
        )
        self.executing = run
        with bound_contextvars(run_id=str(run.run_id)):
            log.info("run_taken", trigger=run.trigger, logical_time=run.logical_time.isoformat(), epoch=run.epoch)
            try:
                await _first_of(execution.work(), self._keep(held), stop.wait())
                if stop.is_set():
                    await self._hand_back(held)
            except FencedError as error:
                log.warning("run_lost", error=str(error))
            except RETRYABLE as error:
                log.warning("run_interrupted", error=repr(error))
            except FatalError:
                raise
            except Exception as error:
                log.exception("run_broke_down")
                await held.end(RunState.FAILED, f"internal_error: {error!r}"[:2000])
            finally:
                self.executing = None
                self._announced()

    async def _hand_back(self, held: HeldRun) -> None:
        """Leaves it to the next holder, at once; does nothing to a run that has ended."""
        await held.end_open_attempts(StepState.SKIPPED, {"reason": STOPPED, "error": "the service was stopped"})
        await held.release()

    async def _keep(self, held: HeldRun) -> None:
        """Renews the lease; ends, by FencedError, when it is lost or could not be renewed in time."""
        seconds = self._lease.total_seconds()
        valid_until = time.monotonic() + seconds
        while time.monotonic() < valid_until:
            await asyncio.sleep(seconds / 4)
            asked = time.monotonic()
            try:
                await asyncio.wait_for(held.renew(self._lease), seconds / 2)
                valid_until = asked + seconds
            except AWAY as error:
                log.warning("lease_not_renewed", error=repr(error))
        raise FencedError(f"the lease of run {held.run.run_id} could not be renewed within {self._lease}")


async def _first_of(*awaited: Any, timeout: float | None = None) -> None:  # noqa: ANN401, ASYNC109 - coroutines; a wait
    """Waits for the first to end and cancels the others. Raises what the ended ones raised."""
    tasks = [asyncio.ensure_future(each) for each in awaited]
    try:
        done, _ = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
