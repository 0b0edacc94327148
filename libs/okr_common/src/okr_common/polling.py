"""Looking again and again until something is so: for runs that wait for what others do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Seen = TypeVar("Seen")
LOOK_SECONDS = 0.2


async def until(look: Callable[[], Awaitable[Seen]], every: float = LOOK_SECONDS) -> Seen:
    """What `look` gives, once that is true; the caller bounds the time."""
    while not (seen := await look()):  # noqa: ASYNC110 - what is looked at stands in a database
        await asyncio.sleep(every)
    return seen
