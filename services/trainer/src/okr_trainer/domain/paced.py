"""The pace rule and a regression together: the rule's log-odds, times a weight that is learned, and what it leaves.

It begins as the pace rule, which is hard to beat while there are few outcomes; where the rule tells nothing, or less
and less, its weight goes to 0 and the regression is left.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from okr_trainer.domain.baselines import linear_pace
from okr_trainer.domain.features import Features
from okr_trainer.domain.newton import LEAST_CURVATURE, NewtonLogistic
from okr_trainer.domain.newton_view import NO_COLUMNS, NewtonView
from okr_trainer.domain.numbers import Column, bounded, logit, sigmoid
from okr_trainer.domain.scores import Scores

SUREST = 3.0
"""In log-odds: the rule says no more than this."""
PRIOR = 2.0
"""The inverse variance of the rule's weight before the first row."""
ASPECT = "gap"
"""What the rule tells of."""


class PacedNewton(base.Classifier):
    """`weight`: of the rule; 1 before the first row. `known`: the inverse variance of it."""

    def __init__(self) -> None:
        self.newton = NewtonLogistic()
        self.weight = 1.0
        self.known = PRIOR

    def learn_one(self, x: dict[Hashable, Any], y: bool | str | int, w: float = 1.0) -> None:  # noqa: FBT001
        """One step of both, from what they said together."""
        rule = rule_of(x)
        chance = sigmoid(self.raw(x))
        self.newton.learn_one(x, y, w=w, beside=self.weight * rule)
        curvature = max(chance * (1.0 - chance), LEAST_CURVATURE) * w
        self.known = max(PRIOR, self.known * self.newton.forgetting) + curvature * rule * rule
        self.weight -= (chance - bool(y)) * w * rule / self.known

    def loosen(self, kept: float) -> None:
        """What was learned counts `kept` times as much from now on."""
        self.newton.loosen(kept)
        self.known = max(PRIOR, self.known * kept)

    def predict_proba_one(self, x: dict[Hashable, Any], **_: Any) -> dict[bool | str | int, float]:  # noqa: ANN401
        """Of True and False."""
        chance = sigmoid(self.raw(x))
        return {False: 1.0 - chance, True: chance}

    def raw(self, x: Mapping[Any, Any]) -> float:
        """The log-odds."""
        return self.newton.raw(x) + self.weight * rule_of(x)

    def to_dict(self) -> dict[str, Any]:
        """Its state as plain values."""
        return {"newton": self.newton.to_dict(), "weight": self.weight, "known": self.known}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "PacedNewton":
        """The same again. Raises KeyError, TypeError or ValueError where that says no such state."""
        model = cls()
        model.newton = NewtonLogistic.from_dict(said["newton"])
        model.weight, model.known = float(said["weight"]), float(said["known"])
        return model


def rule_of(x: Mapping[Any, Any]) -> float:
    """What the pace rule says, in log-odds; 0 of a row that has none of its features.

    >>> rule_of({"size": 1.0}), rule_of({"no_value": 1.0})
    (0.0, 0.0)
    """
    return bounded(logit(linear_pace(dict(x))), -SUREST, SUREST) if "no_value" in x else 0.0


class PacedView:
    """Scoring with both: what the rule adds counts as told by the distance to the target."""

    def __init__(self, model: PacedNewton) -> None:
        self._newton, self._weight = NewtonView(model.newton), model.weight

    def score(self, xs: Sequence[Features], columns: Mapping[str, Column] = NO_COLUMNS) -> Scores:
        """Log-odds and contributions of these rows."""
        said = self._newton.score(xs, columns)
        rule = self._weight * np.array([rule_of(x) for x in xs])
        return Scores(said.raw + rule, said.aspects | {ASPECT: said.aspects.get(ASPECT, 0.0) + rule})
