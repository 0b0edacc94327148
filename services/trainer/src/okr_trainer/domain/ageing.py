"""Key results that fell silent: time goes on for them, too, so each is judged again once a day."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple

from okr_trainer.domain.drafting import Cause, draft
from okr_trainer.domain.drafts import Draft, aged_id
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.learner import Learner, Step


class Origin(NamedTuple):
    """The definition a key result is judged by: its revision, and the raw row that said it."""

    revision: int
    batch_id: int
    row_num: int


def silent(states: Iterable[KeyResultState], todays: Mapping[str, int]) -> list[str]:
    """Those without an answer of today, by id: open, judged, not yet due, of a source that has a today."""
    return sorted(one.key_result_id for one in states if _is_silent(one, todays.get(one.source)))


def _is_silent(state: KeyResultState, today: int | None) -> bool:
    if today is None or not state.open or state.unjudged is not None or today > state.due:
        return False
    return (state.aged is None or state.aged < today) and (state.answered is None or state.answered < today)


def age(learner: Learner, origins: Mapping[str, Origin], todays: Mapping[str, int]) -> Step:
    """Judges those of them that are still silent as of today; shown and published, never learned."""
    step = Step()
    for name in sorted(origins):
        state = learner.states.get(name)
        if state is not None and _is_silent(state, todays.get(state.source)):
            step.drafts.append(_aged(learner, state, origins[name], todays[state.source]))
            step.touched[name] = state
    if step.drafts:
        learner.predictor.answer(step.drafts, learner.cut_points)
    return step


def _aged(learner: Learner, state: KeyResultState, origin: Origin, today: int) -> Draft:
    day = date.fromordinal(today)
    state.predictions += 1
    state.answered, state.aged = state.day(today), today
    cause = Cause(
        kind="aged",
        knowledge_time=datetime(day.year, day.month, day.day, tzinfo=UTC),
        prediction_id=aged_id(learner.model, state.key_result_id, day),
        revision=origin.revision,
        batch_id=origin.batch_id,
        row_num=origin.row_num,
    )
    made = draft(cause, state, state.answered, learner.past)
    made.version, made.training = learner.predictor.version, learner.predictor.training
    made.shown = True
    return made
