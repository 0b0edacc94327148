"""Numbers that may come from anywhere, made fit for a model that one NaN would poison for ever."""

import math

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
"""A number per row; of weights, and of what was measured with them, a row per draw."""


def bounded(number: float, lowest: float, highest: float, default: float = 0.0) -> float:
    """The number within its bounds; a NaN becomes the default.

    >>> bounded(7.0, 0.0, 1.0), bounded(float("nan"), 0.0, 1.0, 0.5), bounded(float("-inf"), -2.0, 2.0)
    (1.0, 0.5, -2.0)
    """
    if number < lowest:
        return lowest
    if number > highest:
        return highest
    return number if number == number else default  # noqa: PLR0124 - only a NaN differs from itself


LOGS = tuple(math.log1p(count) for count in range(4096))
"""log1p of each count below their number; none is above 12."""


def log_of(count: int) -> float:
    """log1p of a count that is not negative, from a table while it is small: nearly all are.

    >>> log_of(0), log_of(5000) == math.log1p(5000)
    (0.0, True)
    """
    return LOGS[count] if count < len(LOGS) else math.log1p(count)


def finite(number: float | None) -> float | None:
    """The number as a float, or None where it is none: missing, NaN, infinite, or beyond what a float holds."""
    if number is None:
        return None
    try:
        number = float(number)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def sigmoid(logit: float) -> float:
    """The probability of a log-odds; never exactly 0 or 1."""
    return 1.0 / (1.0 + math.exp(-bounded(logit, -30.0, 30.0)))


def logit(probability: float) -> float:
    """The log-odds of a probability."""
    inside = bounded(probability, 1e-9, 1.0 - 1e-9, 0.5)
    return math.log(inside / (1.0 - inside))
