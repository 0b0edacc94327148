"""Two sides that should say the same, both in the order of one key, compared without holding either in memory."""

from collections.abc import AsyncIterator
from typing import Any, TypeVar

Value = TypeVar("Value")
Pair = tuple[Any, Value]
"""A key, and what one side says of it."""


async def outer_join(
    left: AsyncIterator[Pair[Value]], right: AsyncIterator[Pair[Value]]
) -> AsyncIterator[tuple[Any, Value | None, Value | None]]:
    """Each key of either side with both values; None where a side does not have it. Keys rise and do not repeat."""
    mine, theirs = await anext(left, None), await anext(right, None)
    while mine is not None or theirs is not None:
        if theirs is None or (mine is not None and mine[0] < theirs[0]):
            assert mine is not None  # noqa: S101 - one of the two is there
            yield mine[0], mine[1], None
            mine = await anext(left, None)
        elif mine is None or theirs[0] < mine[0]:
            yield theirs[0], None, theirs[1]
            theirs = await anext(right, None)
        else:
            yield mine[0], mine[1], theirs[1]
            mine, theirs = await anext(left, None), await anext(right, None)
