"""The challengers' process, kept alive beside the service: what they cost is not taken from the stream's core."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any

from okr_common.logs import logger

log = logger(__name__)
PAUSE_SECONDS = 1.0
PATIENCE_SECONDS = 10.0


class Beside:
    """Starts it, again where it ends, and ends it with the service."""

    def __init__(self) -> None:
        self._process: Process | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        stopped = asyncio.create_task(stop.wait())
        while not stop.is_set():
            # it reads what nobody writes: where this process is gone, however that came, it ends, too
            self._process = await asyncio.create_subprocess_exec(sys.executable, "-m", "okr_trainer.shadow", stdin=PIPE)
            ended = asyncio.create_task(self._process.wait())
            await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                await self._end(self._process, ended)
            else:
                log.warning("challengers_ended", code=ended.result())
                await asyncio.wait({stopped}, timeout=PAUSE_SECONDS)

    async def _end(self, process: Process, ended: "asyncio.Task[int]") -> None:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait({ended}, timeout=PATIENCE_SECONDS)
        if process.returncode is None:
            process.kill()
            await ended

    def status(self) -> dict[str, Any]:
        """For /status: which process it is, while there is one."""
        process = self._process
        return {"challengers": {"pid": None if process is None or process.returncode is not None else process.pid}}
