"""A goal with its history, as documents are made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Objective:
    """A goal, the titles of its key results, and those of the goals it contributes to or supports (`aligned_how`)."""

    entity_id: str
    source: str
    source_id: str
    revision: int
    title: str
    description: str | None
    start_on: date | None
    due_on: date | None
    key_results: Sequence[str]
    period: str | None = None
    aligned_how: str | None = None
    aligned_to: Sequence[str] = ()


class CheckIn(NamedTuple):
    """A value at a time. A tuple: a page of documents holds many thousands."""

    as_of: date
    value: float | None
    target: float | None
    progress: float | None
    status: str | None
    comment: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended: the label, which the text does not give away."""

    final_value: float
    target: float
    achieved: bool
    resolution: str
    known_at: datetime


@dataclass(frozen=True, slots=True)
class KeyResult:
    """What is measured, with its history in order of time; `aligned_to` does not name its own objective again."""

    entity_id: str
    source: str
    source_id: str
    revision: int
    title: str
    description: str | None
    objective_id: str
    objective: str
    metric_kind: str
    direction: str
    inclusive: bool
    unit: str | None
    baseline: float | None
    target: float | None
    start_on: date
    due_on: date
    owner: str | None
    attributes: Mapping[str, Any]
    due_known: bool | None = None
    aligned_how: str | None = None
    aligned_to: Sequence[str] = ()
    check_ins: Sequence[CheckIn] = ()
    outcome: Outcome | None = None
