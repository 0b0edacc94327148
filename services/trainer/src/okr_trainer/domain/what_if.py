"""What if: the answer for a key result as it is today, or as if other things were known of it."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime

from okr_trainer.domain.drafting import Begun, Cause, begin, complete
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.facts import stood
from okr_trainer.domain.inputs import CheckIn, Place, Version
from okr_trainer.domain.key_result_state import KeyResultState, clean_attributes
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.past import Past, asked_of
from okr_trainer.domain.tallies import moved, stands


@dataclass(frozen=True, slots=True)
class Change:
    """What would be known. Days are ordinals; None: as it is.

    With a `value` a check-in comes, on the day `as_of` (by default today); without one it is just asked as of that day.
    An attribute that is None is taken away.
    """

    value: float | None = None
    target: float | None = None
    confidence: float | None = None
    as_of: int | None = None
    due: int | None = None
    attributes: Mapping[str, str | float | None] = field(default_factory=dict)


NO_CHANGE = Change()


@dataclass(frozen=True, slots=True)
class Supposed:
    """A key result as it is known, as it would be, and the day it is judged on."""

    known: KeyResultState
    state: KeyResultState
    on: int


def keys_of(several: Sequence[Supposed]) -> set[str]:
    """Of the tallies that their judgement rests on; of what nobody can judge there are none."""
    judged = [one for one in several if not one.state.unjudged]
    places = stood([(one.state, one.on) for one in judged])
    return {key for one, at in zip(judged, places, strict=True) for key in asked_of(one.state, at)}


def suppose(known: KeyResultState, change: Change, today: int, now: datetime) -> Supposed:
    """With the change, as of `today` (an ordinal on the source's clock), or of a newest check-in that is later."""
    state = copy(known)
    _redefine(state, change)
    on = state.day(today) if change.as_of is None else change.as_of
    if change.value is not None:
        state.check_in(_check_in(state, change, on, now))
    elif change.target is not None:
        state.retarget(change.target)
    if change.confidence is not None:
        state.confidence = change.confidence
    return Supposed(known, state, on)


def answered(learner: Learner, several: Sequence[Supposed], now: datetime) -> list[Draft]:
    """A draft of each that is kept nowhere, answered where it can be judged; neither state nor model changes."""
    past = learner.past
    begun = [_begin(one, past, now) for one in several]
    judged = [one for one in begun if one.facts is not None]
    if judged:
        columns = complete(judged, past)
        learner.predictor.answer([one.draft for one in judged], learner.cut_points, columns)
    return [one.draft for one in begun]


def _begin(supposed: Supposed, past: Past, now: datetime) -> Begun:
    """As if it were open where it would be, and no longer where it is: that moves no outcome, only what is open."""
    moved_there = moved(past.tallies, stands(supposed.known), stands(supposed.state))
    seen = past if moved_there is past.tallies else replace(past, tallies=moved_there)
    return begin(Cause("live", now), supposed.state, supposed.on, seen)


def _redefine(state: KeyResultState, change: Change) -> None:
    if change.due is not None and (change.due != state.due or not state.due_known):
        state.due_changes += state.due_known
        state.due, state.due_known = change.due, True
    if change.attributes:
        kept = {name: value for name, value in state.attributes.items() if name not in change.attributes}
        state.attributes = kept | clean_attributes(dict(change.attributes))


def _check_in(state: KeyResultState, change: Change, on: int, now: datetime) -> CheckIn:
    return CheckIn(
        Version(state.source, Place(0, 0, 0), state.key_result_id, 0, now, 0, 0, state.name),
        key_result_id=state.key_result_id,
        as_of=on,
        value=change.value,
        target=state.target if change.target is None else change.target,
        confidence=state.confidence,
    )
