"""What features are made of: plain numbers of a key result as it is judged on a day, before any formula.

They are read at once, while the state is what it was then; what is made of them is made for many at a time.
"""

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np

from okr_trainer.domain import tallies as keys
from okr_trainer.domain.key_result_state import BETWEEN, MOVING, KeyResultState
from okr_trainer.domain.moments import Moments, moments
from okr_trainer.domain.numbers import bounded
from okr_trainer.domain.past import Past


class Facts(NamedTuple):
    """Of one key result that can be judged. `numbers` has one for each of NUMBERS; NaN: not known."""

    numbers: tuple[float, ...]
    source: str
    direction: str
    metric_kind: str
    attributes: dict[str, float | str]
    confidence: float | None


NUMBERS = (
    *("left", "elapsed", "progress", "margin", "meets", "slope"),
    *("length", "age", "days_since", "check_ins", "target_changes", "due_changes"),
    *("predecessor", "predecessor_margin", "hit_rate", "series_odds", "owner_odds", "objective_odds"),
    *("owner_reach", "owner_lately", "owner_margin"),
    *("same_due", "open_in_source", "open_in_objective"),
)
"""Days, shares and counts as they are; those of the record as features tell them."""


def facts(state: KeyResultState, on: int, past: Past) -> Facts:
    """Of a key result that can be judged, on this day."""
    where = _where(state, on)
    own, objective = int(state.open), keys.objective_key(state)
    numbers = (
        *where,
        _meets(state),
        _slope(state),
        state.due - state.start,
        on - state.start,
        on - _day_before(state, on),
        state.check_ins,
        state.target_changes,
        state.due_changes,
        *past.series(state.series, state.kin),
        past.odds_of(keys.owner_key(state)),
        past.odds_of(objective),
        _reach(state, past),
        past.odds_lately(keys.lately_key(state)),
        _usual_margin(state, past),
        past.others(keys.due_key(state), own),
        past.others(keys.source_key(state), own),
        past.others(objective, own),
    )
    return Facts(numbers, state.source, state.direction, state.metric_kind, state.attributes, state.confidence)


def stood(several: Sequence[tuple[KeyResultState, int]]) -> list[Moments]:
    """Where key results that can be judged stand, each on its day."""
    return moments(*np.array([_where(state, on) for state, on in several]).reshape(-1, 4).T)


def _where(state: KeyResultState, on: int) -> tuple[float, float, float, float]:
    """Days left, share of the period over, share of the way done, margin; NaN: not known, or it goes nowhere."""
    left, elapsed = (state.due - on, state.elapsed(on)) if state.due_known else (nan, nan)
    value, target = state.value, state.target
    if value is None:
        return left, elapsed, nan, nan
    margin = 0.0 if target is None else relative_margin(state, value, target)
    return left, elapsed, 1.0 + margin if state.direction in MOVING else nan, margin


def _meets(state: KeyResultState) -> float:
    value, target = state.value, state.target
    return 1.0 if value is not None and target is not None and state.meets(value, target) else 0.0


def relative_margin(state: KeyResultState, value: float, target: float) -> float:
    """How far the value is past the target, in the key result's direction, relative to the way or to the target.

    Between two marks: how far it is from the nearer one, negative outside, relative to what lies between them.
    """
    return bounded(_past(state, value, target) / state.scale(target), -2.0, 2.0)


def _past(state: KeyResultState, value: float, target: float) -> float:
    if state.direction == BETWEEN and state.baseline is not None:
        return min(value - state.baseline, target - value)
    return state.sign * (value - target)


def _reach(state: KeyResultState, past: Past) -> float:
    """How far past the target what its owner usually reaches is, drawn to 0 as if one more had ended just there."""
    usual, target = past.reached_under(keys.reach_key(state)), state.target
    if usual is None or target is None:
        return 0.0
    value, faded = usual
    return relative_margin(state, value, target) * faded / (faded + 1.0)


def _usual_margin(state: KeyResultState, past: Past) -> float:
    """How far past their targets its owner's end, drawn to 0 in the same way."""
    margin, faded = past.reached_under(keys.owner_key(state)) or (0.0, 0.0)
    return margin * faded / (faded + 1.0)


def _slope(state: KeyResultState) -> float:
    target = state.target
    if target is None or not state.due_known or len(state.values) < 2:  # noqa: PLR2004 - a slope needs two
        return 0.0
    (first_day, first), (last_day, last) = state.values[0], state.values[-1]
    periods = (last_day - first_day) / max(1, state.due - state.start)
    if state.direction == BETWEEN:
        gained = _past(state, last, target) - _past(state, first, target)
    else:
        gained = state.sign * (last - first)
    return bounded(gained / state.scale(target) / periods, -2.0, 2.0)


def _day_before(state: KeyResultState, on: int) -> int:
    """The day of the check-in before the one of this day; else the start."""
    before = state.before if state.newest == on else state.newest
    return state.start if before is None else before
