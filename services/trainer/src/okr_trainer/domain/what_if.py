"""What if: the answer for a key result as it is today, or as if a check-in with other values came."""

from copy import copy
from datetime import datetime

from okr_trainer.domain.drafting import Cause, draft
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.inputs import CheckIn
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.track_record import NO_RECORD


def what_if(learner: Learner, known: KeyResultState, change: CheckIn | None, today: int, now: datetime) -> Draft:
    """A prediction that is made and kept nowhere; neither the state nor the model changes.

    It is as of `today`, an ordinal on the source's clock, or of the newest check-in where that is later.
    """
    state = copy(known)
    if change is not None:
        state.check_in(change)
    record = learner.records.get(state.series, NO_RECORD)
    made = draft(Cause("live", now), state, state.day(today), record, learner.base_rate.value)
    if made.x is not None:
        learner.predictor.answer([made], learner.cut_points)
    return made
