"""What is known of a key result on a day, as a prediction in the making; a model answers it afterwards."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from okr_trainer.domain.baselines import baselines
from okr_trainer.domain.columns import features
from okr_trainer.domain.drafts import Draft, Kind
from okr_trainer.domain.facts import Facts, facts
from okr_trainer.domain.forecast import forecast
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.numbers import Column
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


class Begun(NamedTuple):
    """A draft whose features are still to be reckoned; `facts` None: nobody can judge it, and it is done."""

    draft: Draft
    state: KeyResultState
    facts: Facts | None


def draft(cause: Cause, state: KeyResultState, on: int, past: Past) -> Draft:
    """The draft as of the day `on`, an ordinal; it is neither shown nor learned unless its maker says so.

    Of what nobody can judge it says why, and asks no model.
    """
    begun = begin(cause, state, on, past)
    if begun.facts is not None:
        complete([begun], past)
    return begun.draft


def begin(cause: Cause, state: KeyResultState, on: int, past: Past) -> Begun:
    """What has to be read before anything else becomes known; the rest comes with `complete`."""
    why = state.unjudged
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
        forecast=None if why else forecast(state, on),
        batch_id=cause.batch_id,
        row_num=cause.row_num,
        why=why,
    )
    if why is not None:
        made.reasons = [{"feature": "none", "text": WHY_NOT[why], "weight": 0.0}]
    return Begun(made, state, None if why else facts(state, on, past))


def complete(several: Sequence[Begun], past: Past) -> dict[str, Column]:
    """Gives these, all of which can be judged, features and baselines at once; returns the features as columns.

    `past` is that of their beginning.
    """
    rows = [one.facts for one in several if one.facts is not None]
    seen = features(rows, past)
    for one, row, x, places in zip(several, rows, seen.xs, seen.places, strict=True):
        one.draft.x, one.draft.places = x, places
        one.draft.ends_within = past.errors.interval(one.state, one.draft.elapsed, one.draft.forecast)
        one.draft.baselines = baselines(x, row.confidence)
    return seen.columns
