"""Waiting that ends when the service is asked to stop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Until so much time has passed, or it is time to stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def unless_stopped(awaited: Coroutine[Any, Any, Result], stop: asyncio.Event) -> Result | None:
    """What was waited for; None when it is time to stop first."""
    waiting = asyncio.ensure_future(awaited)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else None
    finally:
        waiting.cancel()
        stopped.cancel()


async def pause_unless(woken: asyncio.Event, stop: asyncio.Event, seconds: float) -> None:
    """Until so much time has passed, or one of the two is set."""
    waits = [asyncio.ensure_future(one.wait()) for one in (woken, stop)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
