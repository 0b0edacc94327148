"""A service process from outside: it stops in its order when asked, and ends, loudly, when a part of it dies."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
import pytest

from okr_common.service import Parts, Process
from okr_common.settings import RestSettings, ServiceSettings
from okr_common.testing.waiting import until
from okr_common.topology import STAGES

pytestmark = pytest.mark.timeout(30)


class Rest:
    """The process's REST."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    async def status(self, path: str) -> int:
        """0 where nobody answers."""
        async with httpx2.AsyncClient() as client:
            try:
                return (await client.get(self._base + path)).status_code
            except httpx2.TransportError:
                return 0

    async def is_ready(self) -> bool:
        return await self.status("/readyz") == 200


@asynccontextmanager
async def serving(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple["asyncio.Task[int]", Rest]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("OKR_REST__PORT", str(port))
    settings = ServiceSettings()
    assert isinstance(settings.rest, RestSettings)

    async def build(_: AsyncExitStack) -> Parts:
        return parts

    running = asyncio.create_task(Process(STAGES["etl"], settings).run(build))
    yield running, Rest(port)
    await asyncio.wait_for(running, 10)


async def test_it_stops_taking_then_finishes_then_says_the_last_and_ends_with_0(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    seen: list[int] = []

    async def worker(stop: asyncio.Event) -> None:
        await stop.wait()
        seen.append(await rest.status("/readyz"))
        done.append("worker")

    async def carrier(last: asyncio.Event) -> None:
        await last.wait()
        done.append("carrier")

    async with serving(Parts(workers={"w": worker}, carriers={"c": carrier}), monkeypatch) as (running, rest):
        await until(rest.is_ready)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await asyncio.wait_for(running, 10) == 0
    assert (done, seen) == (["worker", "carrier"], [503])


async def test_a_part_that_dies_takes_the_process_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    die = asyncio.Event()

    async def dying(_: asyncio.Event) -> None:
        await die.wait()
        raise RuntimeError("a bug")

    async def other(stop: asyncio.Event) -> None:
        await stop.wait()

    async with serving(Parts(workers={"dying": dying, "other": other}), monkeypatch) as (running, rest):
        await until(rest.is_ready)
        die.set()
        assert await asyncio.wait_for(running, 10) == 1


async def test_a_part_that_ends_unasked_is_dead_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ends(_: asyncio.Event) -> None:
        return

    async with serving(Parts(workers={"ends": ends}), monkeypatch) as (running, _):
        assert await asyncio.wait_for(running, 10) == 1


async def test_a_red_liveness_check_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async def worker(stop: asyncio.Event) -> None:
        await stop.wait()

    parts = Parts(workers={"w": worker}, live={"feed": lambda: "the polling thread is dead"})
    async with serving(parts, monkeypatch) as (_, rest):
        await until(lambda: _is(rest, "/livez", 503))
        assert await rest.status("/readyz") == 503
        os.kill(os.getpid(), signal.SIGTERM)


async def _is(rest: Rest, path: str, wanted: int) -> bool:
    return await rest.status(path) == wanted


LOOKS = """
import gc
from contextlib import AsyncExitStack
gc.disable()
from okr_common.errors import FatalError
from okr_common.service import Parts, serve
from okr_common.settings import ServiceSettings
from okr_common.topology import STAGES

async def build(_: AsyncExitStack) -> Parts:
    raise FatalError(f"collects: {gc.isenabled()}, frozen: {gc.get_freeze_count() > 0}, after: {gc.get_threshold()[0]}")

serve(STAGES["etl"], ServiceSettings(), build)
"""


def test_garbage_is_collected_again_once_a_service_serves() -> None:
    """Its start turned that off; a service that never collected would grow until the machine is full."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "OKR_REST__PORT": str(port)}
    ended = subprocess.run([sys.executable, "-c", LOOKS], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "collects: True, frozen: True, after: 100000" in ended.stdout + ended.stderr
