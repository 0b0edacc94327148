"""Whether outcomes have begun to come otherwise than a model says: Page and Hinkley's test, three times.

Two tests watch whether more, or fewer, are achieved than it said: a base rate that changed. The third watches what
outcomes cost it beyond what it expects itself, the entropy of its probability: a feature that tells something else now.
All three are zero on average where the probabilities are right, whatever the base rate, and however hard the key
results are; none spreads more than a coin does. All rows of a key result together are one observation, as in learning.

The arithmetic is that of River's `drift.PageHinkley` in its mode "up" (a test compares the two); River's own cannot be
in a checkpoint, since it holds a method of itself, which no exact list of names could let through.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log, sqrt
from typing import Any, Literal

from okr_trainer.domain.numbers import bounded

Kind = Literal["more_achieved", "fewer_achieved", "errors_grew"]
LEAST_OUTCOMES = 50
"""Before so many nothing is said: the first outcomes surprise everybody."""
TOLERANCE = 0.1
"""By how much outcomes may differ from the mean so far: as a share achieved, or in nats of log loss (at most)."""
LIMIT = 12.0
"""So much beyond that in all, since the best moment, is a drift; more where those of one time depend on each other."""
TOGETHER = 5.0
"""How much more errors spread for each unit of the variance that key results of one time have in common (`swaying`)."""
SLOWNESS = 200.0
"""That variance counts as it was about so many outcomes ago: a drift makes it grow, too, and must not hide itself."""
REST = 250
"""After a drift so many outcomes are none: the model is on its way to them."""
FADING = 0.9999
"""What an outcome leaves of the sum."""
MOST_COST = 3.0
"""A surprise counts as no more than this: a few absurd outcomes are no drift."""
WHOLE = 1.0 - 1e-9


@dataclass(slots=True)
class Rising:
    """Whether the mean of what it sees has risen. `n`: values since the beginning, or since it last had."""

    n: int = 0
    mean: float = 0.0
    above: float = 0.0
    least: float = float("inf")

    def see(self, value: float, limit: float) -> bool:
        """One value; whether it has risen by more than the limit."""
        self.n += 1
        self.mean += (value - self.mean) / self.n
        self.above = FADING * self.above + value - self.mean - TOLERANCE
        self.least = min(self.least, self.above)
        return self.n >= LEAST_OUTCOMES and self.above - self.least > limit


def _surprise(said: float, achieved: bool) -> float:  # noqa: FBT001 - the label is a bool
    """By how much an outcome costs more than expected, in nats; less where that spreads more than a coin."""
    loss = -log(said if achieved else 1.0 - said)
    expected = -said * log(said) - (1.0 - said) * log(1.0 - said)
    spread = sqrt(said * (1.0 - said)) * abs(log(said / (1.0 - said)))
    return min((loss - expected) / max(1.0, 2.0 * spread), MOST_COST)


def _tests() -> dict[Kind, Rising]:
    return {"more_achieved": Rising(), "fewer_achieved": Rising(), "errors_grew": Rising()}


@dataclass(slots=True)
class Drift:
    """`found`: how often there was one; `last`: which it was; `since`: outcomes since then, or since the first.

    `more`, `cost` and `weight` add up the rows of the outcome that is being learned. `usual`: how much those of a time
    were off together before.
    """

    found: int = 0
    last: Kind | None = None
    since: int = 0
    tests: dict[Kind, Rising] = field(default_factory=_tests)
    more: float = 0.0
    cost: float = 0.0
    weight: float = 0.0
    usual: float = 0.0

    def see(self, chance: float, achieved: bool, weight: float, together: float = 0.0) -> Kind | None:  # noqa: FBT001
        """One row of an outcome, what was said of it, and its share of the outcome; which drift that tells of.

        `together`: the variance of what all outcomes of a time are off together anyway; that is no drift.
        """
        said = bounded(chance, 1e-9, 1.0 - 1e-9, 0.5)
        self.more += weight * (achieved - said)
        self.cost += weight * _surprise(said, achieved)
        self.weight += weight
        return self._observe(together) if self.weight >= WHOLE else None

    @property
    def _limit(self) -> float:
        return LIMIT * (1.0 + TOGETHER * self.usual)

    def _observe(self, together: float) -> Kind | None:
        more, cost = self.more / self.weight, self.cost / self.weight
        self.more = self.cost = self.weight = 0.0
        self.since += 1
        self.usual += (together - self.usual) / SLOWNESS
        seen: dict[Kind, float] = {"more_achieved": more, "fewer_achieved": -more, "errors_grew": cost}
        if self.found and self.since <= REST:
            return None
        risen = [kind for kind, value in seen.items() if self.tests[kind].see(value, self._limit)]
        if not risen:
            return None
        self.found, self.last, self.since, self.tests = self.found + 1, risen[0], 0, _tests()
        return self.last

    @property
    def told(self) -> dict[str, int | str | None]:
        """For reports: how many, of which kind the last one, and how many outcomes came since.

        >>> Drift().told
        {'found': 0, 'last': None, 'outcomes_since': 0}
        """
        return {"found": self.found, "last": self.last, "outcomes_since": self.since}

    def to_dict(self) -> dict[str, Any]:
        """Its state as plain values."""
        tests = {kind: [one.n, one.mean, one.above, one.least] for kind, one in self.tests.items()}
        sums = [self.more, self.cost, self.weight, self.usual]
        return {"found": self.found, "last": self.last, "since": self.since, "tests": tests, "sums": sums}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Drift":
        """The same again. Raises KeyError, TypeError or ValueError where that is no such state."""
        tests = {kind: Rising(*said["tests"][kind]) for kind in _tests()}
        return cls(said["found"], said["last"], said["since"], tests, *said["sums"])
