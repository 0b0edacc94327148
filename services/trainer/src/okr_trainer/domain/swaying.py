"""How much all key results of a time are off together: what no calibration of scores can know beforehand.

Outcomes of one time share their luck: a release slips, a year is good. After each `BLOCK` key results their summed
error is compared with what chance alone makes of it; what is beyond chance is the variance of a shift, in log-odds,
that all of a block have in common. It is the moment estimator of a random effect (DerSimonian, Laird,
"Meta-analysis in clinical trials", 1986), with fading, and drawn towards none while few blocks are known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

BLOCK = 25.0
"""Key results; fewer say little of a shift, more are of different times."""
KEPT = 0.98
"""What a block leaves of those before it: about the last 50 count."""
NONE_KNOWN = 50.0
"""As if two blocks that chance explains had been seen before the first."""


@dataclass(slots=True)
class Swaying:
    """`error`, `chance`, `weight`: of the block that is not full yet. `beyond`, `squares`: of those before it."""

    error: float = 0.0
    chance: float = 0.0
    weight: float = 0.0
    beyond: float = 0.0
    squares: float = NONE_KNOWN

    @property
    def variance(self) -> float:
        """Of the shift, in log-odds; 0 where chance explains all.

        >>> Swaying().variance
        0.0
        """
        return max(0.0, self.beyond / self.squares)

    def see(self, said: float, achieved: bool, weight: float) -> None:  # noqa: FBT001 - the label is a bool
        """One row's outcome, what was said of it, and how much the row counts: all of a key result as one."""
        self.error += weight * (achieved - said)
        self.chance += weight * said * (1.0 - said)
        self.weight += weight
        if self.weight >= BLOCK:
            self.beyond = KEPT * self.beyond + self.error**2 - self.chance
            self.squares = KEPT * self.squares + self.chance**2
            self.error = self.chance = self.weight = 0.0

    def to_list(self) -> list[float]:
        """Its state, in the order of its fields."""
        return [self.error, self.chance, self.weight, self.beyond, self.squares]

    @classmethod
    def from_list(cls, said: Sequence[float]) -> "Swaying":
        """The same again. Raises TypeError or ValueError where that is no such state."""
        error, chance, weight, beyond, squares = (float(one) for one in said)
        return cls(error, chance, weight, beyond, squares)
