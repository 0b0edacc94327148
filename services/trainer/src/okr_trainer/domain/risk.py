"""Risk bands: where a probability asks for somebody's attention.

Unless they are configured, each version has cut points of its own, by which a fixed share of predictions is an alert:
whoever looks after goals can look at so many, and the likeliest misses are among them, however often a source misses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Risk = Literal["low", "medium", "high"]
HIGH_RATE, MEDIUM_RATE = 0.1, 0.3
"""The share of predictions that is at most high, and, of those above `LEAST_MEDIUM`, at most high or medium."""
LEAST_MEDIUM = 0.5
"""What is more likely missed than reached is never low risk, also where that is true of most."""
LEAST_KEY_RESULTS = 100
"""Fewer that ended tell no tenth: ten of them would be it."""


@dataclass(frozen=True, slots=True)
class CutPoints:
    """Probabilities below `high` are high risk, below `medium` medium, the rest low."""

    high: float = 0.3
    medium: float = 0.6

    def band(self, probability: float) -> Risk:
        """The band of a probability of being achieved.

        >>> [CutPoints().band(p) for p in (0.1, 0.3, 0.59, 0.6)]
        ['high', 'medium', 'medium', 'low']
        """
        if probability < self.high:
            return "high"
        return "medium" if probability < self.medium else "low"


def chosen(probabilities: Sequence[float], key_results: int) -> CutPoints | None:
    """By what was said, before they ended, of so many key results; None where they are too few.

    >>> chosen([n / 1000 for n in range(1000)], 100), chosen([0.5] * 1000, 99)
    (CutPoints(high=0.1, medium=0.5), None)
    """
    if key_results < LEAST_KEY_RESULTS:
        return None
    ordered = sorted(probabilities)
    high, medium = (ordered[int(rate * len(ordered))] for rate in (HIGH_RATE, MEDIUM_RATE))
    return CutPoints(high, max(medium, LEAST_MEDIUM))
