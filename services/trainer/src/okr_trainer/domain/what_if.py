"""What if: the answer for a key result as it is, or as if a check-in with other values came."""

from copy import copy
from datetime import datetime

from okr_trainer.domain.baselines import baselines
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.features import features
from okr_trainer.domain.forecast import forecast
from okr_trainer.domain.inputs import CheckIn
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.reasons import WHY_NOT
from okr_trainer.domain.track_record import NO_RECORD


def what_if(learner: Learner, known: KeyResultState, change: CheckIn | None, now: datetime) -> Draft:
    """A prediction that is made and kept nowhere; neither the state nor the model changes."""
    state = copy(known)
    if change is not None:
        state.check_in(change)
    on = state.newest or state.start
    record = learner.records.get(state.series, NO_RECORD)
    why = state.unjudged
    x = None if why else features(state, on, record, learner.base_rate.value)
    draft = Draft(
        prediction_id="",
        kind="live",
        source=state.source,
        key_result_id=state.key_result_id,
        name=state.name,
        check_in_id=None,
        revision=0,
        seq=state.predictions,
        knowledge_time=now,
        start=state.start,
        due=state.due,
        on=on,
        value=state.value,
        target=state.target,
        forecast=forecast(state, on) if x else None,
        batch_id=0,
        row_num=0,
        x=x,
        why=why,
        publishable=False,
        learnable=False,
    )
    if x is None:
        draft.reasons = [{"feature": "none", "text": WHY_NOT[why or "no_target"], "weight": 0.0}]
        return draft
    draft.baselines = baselines(x, state.confidence)
    learner.predictor.answer([draft], learner.cut_points)
    return draft
