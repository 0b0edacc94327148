"""A beta map learned beside the model: sigmoid(slope x log-odds + bend x log(4 p (1 - p)) + shift) of its p.

A model may be right about what will be missed and too sure of what will be reached, which one slope for both, a Platt
map, cannot mend. `bend` can: far below one half the slope is slope + bend, far above it slope - bend; with bend = 0 it
is a Platt map. (Kull, Silva Filho, Flach, "Beta calibration", AISTATS 2017; its a and b are these two slopes.)

At p = 0.5 the bend does nothing. A model of few labels says little else, so they leave a Platt map, and only what is
surer, which takes many labels, bends it. Learned apart, each of the two slopes would be one more shift near one half.

Newton's steps, as in `newton`, in three dimensions: a model of few labels is too unsure of itself for long, which a
slow map would not make good before a year is over. It forgets, since base rates drift.

The same covariance says how well the map is known where a probability lies; with how much all key results of a time are
off together (`swaying`) that is how far off the probability may be: its interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, log, log1p
from typing import Any

import numpy as np

from okr_trainer.domain.newton import LEAST_CURVATURE
from okr_trainer.domain.numbers import bounded, sigmoid
from okr_trainer.domain.swaying import Swaying

PRIORS = (5.0, 2.0, 5.0)
"""The inverse variances of slope, bend and shift before the first label."""
FORGETTING = 0.9995
"""What a key result's outcome leaves of the past."""
STEEPEST_RAW = 8.0
"""A raw score beyond this counts as this."""
LEAST_SLOPE, MOST_SLOPE = 0.2, 5.0
"""The least is that of each side."""
SURE = 1.6448536269514722
"""Standard deviations on each side that hold the middle 90 %."""
Shape = tuple[float, float, float]
"""Of a raw score: itself, log(4 p (1 - p)), 1."""


def _unlearned() -> list[list[float]]:
    return [[1.0 / prior if at == place else 0.0 for at in range(len(PRIORS))] for place, prior in enumerate(PRIORS)]


@dataclass(slots=True)
class BetaMap:
    """Begins as the identity. `spread`: the covariance of `slope`, `bend` and `shift`."""

    slope: float = 1.0
    bend: float = 0.0
    shift: float = 0.0
    spread: list[list[float]] = field(default_factory=_unlearned)
    swaying: Swaying = field(default_factory=Swaying)

    def probability(self, raw: float) -> float:
        """The calibrated probability of a raw log-odds.

        >>> BetaMap().probability(0.0)
        0.5
        """
        return sigmoid(_product((self.slope, self.bend, self.shift), _shape(raw)))

    def interval(self, raw: float) -> tuple[float, float]:
        """Where the calibrated probability of this raw log-odds lies with 90 % certainty, by the outcomes learned.

        >>> low, high = BetaMap().interval(0.0)
        >>> round(low, 2), round(high, 2)
        (0.32, 0.68)
        """
        ((_, interval),) = self.told([raw])
        return interval

    def told(self, raws: Sequence[float]) -> list[tuple[float, tuple[float, float]]]:
        """Of each of these log-odds probability and interval."""
        shape = np.array([_shape(raw) for raw in raws]).T
        middle = _product((self.slope, self.bend, self.shift), shape)
        reach = _product([_product(row, shape) for row in self.spread], shape)
        width = SURE * np.sqrt(np.maximum(reach + self.swaying.variance, 0.0))
        columns = ([sigmoid(one) for one in column.tolist()] for column in (middle, middle - width, middle + width))
        return [(probability, (low, high)) for probability, low, high in zip(*columns, strict=True)]

    def steepness(self, raw: float) -> float:
        """By how much the published log-odds grow with the raw one here.

        >>> BetaMap().steepness(3.0), BetaMap(slope=1.5, bend=0.5).steepness(0.0)
        (1.0, 1.5)
        """
        return self.slope + self.bend * (1.0 - 2.0 * sigmoid(bounded(raw, -STEEPEST_RAW, STEEPEST_RAW)))

    def learn(self, raw: float, achieved: bool, weight: float) -> None:  # noqa: FBT001 - the label is a bool
        """One step towards the outcome, from the raw score that was stored with the prediction."""
        shape, chance = _shape(raw), self.probability(raw)
        self.swaying.see(chance, achieved, weight)
        self._forget(FORGETTING**weight)
        self._narrow(shape, max(chance * (1.0 - chance), LEAST_CURVATURE) * weight)
        step = (chance - achieved) * weight
        slope, bend, shift = (_product(row, shape) * step for row in self.spread)
        self.slope = bounded(self.slope - slope, LEAST_SLOPE, MOST_SLOPE)
        self.bend = bounded(self.bend - bend, LEAST_SLOPE - self.slope, self.slope - LEAST_SLOPE)
        self.shift -= shift

    def loosen(self, kept: float) -> None:
        """What was learned counts `kept` times as much from now on."""
        self._forget(kept)

    def _forget(self, kept: float) -> None:
        """Neither slope, bend nor shift gets less certain than it was before the first label."""
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
        spread = [one for row in self.spread for one in row]
        return [self.slope, self.bend, self.shift, *spread, *self.swaying.to_list()]

    @classmethod
    def from_list(cls, said: Sequence[float]) -> "BetaMap":
        """The same again. Raises ValueError where that is no such state."""
        size, numbers = len(PRIORS), len(BetaMap().to_list())
        if len(said) != numbers:
            raise ValueError(f"a calibration has {numbers} numbers, this has {len(said)}")
        (slope, bend, shift), flat = (float(one) for one in said[:size]), [float(one) for one in said[size:]]
        spread = [flat[at : at + size] for at in range(0, size * size, size)]
        return cls(slope, bend, shift, spread, Swaying.from_list(flat[size * size :]))


def _shape(raw: float) -> Shape:
    raw = bounded(raw, -STEEPEST_RAW, STEEPEST_RAW)
    return raw, log(4.0) - abs(raw) - 2.0 * log1p(exp(-abs(raw))), 1.0


def _product(row: Sequence[Any], shape: Any) -> Any:  # noqa: ANN401 - numbers or columns of them
    return row[0] * shape[0] + row[1] * shape[1] + row[2] * shape[2]
