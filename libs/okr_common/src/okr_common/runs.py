"""The rules of a run: pure functions of states and times that are passed in. The ledger and the runner apply them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from okr_common.errors import FatalError, PermanentError
from okr_common.events import NAMESPACE, Trigger


class RunState(StrEnum):
    """Where a run is: `waiting` for the pipeline it needs, `degraded` when only optional steps failed."""

    REQUESTED = "requested"
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEGRADED = "degraded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Nothing will happen to it any more."""
        return self not in UNFINISHED

    @property
    def well(self) -> bool:
        """It did what others may build on."""
        return self in {RunState.SUCCEEDED, RunState.DEGRADED}


UNFINISHED = frozenset({RunState.REQUESTED, RunState.WAITING, RunState.RUNNING})


class StepState(StrEnum):
    """How an attempt of a step stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the ledger holds it. `reason` is `code: a sentence`."""

    run_id: UUID
    pipeline: str
    logical_time: datetime
    trigger: Trigger
    state: RunState
    reason: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    requested_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    holder: str | None = None
    epoch: int = 0
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt of a step."""

    step: str
    number: int
    attempt: int
    state: StepState
    detail: Mapping[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None


class StepSkippedError(PermanentError):
    """A step has nothing to do now; raised by the step itself. Skipping is no failure."""

    def __init__(self, message: str) -> None:
        super().__init__("nothing_to_do", message)


def run_id(pipeline: str, logical_time: datetime, trigger: Trigger) -> UUID:
    """The one id of this request, however often it is made.

    >>> from datetime import timezone
    >>> here, there = datetime(2026, 1, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, 3, tzinfo=timezone(timedelta(hours=1)))
    >>> run_id("etl", here, "cron") == run_id("etl", there, "cron")
    True
    """
    return uuid5(NAMESPACE, f"run|{pipeline}|{logical_time.astimezone(UTC).isoformat()}|{trigger}")


def next_to_execute(unfinished: Sequence[Run], now: datetime, holder: str) -> Run | None:
    """The run that `holder` should execute: an abandoned one first, then the oldest request; one at a time.

    None while somebody else executes one under a valid lease. `unfinished` are all of one pipeline.
    """
    running = [run for run in unfinished if run.state is RunState.RUNNING]
    if any(not _is_free(run, now, holder) for run in running):
        return None
    requested = [run for run in unfinished if run.state is RunState.REQUESTED]
    return next(iter([*running, *sorted(requested, key=lambda run: (run.requested_at or now, run.logical_time))]), None)


def _is_free(run: Run, now: datetime, holder: str) -> bool:
    return run.holder == holder or run.expires_at is None or run.expires_at <= now


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is attempted, and how long to wait in between: four times as long each time."""

    attempts: int = 3
    first_wait: timedelta = timedelta(seconds=2)
    longest_wait: timedelta = timedelta(minutes=1)

    def wait_after(self, attempt: int, error: Exception | None) -> timedelta | None:
        """How long to wait after this failed attempt (1, 2, ...), or None to give up.

        >>> [Retry().wait_after(attempt, None) for attempt in (1, 2, 3)]
        [datetime.timedelta(seconds=2), datetime.timedelta(seconds=8), None]
        """
        if attempt >= self.attempts or isinstance(error, PermanentError | FatalError):
            return None
        factor: int = 4 ** min(attempt - 1, 30)
        return min(self.first_wait * factor, self.longest_wait)


def outcome(latest: Mapping[str, Step], optional: Collection[str]) -> tuple[RunState, str | None]:
    """What a run is, given the latest attempt of each of its steps; the reason names the first that failed."""
    failed = [step for step in latest.values() if step.state is StepState.FAILED]
    grave = [step for step in failed if step.step not in optional]
    if grave:
        return RunState.FAILED, _why(grave[0])
    return (RunState.DEGRADED, _why(failed[0])) if failed else (RunState.SUCCEEDED, None)


def _why(step: Step) -> str:
    return f"{step.detail.get('reason', 'failed')}: step {step.step}: {step.detail.get('error', 'no detail')}"


STOPPED = "stopped"
"""The reason of an attempt that the service's own stop ended: it is no failure, and is made again."""


def is_settled(step: Step | None) -> bool:
    """A run that is taken up again need not do this step again."""
    if step is None:
        return False
    return step.state is StepState.SUCCEEDED or (
        step.state is StepState.SKIPPED and step.detail.get("reason") != STOPPED
    )


def latest_attempts(attempts: Sequence[Step]) -> dict[str, Step]:
    """The latest attempt of each step, in the steps' order."""
    ordered = sorted(attempts, key=lambda step: (step.number, step.attempt))
    return {step.step: step for step in ordered}
