"""A run under its lease: every write says `... where epoch = mine`, so a late holder writes nothing."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import orjson

from okr_common.delivery import outbox
from okr_common.delivery.outbox import Connection, Outgoing
from okr_common.errors import FencedError
from okr_common.events import RUN_STEP_ENDED
from okr_common.postgres.ledger import SQL, to_json
from okr_common.runs import Run, RunState, Step, StepState
from okr_common.topology import Stage


class HeldRun:
    """A run that this process executes. Each method raises FencedError once another holder has taken it over."""

    def __init__(self, pool: asyncpg.Pool, run: Run, stage: Stage) -> None:
        self._pool = pool
        self.run = run
        self._stage = stage
        self._mine = (run.run_id, run.epoch)

    async def renew(self, lease: timedelta) -> None:
        """Keeps it for so long from now."""
        self._check(await self._pool.execute(SQL["renew_lease"], *self._mine, lease))

    async def release(self) -> None:
        """Hands it back unfinished, so that another holder may go on at once."""
        await self._pool.execute(SQL["release_run"], *self._mine)

    async def start_step(self, step: Step) -> None:
        """An attempt begins."""
        self._check(await self._pool.execute(SQL["start_step"], *self._mine, step.step, step.number, step.attempt))

    async def end_step(self, step: Step) -> None:
        """An attempt ended (or was never begun: skipped); its event goes into the outbox with it."""
        attempt = (step.step, step.number, step.attempt, step.state, to_json(step.detail))
        async with self._pool.acquire() as connection, connection.transaction():
            self._check(await connection.execute(SQL["end_step"], *self._mine, *attempt))
            await self._announce(connection, [step])

    async def end_open_attempts(self, state: StepState, detail: Mapping[str, Any]) -> None:
        """Ends the attempts that somebody began and nobody will end."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(SQL["end_open_attempts"], *self._mine, state, to_json(detail))
            ended = [Step(row["step"], row["number"], row["attempt"], state, detail) for row in rows]
            await self._announce(connection, ended)

    async def end(self, state: RunState, reason: str | None) -> None:
        """The run and its slot end."""
        if await self._pool.fetchval(SQL["end_run"], *self._mine, state, reason) is None:
            raise self._fenced()

    async def _announce(self, connection: Connection, ended: Sequence[Step]) -> None:
        await outbox.put(connection, self._stage.service, [self._announcement(step) for step in ended])

    def _announcement(self, step: Step) -> Outgoing:
        event = next(event for topic, event in RUN_STEP_ENDED.items() if topic in self._stage.produces)
        said = {"step": step.step, "number": step.number, "attempt": step.attempt, "state": step.state.value}
        detail = orjson.loads(to_json(step.detail))
        ended = event.model_validate(
            {"run_id": self.run.run_id, "pipeline": self.run.pipeline, "detail": detail, **said}
        )
        return outbox.announce(ended, self._stage)

    def _check(self, tag: str) -> None:
        if tag.endswith(" 0"):
            raise self._fenced()

    def _fenced(self) -> FencedError:
        held = f"run {self.run.run_id} of {self.run.pipeline} is no longer held under epoch {self.run.epoch}"
        return FencedError(f"{held}: another holder took it over, or it was cancelled; nothing was written")
