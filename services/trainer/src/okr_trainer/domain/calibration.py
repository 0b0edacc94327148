"""A Platt map on the log-odds that is learned beside the model: p = sigmoid(slope x raw + shift).

Newton's steps, as in `newton`, in two dimensions: a model of few labels is too unsure of itself for long, which a slow
map would not make good before a year is over. It forgets, since base rates drift.
"""

from dataclasses import dataclass

from okr_trainer.domain.newton import LEAST_CURVATURE
from okr_trainer.domain.numbers import bounded, sigmoid

PRIOR = 5.0
"""The inverse variance of slope and shift before the first label."""
FORGETTING = 0.9995
"""What a key result's outcome leaves of the past."""
STEEPEST_RAW = 8.0
"""A raw score beyond this counts as this."""
LEAST_SLOPE, MOST_SLOPE = 0.2, 5.0


@dataclass(slots=True)
class Platt:
    """Begins as the identity. `slopes`, `both` and `shifts`: the covariance of slope and shift."""

    slope: float = 1.0
    shift: float = 0.0
    slopes: float = 1.0 / PRIOR
    both: float = 0.0
    shifts: float = 1.0 / PRIOR

    def probability(self, raw: float) -> float:
        """The calibrated probability of a raw log-odds.

        >>> Platt().probability(0.0)
        0.5
        """
        return sigmoid(self.slope * bounded(raw, -STEEPEST_RAW, STEEPEST_RAW) + self.shift)

    def learn(self, raw: float, achieved: bool, weight: float) -> None:  # noqa: FBT001 - the label is a bool
        """One step towards the outcome, from the raw score that was stored with the prediction."""
        raw = bounded(raw, -STEEPEST_RAW, STEEPEST_RAW)
        chance = self.probability(raw)
        self._forget(FORGETTING**weight)
        self._narrow(raw, max(chance * (1.0 - chance), LEAST_CURVATURE) * weight)
        step = (chance - achieved) * weight
        self.slope = bounded(self.slope - (self.slopes * raw + self.both) * step, LEAST_SLOPE, MOST_SLOPE)
        self.shift -= (self.both * raw + self.shifts) * step

    def _forget(self, kept: float) -> None:
        """Nothing gets less certain than it was before the first label."""
        slopes, shifts = (max(1.0, one * PRIOR / kept) ** -0.5 for one in (self.slopes, self.shifts))
        self.slopes, self.shifts = self.slopes / kept * slopes**2, self.shifts / kept * shifts**2
        self.both = self.both / kept * slopes * shifts

    def _narrow(self, raw: float, curvature: float) -> None:
        """The covariance once a row of this curvature is known."""
        to_slope, to_shift = self.slopes * raw + self.both, self.both * raw + self.shifts
        share = curvature / (1.0 + curvature * (to_slope * raw + to_shift))
        self.slopes -= to_slope * to_slope * share
        self.both -= to_slope * to_shift * share
        self.shifts -= to_shift * to_shift * share

    def to_list(self) -> list[float]:
        """Its state, in the order of its fields."""
        return [self.slope, self.shift, self.slopes, self.both, self.shifts]
