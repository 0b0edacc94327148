"""What the final value will be, if things go on as they do, and how far off that was for those that have ended.

The interval is split-conformal (Papadopoulos and others, "Inductive confidence machines for regression", ECML 2002):
between the errors of which one in twenty was lower, and one in twenty higher. It needs no model of them, and holds nine
final values in ten as long as what comes errs as what came did.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, floor

from okr_trainer.domain.key_result_state import BETWEEN, MOVING, KeyResultState
from okr_trainer.domain.moments import ELAPSED
from okr_trainer.domain.numbers import bounded, finite

EARLIEST = 0.05
"""Before this share of the period is over, a pace says nothing yet."""
KEPT = 100
"""Of each direction and part of the period, so many of the newest errors."""
LEAST = 19
"""Of fewer nobody can tell one in twenty."""
TAIL = 0.05
FARTHEST = 10.0
"""Times the way, or the target: an error beyond is told as this."""
Interval = tuple[float, float]


def forecast(state: KeyResultState, on: int) -> float | None:
    """A level stays where it is; what goes somewhere goes on at its pace since the start, if it is known until when."""
    value = state.value
    if value is None or state.direction not in MOVING or not state.due_known:
        return value
    elapsed = state.elapsed(on)
    if elapsed >= 1.0:
        return value
    origin = 0.0 if state.baseline is None else state.baseline
    if state.baseline is None and state.direction == "decrease":
        return value
    return finite(origin + (value - origin) / max(elapsed, EARLIEST))


@dataclass(slots=True)
class Errors:
    """By how much more was reached than was forecast, relative to the way or the target, where key results ended.

    `newest`: those of a direction and a part of the period, in the order of the outcomes; a key result counts once.
    """

    newest: dict[str, list[float]] = field(default_factory=dict)
    _told: dict[str, Interval | None] = field(default_factory=dict)

    def see(self, state: KeyResultState, final: float, target: float, said: Iterable[tuple[float, float]]) -> None:
        """It ended at this value. `said`: when (the share of its period that was over) what was forecast, in order."""
        newest = {place: forecast for elapsed, forecast in said if (place := _place(state, elapsed))}
        for place, forecast in newest.items():
            error = bounded(state.sign * (final - forecast) / state.scale(target), -FARTHEST, FARTHEST)
            self.newest[place] = [*self.newest.get(place, ()), error][-KEPT:]
            self._told.pop(place, None)

    def interval(self, state: KeyResultState, elapsed: float, forecast: float | None) -> Interval | None:
        """Where the final value lies with 90 % certainty; None: nobody knows yet how far off such a forecast is."""
        place = _place(state, elapsed)
        if place is None or forecast is None or state.target is None:
            return None
        if place not in self._told:
            self._told[place] = _middle(self.newest.get(place, ()))
        told = self._told[place]
        if told is None:
            return None
        low, high = sorted(forecast + state.sign * state.scale(state.target) * error for error in told)
        return None if finite(low) is None or finite(high) is None else (low, high)

    @classmethod
    def of(cls, newest: Mapping[str, Iterable[float]]) -> "Errors":
        """Those that were kept."""
        return cls({place: list(errors) for place, errors in newest.items()})


def _place(state: KeyResultState, elapsed: float) -> str | None:
    """None: no time is known that could be over, or it has two marks, and no way to go."""
    if not state.due_known or state.direction == BETWEEN:
        return None
    return f"{state.direction}|{bisect_right(ELAPSED, elapsed)}"


def _middle(errors: Iterable[float]) -> Interval | None:
    """The middle nine in ten, and of few errors more of them.

    >>> _middle(range(18)), _middle(range(19)), _middle(range(100))
    (None, (0, 18), (4, 95))
    """
    known = sorted(errors)
    if len(known) < LEAST:
        return None
    low, high = floor(TAIL * (len(known) + 1)), ceil((1.0 - TAIL) * (len(known) + 1))
    return known[low - 1], known[high - 1]
