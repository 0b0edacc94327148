"""Where a key result stands on a day, as small numbers: those that once stood alike tell how this one may end.

Three of them: by the days left; by how far it is on its way and through its time; by its distance to the target and how
far it is through its time. What is not known has a place of its own.
"""

from bisect import bisect_right
from typing import NamedTuple

LEFT = (1, 3, 7, 14, 30, 60, 120)
ELAPSED = (0.05, 0.25, 0.5, 0.75, 0.95)
WAY = (0.001, 0.25, 0.5, 0.75, 0.9, 1.0)
GAP = (-0.5, -0.1, -0.03, 0.0, 0.03, 0.1, 0.5)
_TIMES = len(ELAPSED) + 2
_WAYS = len(LEFT) + 2
_GAPS = _WAYS + (len(WAY) + 2) * _TIMES


class Moments(NamedTuple):
    """Places, each below 256."""

    left: int
    way: int
    gap: int


def moments(left: int | None, elapsed: float | None, progress: float | None, margin: float | None) -> Moments:
    """None: not known. `progress` is the share of the way done, `margin` what is past the target, relative to it.

    >>> moments(5, 0.8, 0.6, -0.2), moments(None, None, None, None)
    (Moments(left=2, way=34, gap=76), Moments(left=8, way=64, gap=127))
    """
    time = _place(ELAPSED, elapsed)
    return Moments(
        _place(LEFT, left),
        _WAYS + _place(WAY, progress) * _TIMES + time,
        _GAPS + _place(GAP, margin) * _TIMES + time,
    )


def _place(cuts: tuple[float, ...], value: float | None) -> int:
    return len(cuts) + 1 if value is None else bisect_right(cuts, value)
