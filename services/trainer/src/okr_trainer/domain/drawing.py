"""Draws that depend on nothing but what they are for: no state to keep, and who learns again draws the same."""

from hashlib import blake2b
from math import exp


def drawn(*what: object) -> float:
    """A number from 0 up to, not including, 1, the same for the same `what`, whatever process asks.

    >>> drawn("tree", 1) == drawn("tree", 1), drawn("tree", 1) == drawn("tree", 2)
    (True, False)
    """
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=7).digest()) / 256.0**7


def poisson(mean: float, *what: object) -> int:
    """How often something happens that happens so often on average.

    >>> 5.8 < sum(poisson(6.0, number) for number in range(1000)) / 1000 < 6.2
    True
    """
    chance = exp(-mean)
    left, times = drawn(*what) - chance, 0
    while left >= 0.0 and chance > 0.0:
        times += 1
        chance *= mean / times
        left -= chance
    return times
