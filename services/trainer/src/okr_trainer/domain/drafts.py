"""A prediction in the making: what was known, then what a model said of it."""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from okr_common.events import NAMESPACE
from okr_trainer.domain.features import Features
from okr_trainer.domain.moments import Moments
from okr_trainer.domain.risk import Risk

Kind = Literal["live", "late", "aged", "replay"]
Reasons = list[dict[str, str | float]]
"""As in okr_common.records.Reason: feature, text, weight."""


_NAMESPACE = NAMESPACE.bytes


def prediction_id(model: str, training: int | None, version_id: str) -> str:
    """The one id of a prediction: of the stream (`training` None, live or late), or of one training replay.

    >>> prediction_id("m", None, "k@1") == prediction_id("m", None, "k@1") != prediction_id("m", 1, "k@1")
    True
    """
    made_by = "stream" if training is None else f"replay/{training}"
    return _uuid5(f"prediction|{model}|{made_by}|{version_id}")


def aged_id(model: str, key_result_id: str, day: date) -> str:
    """The one id of what a model says of a silent key result on a day."""
    return _uuid5(f"prediction|{model}|aged|{key_result_id}|{day.isoformat()}")


def _uuid5(name: str) -> str:
    """uuid.uuid5 as text, without the detour over a UUID object.

    >>> from uuid import uuid5
    >>> _uuid5("a") == str(uuid5(NAMESPACE, "a"))
    True
    """
    text = hashlib.sha1(_NAMESPACE + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


@dataclass(slots=True)
class Draft:
    """One prediction. `x` None: it cannot be judged, and `why` says so; it then has no probability.

    `interval`: where the probability lies with 90 % certainty; None where no outcome was learned, as by the pace rule.
    `ends_within`: where its final value lies with 90 % certainty; None where too few have ended that could tell.
    `places`: where its key result stands, to be counted there when it ends; None where it cannot be judged.
    `learned_before`: rows its model had learned when it said this; None: the pace rule said it.
    `shown`: it is from now on what is said of its key result, in every list and on the topic.
    """

    prediction_id: str
    kind: Kind
    source: str
    key_result_id: str
    name: str
    check_in_id: str | None
    revision: int
    seq: int
    knowledge_time: datetime
    start: int
    due: int
    on: int
    value: float | None
    target: float | None
    forecast: float | None
    batch_id: int
    row_num: int
    why: str | None
    x: Features | None = None
    places: Moments | None = None
    shown: bool = False
    learnable: bool = False
    version: int = 0
    training: int = 0
    baselines: dict[str, float] = field(default_factory=dict)
    raw: float | None = None
    probability: float | None = None
    interval: tuple[float, float] | None = None
    ends_within: tuple[float, float] | None = None
    risk: Risk | None = None
    reasons: Reasons = field(default_factory=list)
    learned_before: int | None = None
    learned_seq: int | None = None

    @property
    def publishable(self) -> bool:
        """It travels on okr_predictions."""
        return self.shown and self.x is not None

    @property
    def due_on(self) -> date:
        """The day by which it is to be reached."""
        return date.fromordinal(self.due)

    @property
    def elapsed(self) -> float:
        """The share of the period that was over."""
        return (self.on - self.start) / (self.due - self.start) if self.due > self.start else 1.0


@dataclass(frozen=True, slots=True)
class Stored:
    """What a committed prediction left to learn from: its features, raw score and forecast, as they were then."""

    prediction_id: UUID | str
    x: Features
    raw: float
    forecast: float | None = None
