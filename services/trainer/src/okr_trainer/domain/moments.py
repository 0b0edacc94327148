"""Where a key result stands on a day, as small numbers: those that once stood alike tell how this one may end.

Three of them: by the days left; by how far it is on its way and through its time; by its distance to the target and how
far it is through its time. What is not known has a place of its own.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from okr_trainer.domain.numbers import Column

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


def moments(left: Column, elapsed: Column, progress: Column, margin: Column) -> list[Moments]:
    """Of each row; NaN: not known. `progress` is the share of the way done, `margin` what is past the target.

    >>> moments(*np.array([[5.0, np.nan], [0.8, np.nan], [0.6, np.nan], [-0.2, np.nan]]))
    [Moments(left=2, way=34, gap=76), Moments(left=8, way=64, gap=127)]
    """
    time = _places(ELAPSED, elapsed)
    places = (
        _places(LEFT, left),
        _WAYS + _places(WAY, progress) * _TIMES + time,
        _GAPS + _places(GAP, margin) * _TIMES + time,
    )
    return [Moments(*row) for row in zip(*(column.tolist() for column in places), strict=True)]


def _places(cuts: tuple[float, ...], values: Column) -> NDArray[np.int64]:
    """How many cuts lie below or at each value; what is not known is placed behind all of them."""
    return np.searchsorted(cuts, values, side="right") + np.isnan(values)
