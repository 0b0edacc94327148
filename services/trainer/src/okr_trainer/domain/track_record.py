"""How earlier key results ended: those of the same series in earlier periods, and all of the model's."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from okr_trainer.domain.inputs import Definition

_NUMBER = re.compile(r"\d+([.,]\d+)*")
SHRINKAGE = 3.0
"""A series' hit rate counts as if it had this many more outcomes at the base rate."""


class Series(NamedTuple):
    """What a key result continues. `kin`: of titles that differ in their numbers alone; empty where it has none."""

    name: str
    kin: str


def series_of(one: Definition) -> Series:
    """The same title, measured in the same way, in the same source; of its kin are "Sprint 12" and "Sprint 13"."""
    title = " ".join(one.title.casefold().split())
    alike = _NUMBER.sub("#", title)
    return Series(_named(one, title), "" if alike == title else _named(one, alike))


def _named(one: Definition, words: str) -> str:
    text = f"{one.version.source}|{one.metric_kind}|{one.direction}|{words}"
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


@dataclass(slots=True)
class TrackRecord:
    """Of one series: outcomes so far, and how the last one ended (`margin`: signed, relative to its target)."""

    outcomes: int = 0
    achieved: int = 0
    last: bool | None = None
    margin: float = 0.0

    def add(self, achieved: bool, margin: float) -> None:  # noqa: FBT001 - the outcome is a bool
        """One more outcome."""
        self.outcomes += 1
        self.achieved += achieved
        self.last, self.margin = achieved, margin

    def take_back(self, achieved: bool) -> None:  # noqa: FBT001
        """One outcome less. How the one before it ended is known again after the next training."""
        self.outcomes, self.achieved = _less(self.outcomes, self.achieved, achieved)
        if not self.outcomes:
            self.last, self.margin = None, 0.0

    def hit_rate(self, base_rate: float) -> float:
        """The share achieved, shrunk towards the base rate while there are few outcomes.

        >>> round(TrackRecord(outcomes=1, achieved=1).hit_rate(0.2), 2)
        0.4
        """
        return (self.achieved + SHRINKAGE * base_rate) / (self.outcomes + SHRINKAGE)


@dataclass(slots=True)
class Fading:
    """Outcomes of late: each fades by `kept` with every one that comes after it."""

    kept: float
    outcomes: float = 0.0
    achieved: float = 0.0

    def add(self, achieved: bool) -> None:  # noqa: FBT001
        """One more outcome."""
        self.outcomes = self.outcomes * self.kept + 1.0
        self.achieved = self.achieved * self.kept + achieved

    def take_back(self, achieved: bool) -> None:  # noqa: FBT001
        """One outcome less, as if it had been the last; what that leaves wrong fades."""
        self.outcomes = max(0.0, self.outcomes - 1.0)
        self.achieved = min(self.outcomes, max(0.0, self.achieved - achieved))

    def value(self, base_rate: float) -> float:
        """The share achieved, as if there were two more at the base rate.

        >>> Fading(0.98).value(0.2), Fading(0.98, 2.0, 2.0).value(0.0)
        (0.2, 0.5)
        """
        return (self.achieved + 2.0 * base_rate) / (self.outcomes + 2.0)


def _fading() -> tuple[Fading, Fading]:
    return Fading(0.98), Fading(0.998)


@dataclass(slots=True)
class BaseRate:
    """Of all outcomes the model knows; a half while it knows none. `lately`: of about the last 50, and the last 500."""

    outcomes: int = 0
    achieved: int = 0
    lately: tuple[Fading, Fading] = field(default_factory=_fading)

    def add(self, achieved: bool) -> None:  # noqa: FBT001
        """One more outcome."""
        self.outcomes += 1
        self.achieved += achieved
        for one in self.lately:
            one.add(achieved)

    def take_back(self, achieved: bool) -> None:  # noqa: FBT001
        """One outcome less."""
        self.outcomes, self.achieved = _less(self.outcomes, self.achieved, achieved)
        for one in self.lately:
            one.take_back(achieved)

    @property
    def recent(self) -> list[float]:
        """What it knows of the last ones, to be kept: outcomes, and of them achieved, of each."""
        return [number for one in self.lately for number in (one.outcomes, one.achieved)]

    @classmethod
    def of(cls, outcomes: int, achieved: int, recent: Sequence[float]) -> "BaseRate":
        """The one of which this was kept."""
        short, long = _fading()
        short.outcomes, short.achieved, long.outcomes, long.achieved = recent
        return cls(outcomes, achieved, (short, long))

    @property
    def value(self) -> float:
        """With one imagined outcome of each kind.

        >>> BaseRate().value
        0.5
        """
        return (self.achieved + 1) / (self.outcomes + 2)


def _less(outcomes: int, of_them: int, achieved: bool) -> tuple[int, int]:  # noqa: FBT001
    """What is taken back may be a later revision than what was counted; so neither leaves its bounds."""
    left = max(0, outcomes - 1)
    return left, min(left, max(0, of_them - achieved))


NO_RECORD = TrackRecord()
