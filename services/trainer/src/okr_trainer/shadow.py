"""The process of the challengers: they learn beside the service, so the one that serves need not share its core.

`python -m okr_trainer.shadow`; the service starts it where challengers are configured. It may stop at any moment, and
any number of them may run: each challenger is written by one at a time.
"""

import asyncio
import os
import signal
import sys
import threading
import time

import asyncpg

from okr_common import crash, logs
from okr_common.delivery.outbox import Connection
from okr_common.errors import PermanentError
from okr_common.postgres.pool import open_pool, until_done
from okr_common.settings import load
from okr_common.topology import STAGES
from okr_trainer import following
from okr_trainer.following import Following
from okr_trainer.settings import Settings, TrainerSettings
from okr_trainer.store import SQL, Pool, Row

STAGE = STAGES["trainer"]
LOOK_SECONDS = 0.5
GENTLE = 10
"""Where cores are few, the service goes first."""
log = logs.logger(__name__)
Name = tuple[str, str]
"""Model and pipeline."""


class Shadow:
    """Goes on with every challenger whose model has moved."""

    def __init__(self, settings: TrainerSettings, ops: Pool) -> None:
        self._settings = settings
        self._ops = ops
        self._known: dict[Name, Following] = {}
        self._seen: dict[Name, object] = {}
        self._served: dict[str, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; finishes the part it has begun."""
        while not stop.is_set():
            moved = await until_done("follow", self._look, stop)
            if not moved:
                await _pause(LOOK_SECONDS, stop)

    async def _look(self) -> bool:
        """One part of each; whether any has more to do."""
        async with self._ops.acquire() as connection:
            moved = [await self._of_model(connection, one) for one in await connection.fetch(SQL["followed"])]
        return any(moved)

    async def _of_model(self, connection: Connection, one: Row) -> bool:
        model, wanted = one["model"], self._settings.in_shadow_of(one["model"], one["pipeline"])
        if self._served.get(model) != one["pipeline"]:
            await connection.execute(SQL["forget_challengers"], model, wanted, one["pipeline"])
            self._served[model] = one["pipeline"]
        more = False
        for pipeline in wanted:
            if self._seen.get((model, pipeline)) != one["updated_at"]:
                more |= await self._turn(connection, model, pipeline, one["updated_at"])
        return more

    async def _turn(self, connection: Connection, model: str, pipeline: str, at: object) -> bool:
        """One part of a challenger's; whether there is more. After a failure it is as it was committed."""
        known = self._known.pop((model, pipeline), None)
        try:
            async with connection.transaction(isolation="repeatable_read"):
                made, more = await self._followed(connection, model, pipeline, known)
                crash.point("before_challenger_commit")
            crash.point("after_challenger_commit")
        except asyncpg.UniqueViolationError:  # another process had begun it, and committed that meanwhile
            return True
        if made is not None:
            self._known[model, pipeline] = made
            if not more:
                self._seen[model, pipeline] = at
        return more

    async def _followed(
        self, connection: Connection, model: str, pipeline: str, known: Following | None
    ) -> tuple[Following | None, bool]:
        await connection.execute(SQL["end_when_stalled"])
        if not await connection.fetchval(SQL["try_shadow"], following.lock(model, pipeline)):
            return None, False
        began = time.process_time()
        made = await _taken(connection, model, pipeline, known)
        now = await connection.fetchrow(SQL["served_training"], model)
        if now is None or now["pipeline"] == pipeline:
            return None, False
        if made is None or made.training != now["training"]:
            made = await following.begin(connection, model, pipeline, now["training"])
            more = made.waits is None
        elif made.waits:
            return made, False
        else:
            more = await following.go_on(connection, made)
        made.seconds += time.process_time() - began
        await following.put(connection, made)
        if made.waits:
            log.warning("challenger_waits", model=model, pipeline=pipeline, reason=made.waits)
        return made, more


async def _taken(connection: Connection, model: str, pipeline: str, known: Following | None) -> Following | None:
    """None where it has not begun, or its state is refused: then it begins anew."""
    try:
        return await following.take(connection, model, pipeline, known)
    except PermanentError as error:
        log.warning("challenger_refused", model=model, pipeline=pipeline, error=str(error))
        return None


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def follow(settings: Settings) -> None:
    """Until SIGTERM or SIGINT, or until whoever started this is gone."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True).start()
    async with await open_pool(settings.postgres.ops, f"{STAGE.module}_shadow", size=1) as pool:
        await Shadow(settings.trainer, pool).run(stop)


if __name__ == "__main__":
    os.nice(GENTLE)
    said = load(Settings)
    logs.configure(STAGE.service, said.logs.level)
    asyncio.run(follow(said))
