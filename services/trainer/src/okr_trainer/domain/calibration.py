"""A beta map learned beside the model: of what that says, p, sigmoid(low x log p - high x log(1 - p) + shift).

`low` is its slope where the model says little, `high` where it says much: a model may be right about what will be
missed and too sure of what will be reached, which one slope for both, a Platt map, cannot mend; with low = high it is
one. (Kull, Silva Filho, Flach, "Beta calibration", AISTATS 2017.)

Newton's steps, as in `newton`, in three dimensions: a model of few labels is too unsure of itself for long, which a
slow map would not make good before a year is over. It forgets, since base rates drift.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, log1p

from okr_trainer.domain.newton import LEAST_CURVATURE
from okr_trainer.domain.numbers import bounded, sigmoid

PRIORS = (2.0, 2.0, 5.0)
"""The inverse variances of low, high and shift before the first label."""
FORGETTING = 0.9995
"""What a key result's outcome leaves of the past."""
STEEPEST_RAW = 8.0
"""A raw score beyond this counts as this."""
LEAST_SLOPE, MOST_SLOPE = 0.2, 5.0
Shape = tuple[float, float, float]
"""Of a raw score: log p, -log(1 - p), 1."""


def _unlearned() -> list[list[float]]:
    return [[1.0 / prior if at == place else 0.0 for at in range(len(PRIORS))] for place, prior in enumerate(PRIORS)]


@dataclass(slots=True)
class BetaMap:
    """Begins as the identity. `spread`: the covariance of `low`, `high` and `shift`."""

    low: float = 1.0
    high: float = 1.0
    shift: float = 0.0
    spread: list[list[float]] = field(default_factory=_unlearned)

    def probability(self, raw: float) -> float:
        """The calibrated probability of a raw log-odds.

        >>> BetaMap().probability(0.0)
        0.5
        """
        below, above, one = _shape(raw)
        return sigmoid(self.low * below + self.high * above + self.shift * one)

    def slope(self, raw: float) -> float:
        """By how much the published log-odds grow with the raw one here.

        >>> BetaMap().slope(3.0), BetaMap(low=2.0, high=1.0).slope(0.0)
        (1.0, 1.5)
        """
        chance = sigmoid(bounded(raw, -STEEPEST_RAW, STEEPEST_RAW))
        return self.low * (1.0 - chance) + self.high * chance

    def learn(self, raw: float, achieved: bool, weight: float) -> None:  # noqa: FBT001 - the label is a bool
        """One step towards the outcome, from the raw score that was stored with the prediction."""
        shape, chance = _shape(raw), self.probability(raw)
        self._forget(FORGETTING**weight)
        self._narrow(shape, max(chance * (1.0 - chance), LEAST_CURVATURE) * weight)
        step = (chance - achieved) * weight
        low, high, shift = (_product(row, shape) * step for row in self.spread)
        self.low = bounded(self.low - low, LEAST_SLOPE, MOST_SLOPE)
        self.high = bounded(self.high - high, LEAST_SLOPE, MOST_SLOPE)
        self.shift -= shift

    def _forget(self, kept: float) -> None:
        """Nothing gets less certain than it was before the first label."""
        excess = [max(1.0, self.spread[at][at] * prior / kept) ** -0.5 for at, prior in enumerate(PRIORS)]
        self.spread = [
            [one / kept * here * there for one, there in zip(row, excess, strict=True)]
            for row, here in zip(self.spread, excess, strict=True)
        ]

    def _narrow(self, shape: Shape, curvature: float) -> None:
        """The covariance once a row of this curvature is known."""
        reach = [_product(row, shape) for row in self.spread]
        share = curvature / (1.0 + curvature * _product(reach, shape))
        self.spread = [
            [one - here * there * share for one, there in zip(row, reach, strict=True)]
            for row, here in zip(self.spread, reach, strict=True)
        ]

    def to_list(self) -> list[float]:
        """Its state, in the order of its fields, the covariance row by row."""
        return [self.low, self.high, self.shift, *(one for row in self.spread for one in row)]

    @classmethod
    def from_list(cls, said: Sequence[float]) -> "BetaMap":
        """The same again. Raises ValueError where that is no such state."""
        low, high, shift, *flat = (float(one) for one in said)
        size = len(PRIORS)
        if len(flat) != size * size:
            raise ValueError(f"a calibration has {size + size * size} numbers, this has {len(said)}")
        return cls(low, high, shift, [flat[at : at + size] for at in range(0, size * size, size)])


def _shape(raw: float) -> Shape:
    raw = bounded(raw, -STEEPEST_RAW, STEEPEST_RAW)
    above = log1p(exp(-abs(raw))) + max(raw, 0.0)
    return raw - above, above, 1.0


def _product(row: Sequence[float], shape: Sequence[float]) -> float:
    return row[0] * shape[0] + row[1] * shape[1] + row[2] * shape[2]
