"""What is known of a key result on a day, as a prediction in the making; a model answers it afterwards."""

from datetime import datetime
from typing import NamedTuple

from okr_trainer.domain.baselines import baselines
from okr_trainer.domain.drafts import Draft, Kind
from okr_trainer.domain.features import features, stood
from okr_trainer.domain.forecast import forecast
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.past import Past
from okr_trainer.domain.reasons import WHY_NOT


class Cause(NamedTuple):
    """Why a prediction is made: of which version of what, when that became known, and the raw row it came from."""

    kind: Kind
    knowledge_time: datetime
    prediction_id: str = ""
    check_in_id: str | None = None
    revision: int = 0
    batch_id: int = 0
    row_num: int = 0


def draft(cause: Cause, state: KeyResultState, on: int, past: Past) -> Draft:
    """The draft as of the day `on`, an ordinal; it is neither shown nor learned unless its maker says so.

    Of what nobody can judge it says why, and asks no model.
    """
    why = state.unjudged
    places = None if why else stood(state, on)
    x = None if places is None else features(state, on, past, places)
    made = Draft(
        prediction_id=cause.prediction_id,
        kind=cause.kind,
        source=state.source,
        key_result_id=state.key_result_id,
        name=state.name,
        check_in_id=cause.check_in_id,
        revision=cause.revision,
        seq=state.predictions,
        knowledge_time=cause.knowledge_time,
        start=state.start,
        due=state.due,
        on=on,
        value=state.value,
        target=state.target,
        forecast=forecast(state, on) if x else None,
        batch_id=cause.batch_id,
        row_num=cause.row_num,
        x=x,
        why=why,
        places=places,
    )
    if x is None:
        made.reasons = [{"feature": "none", "text": WHY_NOT[why or "no_target"], "weight": 0.0}]
    else:
        made.baselines = baselines(x, state.confidence)
    return made
