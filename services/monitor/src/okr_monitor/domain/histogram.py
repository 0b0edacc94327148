"""Into which bin a value of a feature falls; the bins are cut once, from training."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Value = float | str
PARTS = 10
MOST_WORDS = 20
"""Rarer words than these share one bin."""


class Bins(Protocol):
    """What both kinds of bins can do."""

    @property
    def size(self) -> int:
        """How many bins there are."""

    def index(self, value: Value) -> int:
        """The bin of a value; every value has one."""

    def is_outside(self, value: Value) -> bool:
        """Whether training never saw the like."""


@dataclass(frozen=True, slots=True)
class NumberBins:
    """Below all that training saw, its tenths, above all.

    >>> bins = NumberBins(0.0, (1.0, 2.0))
    >>> [bins.index(value) for value in (-1.0, 0.0, 1.0, 1.5, 2.0, 3.0)]
    [0, 1, 1, 2, 2, 3]
    """

    low: float
    cuts: tuple[float, ...]

    @property
    def size(self) -> int:
        """The tenths and the two outside."""
        return len(self.cuts) + 2

    def index(self, value: Value) -> int:
        """Below, one of the tenths, or above; a word is above."""
        if isinstance(value, str):
            return self.size - 1
        return 0 if value < self.low else 1 + bisect_left(self.cuts, value)

    def is_outside(self, value: Value) -> bool:
        """Below the smallest, or above the largest."""
        return self.index(value) in (0, self.size - 1)


@dataclass(frozen=True, slots=True)
class WordBins:
    """Each common word, and one bin for all the others.

    >>> [WordBins(("up", "down")).index(word) for word in ("down", "sideways")]
    [1, 2]
    """

    words: tuple[str, ...]

    @property
    def size(self) -> int:
        """The words and the others."""
        return len(self.words) + 1

    def index(self, value: Value) -> int:
        """The word's own bin, or that of the others."""
        return self.words.index(str(value)) if str(value) in self.words else len(self.words)

    def is_outside(self, value: Value) -> bool:
        """Not one of the common words."""
        return self.index(value) == len(self.words)


def cut(values: Sequence[Value]) -> Bins | None:
    """Bins that hold about equally many of these values each; None of none. One word makes all of them words."""
    if not values:
        return None
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        common = Counter(str(value) for value in values).most_common(MOST_WORDS)
        return WordBins(tuple(sorted(word for word, _ in common)))
    ordered = sorted(numbers)
    ends = {ordered[max(0, len(ordered) * part // PARTS - 1)] for part in range(1, PARTS)}
    return NumberBins(ordered[0], tuple(sorted(ends | {ordered[-1]})))


def count(bins: Bins, values: Sequence[Value]) -> list[int]:
    """How many values fall into each bin."""
    found = [0] * bins.size
    for value in values:
        found[bins.index(value)] += 1
    return found
