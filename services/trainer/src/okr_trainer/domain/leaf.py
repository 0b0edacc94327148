"""What a leaf of a tree counts to find its split: for each name it watches, how rows in each range of it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from okr_trainer.domain.newest_rows import MOST_NAMES, STORED, NewestRows, stored
from okr_trainer.domain.numbers import Column

BINS = 16
"""Ranges of a name, cut where as many of the newest rows lie in each."""
WARM = 50
"""Of fewer rows than these nobody can tell where the ranges lie."""
LEAST = 3.0
"""Outcomes on each side of a split."""
DOUBT = 0.01
"""The chance, by Hoeffding's bound, that another name would have told more."""
TIE = 0.2
"""In nats: where the bound is below this, two names tell about alike, and the better one is taken."""
TELLS = 12.0
"""Twice the gain in log-likelihood that a split must bring. Chance brings as much in one of many looks, and costs
little, since what a node says is drawn to its parent; to ask for more costs more while outcomes are few (measured)."""
AT_ONCE = 64
"""Rows that wait in a leaf at most."""
_LITTLE = 1e-12


class Split(NamedTuple):
    """Rows that have up to `cut` at this place go low. `low`, `high`: outcomes there so far, and those achieved."""

    at: int
    cut: float
    low: tuple[float, float]
    high: tuple[float, float]


@dataclass(slots=True)
class Watch:
    """`at`: where the rows have the names it watches; `cuts`: the ranges of each.

    `counts`: per end (missed, achieved), name and range the weight of rows there. `waiting`: rows to be counted still.
    """

    at: NDArray[np.int64]
    cuts: Column
    counts: NDArray[np.float64]
    waiting: list[tuple[Column, bool, float]] = field(default_factory=list)

    @classmethod
    def begin(cls, rows: NewestRows, reach: NDArray[np.bool_], places: Sequence[int]) -> "Watch":
        """Of a leaf that these rows reach, which are counted at once."""
        at = np.array(places, dtype=np.int64)
        usual = rows.table[reach] if reach.sum() >= WARM else rows.table
        cuts = np.quantile(usual[:, at], np.arange(1, BINS) / BINS, axis=0, method="lower").T.copy()
        watch = cls(at, cuts, np.zeros((2, len(at), BINS)))
        for row in np.flatnonzero(reach):
            watch.count(rows.table[row], bool(rows.ends[row]), float(rows.weights[row]))
        watch.settle()  # before other rows stand there
        return watch

    def count(self, row: Column, achieved: bool, weight: float) -> None:  # noqa: FBT001 - the label is a bool
        """One more row, as it stands in the table."""
        self.waiting.append((row, achieved, weight))
        if len(self.waiting) >= AT_ONCE:  # of a key result with many check-ins a row weighs little
            self.settle()

    def settle(self) -> None:
        """Counts those that wait, all at once, in their order."""
        if not self.waiting:
            return
        rows, ends, weights = zip(*self.waiting, strict=True)
        said = np.array([row[self.at] for row in rows])
        ranges = (said[:, :, None] > self.cuts).sum(axis=2)
        np.add.at(
            self.counts, (np.array(ends, int)[:, None], np.arange(len(self.at)), ranges), np.array(weights)[:, None]
        )
        self.waiting = []

    def loosen(self, kept: float) -> None:
        """What was counted counts `kept` times as much from now on."""
        self.settle()
        self.counts *= kept

    def best(self) -> Split | None:
        """The split that surely tells most; None: there is none yet."""
        self.settle()
        low = np.cumsum(self.counts, axis=2)[:, :, :-1]
        total = self.counts.sum(axis=2)[:, :, None]
        high, outcomes = total - low, float(self.counts[:, 0].sum())
        gain = _surprise(total) - _surprise(low) - _surprise(high)
        gain[np.minimum(low.sum(axis=0), high.sum(axis=0)) < LEAST] = 0.0
        each = gain.max(axis=1)
        first, *others = np.argsort(-each, kind="stable")
        if 2.0 * each[first] < TELLS or not _surely(each[first] - (each[others[0]] if others else 0.0), outcomes):
            return None
        cut = int(gain[first].argmax())
        sides = ((float(side[:, first, cut].sum()), float(side[1, first, cut])) for side in (low, high))
        return Split(int(self.at[first]), float(self.cuts[first, cut]), *sides)

    def to_dict(self) -> dict[str, Any]:
        """Its state as plain values."""
        self.settle()
        arrays = {"cuts": self.cuts, "counts": self.counts}
        return {"at": self.at.tolist(), **{name: one.astype(STORED).tobytes() for name, one in arrays.items()}}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Watch":
        """The same again. Raises KeyError, TypeError or ValueError where that says no such state."""
        at = np.array(said["at"], dtype=np.int64)
        if not (at.ndim == 1 and 0 < len(at) <= MOST_NAMES and at.min() >= 0 and at.max() < MOST_NAMES):
            raise ValueError("a leaf watches what trees do not keep, or nothing")
        cuts, counts = (said["cuts"], len(at), BINS - 1), (said["counts"], 2, len(at), BINS)
        return cls(at, stored(*cuts), stored(*counts))


def _surprise(ends: NDArray[np.float64]) -> Column:
    """In nats, of rows that ended so, missed or achieved, told by their share alone."""
    share = ends / np.maximum(ends.sum(axis=0), _LITTLE)
    found: Column = -(ends * np.log(np.maximum(share, _LITTLE))).sum(axis=0)
    return found


def _surely(lead: float, outcomes: float) -> bool:
    """Whether so much more gain than the second best is more than chance makes of so many outcomes."""
    bound = log(2.0) * sqrt(log(1.0 / DOUBT) / (2.0 * outcomes))
    return bound < TIE or lead / outcomes > bound
