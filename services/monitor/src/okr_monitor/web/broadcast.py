"""One rendering for all who watch the page: made when something changed and somebody looks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

PAUSE_SECONDS = 0.5
"""At most so often, however much happens."""


class Broadcast:
    """Renders when `changed` is set, and hands out what differs from what was handed out before."""

    def __init__(self, changed: asyncio.Event, render: Callable[[], Awaitable[str]]) -> None:
        self._render = render
        self._changed = changed
        self._news = asyncio.Condition()
        self._latest = ""
        self._number = 0
        self._watchers = 0
        self._closed = False

    async def run(self, stop: asyncio.Event) -> None:
        """Renders until `stop`, then sends everybody home, so that the server can close."""
        stopped = asyncio.create_task(stop.wait())
        while not stop.is_set():
            changed = asyncio.create_task(self._changed.wait())
            await asyncio.wait({changed, stopped}, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
            self._changed.clear()
            if self._watchers and not stop.is_set():
                await self._publish(await self._render())
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)
        await self._close()

    async def _publish(self, rendered: str) -> None:
        if rendered == self._latest:
            return
        async with self._news:
            self._latest, self._number = rendered, self._number + 1
            self._news.notify_all()

    async def _close(self) -> None:
        async with self._news:
            self._closed = True
            self._news.notify_all()

    async def follow(self) -> AsyncIterator[str]:
        """What it looks like now, then each change."""
        self._watchers += 1
        try:
            seen = self._number
            yield await self._render()
            while not self._closed:
                seen, rendered = await self._newer(seen)
                if not self._closed:
                    yield rendered
        finally:
            self._watchers -= 1

    async def _newer(self, seen: int) -> tuple[int, str]:
        async with self._news:
            await self._news.wait_for(lambda: self._closed or self._number != seen)
            return self._number, self._latest
