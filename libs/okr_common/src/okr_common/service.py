"""A service process: REST at once, then its parts as tasks, then a graceful stop.

Workers take in and decide; carriers (the relay) bring out what they committed, so they stop last. A part that ends
by an exception ends the process with a non-zero code, and the supervisor starts it anew.
"""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import APIRouter

from okr_common import logs, metrics, rest
from okr_common.errors import FatalError
from okr_common.health import Check, Health
from okr_common.settings import ServiceSettings
from okr_common.topology import Stage

log = logs.logger(__name__)
Part = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set, finishing the batch it has begun."""
STOP_SECONDS = 20.0
LAG_TICK_SECONDS = 0.5
LOOK_FOR_GARBAGE = 100_000, 50, 100
"""A batch makes tens of thousands of things and no cycle among them: to look for one every 700 took a quarter of the
trainer's time and a seventh of that of etl's documents, and a look at all open key results held up every answer."""


@dataclass
class Parts:
    """What a service is made of. `status` adds to /status; checks are named sentences about what is wrong, or None."""

    workers: Mapping[str, Part]
    carriers: Mapping[str, Part] = field(default_factory=dict)
    routers: Sequence[APIRouter] = ()
    live: Mapping[str, Check] = field(default_factory=dict)
    ready: Mapping[str, Check] = field(default_factory=dict)
    status: rest.Status = dict


Build = Callable[[AsyncExitStack], Awaitable[Parts]]
"""Connects and wires; what must be closed goes onto the stack."""


def serve(stage: Stage, settings: ServiceSettings, build: Build) -> None:
    """Runs the service until SIGTERM or SIGINT, or until a part dies; then ends the process with its code."""
    logs.configure(stage.service, settings.logs.level)
    gc.freeze()  # what was imported stays, and need never be looked through again
    gc.set_threshold(*LOOK_FOR_GARBAGE)
    gc.enable()
    try:
        code = asyncio.run(Process(stage, settings).run(build))
    except FatalError as error:
        log.critical("cannot_start", error=str(error))
        code = 1
    sys.exit(code)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the process decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Process:
    """One run of one service."""

    def __init__(self, stage: Stage, settings: ServiceSettings) -> None:
        self._stage = stage
        self._port = settings.rest.port or stage.default_port
        self._host = settings.rest.host
        self._stop = asyncio.Event()
        self._last = asyncio.Event()
        self._failed = False
        self._phase: str | None = "starting"
        self._status: rest.Status = dict
        self._health = Health(ready={"process": lambda: self._phase})
        self._app = rest.application(stage, self._health, self._reported)

    async def run(self, build: Build) -> int:
        """The exit code: 0 after a wanted stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        server = _Server(uvicorn.Config(self._app, self._host, self._port, log_config=None, lifespan="off"))
        serving = asyncio.create_task(self._guard("rest", server.serve()))
        lag = asyncio.create_task(self._measure_lag())
        try:
            async with AsyncExitStack() as stack:
                await self._run_parts(await build(stack))
        finally:
            lag.cancel()
            server.should_exit = True
            await serving
        return int(self._failed)

    async def _run_parts(self, parts: Parts) -> None:
        for router in parts.routers:
            self._app.include_router(router)
        self._status = parts.status
        self._health.live.update(parts.live)
        self._health.ready.update(parts.ready)
        carriers = self._start(parts.carriers, self._last)
        workers = self._start(parts.workers, self._stop)
        self._phase = None
        log.info("started", port=self._port)
        await self._stop_when_asked(workers, carriers)

    async def _stop_when_asked(self, workers: "list[asyncio.Task[None]]", carriers: "list[asyncio.Task[None]]") -> None:
        await self._stop.wait()
        self._phase = "stopping"
        log.info("stopping")
        await _end(workers)
        self._last.set()
        await _end(carriers)

    def _start(self, parts: Mapping[str, Part], until: asyncio.Event) -> "list[asyncio.Task[None]]":
        return [asyncio.create_task(self._guard(name, part(until)), name=name) for name, part in parts.items()]

    async def _guard(self, name: str, running: Awaitable[None]) -> None:
        """Watches one part: its death is the process's."""
        try:
            await running
            if not self._stop.is_set():
                raise FatalError(f"{name} ended although nobody asked it to")  # noqa: TRY301 - handled like any death
        except Exception as error:
            log.critical("part_died", part=name, error=repr(error), exc_info=not isinstance(error, FatalError))
            self._failed = True
            self._stop.set()

    def _reported(self) -> Mapping[str, Any]:
        return {"phase": self._phase or "running", **self._status()}

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_TICK_SECONDS
            await asyncio.sleep(LAG_TICK_SECONDS)
            metrics.LOOP_LAG.set(loop.time() - due)


async def _end(tasks: "list[asyncio.Task[None]]") -> None:
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
    for task in late:
        log.warning("part_did_not_stop", part=task.get_name(), waited_seconds=STOP_SECONDS)
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
