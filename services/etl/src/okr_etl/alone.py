"""Work on the rows of a whole batch, which takes several times their memory: one piece at a time."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import polars as pl

from okr_common.errors import PermanentError

_ONE = threading.Lock()
P = ParamSpec("P")
T = TypeVar("T")


async def alone(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """In a thread, after whatever else of this kind is under way: the next batch is prepared while one is written.

    Raises PermanentError where polars gives up: what it raises is no Exception, and would end the process.
    """
    return await asyncio.to_thread(_waited, partial(work, *args, **kwargs))


def _waited(work: Callable[[], T]) -> T:
    with _ONE:
        try:
            return work()
        except pl.exceptions.PanicException as error:
            raise PermanentError("failed", f"polars gave up: {error}") from error
