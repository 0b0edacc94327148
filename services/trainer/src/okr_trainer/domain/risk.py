"""Risk bands: where a probability asks for somebody's attention."""

from dataclasses import dataclass
from typing import Literal

Risk = Literal["low", "medium", "high"]


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
