"""How earlier key results ended: those of the same series in earlier periods, and all of the model's."""

import hashlib
from dataclasses import dataclass

from okr_trainer.domain.inputs import Definition

SHRINKAGE = 3.0
"""A series' hit rate counts as if it had this many more outcomes at the base rate."""


def series_of(one: Definition) -> str:
    """The series a key result continues: the same title, measured in the same way, in the same source."""
    words = " ".join(one.title.casefold().split())
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
class BaseRate:
    """Of all outcomes the model knows; a half while it knows none."""

    outcomes: int = 0
    achieved: int = 0

    def add(self, achieved: bool) -> None:  # noqa: FBT001
        """One more outcome."""
        self.outcomes += 1
        self.achieved += achieved

    def take_back(self, achieved: bool) -> None:  # noqa: FBT001
        """One outcome less."""
        self.outcomes, self.achieved = _less(self.outcomes, self.achieved, achieved)

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
