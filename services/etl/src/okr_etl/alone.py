"""Work on the rows of a whole batch, which takes several times their memory: one piece at a time."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

_ONE = threading.Lock()
P = ParamSpec("P")
T = TypeVar("T")


async def alone(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """In a thread, after whatever else of this kind is under way: the next batch is prepared while one is written."""
    return await asyncio.to_thread(_waited, partial(work, *args, **kwargs))


def _waited(work: Callable[[], T]) -> T:
    with _ONE:
        return work()
