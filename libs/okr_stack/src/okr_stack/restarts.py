"""When a dead part is started again: arithmetic on the times of its deaths."""

from collections.abc import Sequence
from dataclasses import dataclass

WINDOW_SECONDS = 60.0
DEATHS_TO_GIVE_UP = 5
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0


@dataclass(frozen=True)
class Again:
    """Start it again after a pause."""

    after_seconds: float


@dataclass(frozen=True)
class GiveUp:
    """Leave it dead and say so loudly."""

    deaths: int


def after_death(deaths: Sequence[float], now: float) -> Again | GiveUp:
    """Decide from the times of all deaths that count.

    >>> after_death([100.0], 100.0)
    Again(after_seconds=0.25)
    >>> after_death([1.0, 2.0, 3.0, 4.0, 5.0], 5.0)
    GiveUp(deaths=5)
    >>> after_death([1.0, 2.0, 3.0, 4.0, 90.0], 90.0)
    Again(after_seconds=0.25)
    """
    recent = sum(1 for death in deaths if now - death < WINDOW_SECONDS)
    if recent >= DEATHS_TO_GIVE_UP:
        return GiveUp(recent)
    return Again(min(FIRST_PAUSE_SECONDS * 2 ** max(recent - 1, 0), LONGEST_PAUSE_SECONDS))
