"""How a run looks from outside: the REST of every service and `okr runs` say the same."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from okr_common.events import Trigger
from okr_common.runs import Run, RunState, Step, StepState


class StepView(BaseModel):
    """One attempt of a step."""

    step: str
    number: int
    attempt: int
    state: StepState
    detail: Mapping[str, Any]
    started_at: datetime | None
    ended_at: datetime | None


class RunView(BaseModel):
    """A run; `steps` only where one run was asked for."""

    run_id: UUID
    pipeline: str
    logical_time: datetime
    trigger: Trigger
    state: RunState
    reason: str | None
    parameters: Mapping[str, Any]
    requested_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    holder: str | None
    epoch: int
    steps: Sequence[StepView] | None = None


def view(run: Run, steps: Sequence[Step] | None = None) -> RunView:
    """How a run looks to others."""
    shown = None if steps is None else [StepView.model_validate(asdict(step)) for step in steps]
    fields = {name: value for name, value in asdict(run).items() if name in RunView.model_fields}
    return RunView.model_validate({**fields, "steps": shown})
