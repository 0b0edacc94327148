"""Logistic regression that learns by Newton's method, one row at a time: River has none of the second order.

Each row moves the weights by what all rows before it leave uncertain, so few labels suffice, and one that says what is
known already moves little. Numbers are scaled to their mean and spread so far and cut at `CUT` spreads; words are
indicators, scaled alike. Forgetting lets it follow a base rate that drifts. The same recursion as an extended Kalman
filter's for a logistic observation (Fahrmeir, "Posterior mode estimation by extended Kalman filtering for multivariate
dynamic generalized linear models", JASA 87, 1992).
"""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import base

from okr_trainer.domain.numbers import sigmoid

Column = NDArray[np.float64]
CUT = 5.0
"""In spreads: what lies farther out counts as this far."""
MOST_NAMES = 256
"""Names beyond these are not learned: the work grows with their square."""
MOST_WORDS = 20
"""Of a feature with more words, as ids have, none says anything: each would be seen too rarely."""
LEAST_CURVATURE = 1e-3
INTERCEPT = ""
_LITTLE = 1e-6
_STORED = np.dtype("<f8")


class NewtonLogistic(base.Classifier):
    """`prior`: the inverse variance of each weight before the first row. `forgetting`: what a row leaves of the past.

    A row is a dict of floats and words.
    """

    def __init__(self, prior: float = 30.0, forgetting: float = 0.9999) -> None:
        self.prior = prior
        self.forgetting = forgetting
        self.places: dict[str, int] = {INTERCEPT: 0}
        self.words: dict[str, list[str]] = {}
        self.weights: Column = np.zeros(1)
        self.spread: Column = np.eye(1) / prior
        self.means: Column = np.zeros(1)
        self.squares: Column = np.ones(1)
        self.seen = 1.0

    def learn_one(
        self,
        x: dict[Hashable, Any],
        y: bool | str | int,  # noqa: FBT001
        w: float = 1.0,
        beside: float = 0.0,
    ) -> None:
        """One step; `w`: how much the row counts; `beside`: log-odds that another one adds to its own."""
        row = self._row(x, new=True)
        z = self._scaled(row)
        chance = sigmoid(float(z @ self.weights) + beside)
        curvature = max(chance * (1.0 - chance), LEAST_CURVATURE) * w
        self._forget()
        reach = self.spread @ z
        self.spread = self.spread - np.outer(reach, reach) * (curvature / (1.0 + curvature * float(z @ reach)))
        self.weights = self.weights - self.spread @ z * ((chance - bool(y)) * w)
        self._see(row, w)

    def _forget(self) -> None:
        """What is known fades, but nothing gets less certain than it was before the first row.

        Else the first word or number that comes after many rows without it would throw the weights about.
        """
        grown = self.spread / self.forgetting
        excess = np.maximum(np.diag(grown) * self.prior, 1.0)
        kept = 1.0 / np.sqrt(excess)
        self.spread = grown * np.outer(kept, kept)

    def loosen(self, kept: float) -> None:
        """What was learned counts `kept` times as much from now on: the next rows move the weights more."""
        forgetting, self.forgetting = self.forgetting, kept
        self._forget()
        self.forgetting = forgetting

    def predict_proba_one(self, x: dict[Hashable, Any], **_: Any) -> dict[bool | str | int, float]:  # noqa: ANN401
        """Of True and False."""
        chance = sigmoid(self.raw(x))
        return {False: 1.0 - chance, True: chance}

    def raw(self, x: Mapping[Any, Any]) -> float:
        """The log-odds."""
        return float(self._scaled(self._row(x, new=False)) @ self.weights)

    @property
    def spreads(self) -> Column:
        """The spread of what stands at each place."""
        spreads: Column = np.sqrt(self.squares / self.seen + _LITTLE)
        return spreads

    def _row(self, x: Mapping[Any, Any], *, new: bool) -> Column:
        found: list[tuple[int, float]] = [(0, 1.0)]
        for name, value in x.items():
            place = self._place_of(name, value, new=new)
            if place is not None:
                found.append((place, 1.0 if isinstance(value, str) else float(value)))
        row = np.zeros(len(self.weights))
        for place, value in found:
            row[place] = value
        return row

    def _place_of(self, name: str, value: float | str, *, new: bool) -> int | None:
        if isinstance(value, str):
            if not self._known_word(name, value, new=new):
                return None
            name = f"{name}={value}"
        place = self.places.get(name)
        if place is None and new and len(self.places) < MOST_NAMES:
            place = self.places[name] = len(self.places)
            self._grow()
        return place

    def _known_word(self, name: str, word: str, *, new: bool) -> bool:
        words = self.words.get(name, [])
        if new and word not in words and len(words) <= MOST_WORDS:
            words = self.words[name] = [*words, word]
            if len(words) > MOST_WORDS:
                self._silence(name, words)
        return len(words) <= MOST_WORDS

    def _silence(self, name: str, words: list[str]) -> None:
        for word in words:
            place = self.places.get(f"{name}={word}")
            if place is not None:
                self.weights[place] = 0.0
                self.spread[place, :] = self.spread[:, place] = 0.0

    def _grow(self) -> None:
        size = len(self.places)
        spread = np.zeros((size, size))
        spread[:-1, :-1] = self.spread
        spread[-1, -1] = 1.0 / self.prior
        self.spread = spread
        self.weights, self.means = np.append(self.weights, 0.0), np.append(self.means, 0.0)
        self.squares = np.append(self.squares, 1.0)  # as if it had been 0 in all rows before

    def _scaled(self, row: Column) -> Column:
        z: Column = np.clip((row - self.means) / self.spreads, -CUT, CUT)
        z[0] = 1.0
        return z

    def _see(self, row: Column, w: float) -> None:
        """Mean and spread, as West (1979) updates them with weights."""
        self.seen += w
        off = row - self.means
        self.means = self.means + off * (w / self.seen)
        self.squares = self.squares + w * off * (row - self.means)

    def to_dict(self) -> dict[str, Any]:
        """Its state as plain values."""
        arrays = {name: getattr(self, name) for name in ("weights", "spread", "means", "squares")}
        return {
            **{name: getattr(self, name) for name in ("prior", "forgetting", "places", "words", "seen")},
            **{name: column.astype(_STORED).tobytes() for name, column in arrays.items()},
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "NewtonLogistic":
        """The same again. Raises KeyError, TypeError or ValueError where that says no such state."""
        model = cls(float(said["prior"]), float(said["forgetting"]))
        model.places, model.words, model.seen = dict(said["places"]), dict(said["words"]), float(said["seen"])
        size = len(model.places)
        for name in ("weights", "means", "squares"):
            setattr(model, name, np.frombuffer(said[name], _STORED).reshape(size).copy())
        model.spread = np.frombuffer(said["spread"], _STORED).reshape(size, size).copy()
        return model
