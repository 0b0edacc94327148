import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from okr_monitor.web import broadcast
from okr_monitor.web.broadcast import Broadcast


class Scene:
    """Something that is rendered, and how often it was."""

    def __init__(self) -> None:
        self.text = "one"
        self.rendered = 0
        self.changed = asyncio.Event()
        self.broadcast = Broadcast(self.changed, self._render)
        self.stop = asyncio.Event()

    async def _render(self) -> str:
        self.rendered += 1
        return self.text

    async def until(self, reached: Callable[[], bool]) -> None:
        for _ in range(5000):
            if reached():
                return
            await asyncio.sleep(0.001)
        pytest.fail("it was not reached")

    def say(self, text: str) -> None:
        self.text = text
        self.changed.set()


@asynccontextmanager
async def running() -> AsyncIterator[Scene]:
    scene = Scene()
    task = asyncio.create_task(scene.broadcast.run(scene.stop))
    yield scene
    scene.stop.set()
    await asyncio.wait_for(task, 5)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "PAUSE_SECONDS", 0.001)


async def following(stream: AsyncIterator[str]) -> str:
    return await asyncio.wait_for(anext(stream), 5)


async def test_who_comes_sees_what_holds_and_then_what_changes() -> None:
    async with running() as scene:
        stream = scene.broadcast.follow()
        assert await following(stream) == "one"
        scene.say("two")
        assert await following(stream) == "two"


async def test_all_watch_one_rendering() -> None:
    async with running() as scene:
        streams = [scene.broadcast.follow() for _ in range(5)]
        for stream in streams:
            await following(stream)
        scene.rendered = 0
        scene.say("two")
        assert [await following(stream) for stream in streams] == ["two"] * 5
        assert scene.rendered == 1


async def test_what_looks_the_same_is_not_sent() -> None:
    async with running() as scene:
        stream = scene.broadcast.follow()
        await following(stream)
        scene.say("two")
        await following(stream)
        waiting = asyncio.create_task(following(stream))
        scene.say("two")
        await scene.until(lambda: scene.rendered == 3)
        assert not waiting.done()
        scene.say("three")
        assert await waiting == "three"


async def test_while_nobody_looks_nothing_is_rendered() -> None:
    async with running() as scene:
        scene.say("two")
        await scene.until(lambda: not scene.changed.is_set())
        assert scene.rendered == 0


async def test_the_end_sends_everybody_home() -> None:
    async with running() as scene:
        stream = scene.broadcast.follow()
        await following(stream)
        waiting = asyncio.create_task(following(stream))
        await asyncio.sleep(0)
        scene.stop.set()
        with suppress(StopAsyncIteration):
            pytest.fail(await waiting)
