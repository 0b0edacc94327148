"""What a report says in one word."""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Verdict(StrEnum):
    """`attention`: somebody should look; `bad`: something does not work; `unknown`: too little was seen to say."""

    OK = "ok"
    UNKNOWN = "unknown"
    ATTENTION = "attention"
    BAD = "bad"


class Report(BaseModel):
    """What a step found; each kind adds its own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    verdict: Verdict


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest of them; of none, `unknown`.

    >>> worst([Verdict.OK, Verdict.ATTENTION, Verdict.UNKNOWN]).value, worst([]).value
    ('attention', 'unknown')
    """
    order = list(Verdict)
    return max(verdicts, key=order.index, default=Verdict.UNKNOWN)
