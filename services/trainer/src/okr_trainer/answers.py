"""What REST is asked of key results, and what it answers."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.ending import Ending, How
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.what_if import Change

MOST_QUESTIONS = 1_000
MOST_ATTRIBUTES = 200
Risk = Literal["low", "medium", "high"]


class Question(BaseModel):
    """A key result, and what would be known of it. Nothing given: the answer as things stand today."""

    model_config = ConfigDict(extra="forbid")
    key_result_id: UUID
    model: str | None = None
    value: float | None = Field(None, allow_inf_nan=False, description="the value a check-in would say")
    target: float | None = Field(None, allow_inf_nan=False, description="the target that would hold")
    confidence: float | None = Field(None, ge=0, le=1, description="how sure its owner would be, 0 to 1")
    as_of: date | None = Field(
        None, description="the day it is asked, and of that check-in; default: its source's today"
    )
    due_on: date | None = Field(None, description="the day by which it would have to be reached")
    attributes: dict[str, str | float | None] = Field(
        default={}, max_length=MOST_ATTRIBUTES, description="attributes with other values; null takes one away"
    )

    @property
    def change(self) -> Change:
        """What would be known."""
        return Change(
            value=self.value,
            target=self.target,
            confidence=self.confidence,
            as_of=None if self.as_of is None else self.as_of.toordinal(),
            due=None if self.due_on is None else self.due_on.toordinal(),
            attributes=self.attributes,
        )


class Questions(BaseModel):
    """Up to 1,000 of them, answered at once."""

    model_config = ConfigDict(extra="forbid")
    questions: list[Question] = Field(min_length=1, max_length=MOST_QUESTIONS)


class Ended(BaseModel):
    """How and when a key result ended, and what was last predicted of it."""

    how: How
    known_at: datetime
    final_value: float | None
    target: float | None
    last_probability: float | None
    last_risk: Risk | None
    last_predicted_at: datetime | None


class Answer(BaseModel):
    """What the model says, as of the day `as_of`.

    `probability` None: it ended, or nobody can judge it, as `reasons` say. It lies between
    `probability_low` and `probability_high` with 90 % certainty; they are None where the pace rule answers.
    So does the final value between `forecast_low` and `forecast_high`; they are None where too few have ended.
    `as_it_stands`: the probability without the changes that were asked for.
    """

    model_config = ConfigDict(protected_namespaces=())
    key_result_id: UUID
    key_result: str
    model: str
    model_version: int
    probability: float | None
    probability_low: float | None = None
    probability_high: float | None = None
    as_it_stands: float | None
    risk: Risk | None
    reasons: list[dict[str, Any]]
    forecast: float | None
    forecast_low: float | None = None
    forecast_high: float | None = None
    value: float | None
    target: float | None
    as_of: date
    elapsed: float
    days_left: int
    due_on: date
    baselines: dict[str, float]
    features: dict[str, Any] | None
    ended: Ended | None = None


class Refused(BaseModel):
    """A question of a batch that has no answer, and why: a status and its detail as a single question gets it."""

    key_result_id: UUID
    status: int
    detail: str


class Answers(BaseModel):
    """In the order of the questions."""

    answers: list[Answer | Refused]


def answer(model: str, version: int, draft: Draft, unchanged: Draft) -> Answer:
    """What was drafted and asked, as things would be and as they stand."""
    low, high = draft.interval or (None, None)
    lowest, highest = draft.ends_within or (None, None)
    return Answer(
        key_result_id=UUID(draft.key_result_id),
        key_result=draft.name,
        model=model,
        model_version=version,
        probability=draft.probability,
        probability_low=low,
        probability_high=high,
        as_it_stands=unchanged.probability,
        risk=draft.risk,
        reasons=draft.reasons,
        forecast=draft.forecast,
        forecast_low=lowest,
        forecast_high=highest,
        value=draft.value,
        target=draft.target,
        as_of=date.fromordinal(draft.on),
        elapsed=draft.elapsed,
        days_left=max(0, draft.due - draft.on),
        due_on=draft.due_on,
        baselines=draft.baselines,
        features=draft.x,
    )


def of_ended(model: str, state: KeyResultState, ending: Ending) -> Answer:
    """No new probability, whatever would be changed: it is over."""
    on, last = ending.known.toordinal(), ending.last
    return Answer(
        key_result_id=UUID(state.key_result_id),
        key_result=state.name,
        model=model,
        model_version=last.version if last else 0,
        probability=None,
        as_it_stands=None,
        risk=None,
        reasons=[{"feature": "ended", "text": ending.sentence, "weight": 0.0}],
        forecast=None,
        value=state.value if ending.final_value is None else ending.final_value,
        target=state.target if ending.target is None else ending.target,
        as_of=date.fromordinal(on),
        elapsed=state.elapsed(on),
        days_left=max(0, state.due - on),
        due_on=date.fromordinal(state.due),
        baselines={},
        features=None,
        ended=Ended.model_validate(
            {
                "how": ending.how,
                "known_at": ending.known,
                "final_value": ending.final_value,
                "target": ending.target,
                "last_probability": last.probability if last else None,
                "last_risk": last.risk if last else None,
                "last_predicted_at": last.known if last else None,
            }
        ),
    )
