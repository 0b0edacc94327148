"""A small online Platt map on the log-odds: p = sigmoid(slope x raw + shift), learned beside the model.

It moves slowly: a quick one costs more in ranking than it brings in calibration (measured).
"""

from dataclasses import dataclass

from okr_trainer.domain.numbers import bounded, sigmoid

RATE = 0.003
STEEPEST_RAW = 5.0
"""A raw score beyond this moves the slope no further."""
LEAST_SLOPE = 0.1


@dataclass(slots=True)
class Platt:
    """Begins as the identity."""

    slope: float = 1.0
    shift: float = 0.0

    def probability(self, raw: float) -> float:
        """The calibrated probability of a raw log-odds.

        >>> Platt().probability(0.0)
        0.5
        """
        return sigmoid(self.slope * raw + self.shift)

    def learn(self, raw: float, achieved: bool, weight: float) -> None:  # noqa: FBT001 - the label is a bool
        """One step towards the outcome, from the raw score that was stored with the prediction."""
        error = (self.probability(raw) - achieved) * RATE * weight
        self.slope = max(LEAST_SLOPE, self.slope - error * bounded(raw, -STEEPEST_RAW, STEEPEST_RAW))
        self.shift -= error
