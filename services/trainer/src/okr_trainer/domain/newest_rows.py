"""The newest rows that trees have learned: they say where the ranges of a new leaf lie, and are counted there first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from okr_trainer.domain.features import AT, RATE
from okr_trainer.domain.numbers import Column

KEPT = 400
MOST_NAMES = 128
"""Names beyond these are not learned: a leaf's work and room grow with them."""
MOST_WORDS = 20
"""Words of one feature beyond these are not told apart."""
STORED = np.dtype("<f8")


class Name(NamedTuple):
    """What a tree can ask of a row: a number, or whether a feature is this word."""

    feature: str
    word: str | None = None

    def of(self, x: Mapping[Any, Any]) -> float:
        """Its answer; 0 where the row does not say.

        >>> Name("size").of({"size": 2.0}), Name("size").of({}), Name("kind", "level").of({"kind": "level"})
        (2.0, 0.0, 1.0)
        """
        value = x.get(self.feature)
        if self.word is not None:
            return float(value == self.word)
        return 0.0 if value is None or isinstance(value, str) else float(value)


def answers_of(x: Mapping[Any, Any]) -> Callable[[Name], float]:
    """What a row that is not kept answers to a tree."""
    return lambda name: name.of(x)


@lru_cache(maxsize=1024)
def _askable(features: tuple[str, ...]) -> list[str]:
    """What stands once more for each stage is left out, since a tree asks for the stage itself."""
    return sorted(name for name in features if AT not in name or name.endswith(RATE))


@dataclass(slots=True)
class NewestRows:
    """`places`: the column of each name, in the order they came up. `at`: where the next row goes."""

    places: dict[Name, int] = field(default_factory=dict)
    table: Column = field(default_factory=lambda: np.zeros((0, 0)))
    ends: Column = field(default_factory=lambda: np.zeros(0))
    weights: Column = field(default_factory=lambda: np.zeros(0))
    at: int = 0

    def add(self, x: Mapping[Any, Any], achieved: bool, weight: float) -> Column:  # noqa: FBT001 - the label is a bool
        """One more, in place of the oldest where there are `KEPT`; returns it as it stands in the table."""
        answers = self._answers(x)
        row = np.zeros(len(self.places))
        row[list(answers)] = list(answers.values())
        if len(self.table) < KEPT:
            self.table, self.ends, self.weights = (
                np.concatenate([old, np.zeros((1, *old.shape[1:]))]) for old in (self.table, self.ends, self.weights)
            )
        self.table[self.at], self.ends[self.at], self.weights[self.at] = row, achieved, weight
        self.at = (self.at + 1) % KEPT
        return row

    def _answers(self, x: Mapping[Any, Any]) -> dict[int, float]:
        """What it says, by place; a name that comes up for the first time gets one."""
        answers = {}
        for feature in _askable(tuple(x)):
            value = x[feature]
            word = value if isinstance(value, str) else None
            place = self.places.get((feature, word))  # type: ignore[call-overload] # a Name is such a tuple
            place = self._place(Name(feature, word)) if place is None else place
            if place is not None:
                answers[place] = float(value or 0.0) if word is None else 1.0
        return answers

    def _place(self, name: Name) -> int | None:
        if len(self.places) >= MOST_NAMES or not self._tells(name):
            return None
        self.places[name] = len(self.places)
        self.table = np.pad(self.table, ((0, 0), (0, 1)))
        return self.places[name]

    def _tells(self, name: Name) -> bool:
        if name.word is None:
            return True
        return sum(other.feature == name.feature and other.word is not None for other in self.places) < MOST_WORDS

    @property
    def names(self) -> list[Name]:
        """In the order of their columns."""
        return list(self.places)

    def column(self, name: Name) -> Column:
        """What each row says to this."""
        column: Column = self.table[:, self.places[name]]
        return column

    def to_dict(self) -> dict[str, Any]:
        """Its state as plain values."""
        arrays = {name: getattr(self, name).astype(STORED).tobytes() for name in ("table", "ends", "weights")}
        return {"names": [list(name) for name in self.places], "at": self.at, **arrays}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "NewestRows":
        """The same again. Raises KeyError, TypeError or ValueError where that says no such state."""
        places = {
            Name(str(name), word if word is None else str(word)): at for at, (name, word) in enumerate(said["names"])
        }
        ends, weights = stored(said["ends"]), stored(said["weights"])
        rows = cls(places, stored(said["table"], len(ends), len(places)), ends, weights, int(said["at"]))
        if len(places) > MOST_NAMES or len(ends) > KEPT or len(weights) != len(ends) or not 0 <= rows.at < KEPT:
            raise ValueError("more rows or names than trees keep")
        return rows


def stored(content: bytes, *shape: int) -> Column:
    """Numbers that were kept as bytes. Raises ValueError where they have not this shape."""
    found = np.frombuffer(content, STORED)
    return found.reshape(shape or len(found)).copy()
