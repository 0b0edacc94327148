"""The population stability index, and what of it is chance."""

from collections.abc import Sequence
from math import log

SMOOTH = 0.5
"""Added to each bin's count, so that an empty one is finite."""


def stability_index(expected: Sequence[float], size: float, live: Sequence[int]) -> float:
    """The sum of (share live - share expected) x log of their ratio; 0 where all shares agree.

    `expected` are shares out of `size` rows.

    >>> stability_index([0.5, 0.5], 1000, [500, 500])
    0.0
    >>> round(stability_index([0.5, 0.5], 1000, [900, 100]), 1)
    0.9
    """
    bins, total = len(expected), sum(live)
    index = 0.0
    for share, number in zip(expected, live, strict=True):
        was = (share * size + SMOOTH) / (size + SMOOTH * bins)
        now = (number + SMOOTH) / (total + SMOOTH * bins)
        index += (now - was) * log(now / was)
    return index


def chance(freedom: int) -> float:
    """What the index exceeds once in a thousand times without any drift, times the sizes (Wilson and Hilferty).

    >>> round(chance(9), 1), chance(0)
    (28.1, 0.0)
    """
    if freedom < 1:
        return 0.0
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + 3.0902 * part**0.5) ** 3)
