"""Waiting for what must come, without sleeping and hoping: a wait that ends in vain says what it saw."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Seen = TypeVar("Seen")


async def until(look: Callable[[], Awaitable[Seen]], *, within: float = 20.0, every: float = 0.05) -> Seen:
    """What `look` returns as soon as that is true. Raises AssertionError with what it saw last."""
    deadline = time.monotonic() + within
    while not (seen := await look()):
        assert time.monotonic() < deadline, f"not within {within} s; last seen: {seen!r}"  # noqa: S101 - for tests
        await asyncio.sleep(every)
    return seen
