from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_common import runs
from okr_common.errors import FatalError, PermanentError, RetryableError
from okr_common.events import RUN_STEP_ENDED, IngestionRunStepEnded
from okr_common.runs import Retry, Run, RunState, Step, StepState, is_settled, latest_attempts, next_to_execute, outcome
from okr_common.topology import STAGES

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def run(number: int, state: RunState, *, holder: str | None = None, lease: timedelta | None = None) -> Run:
    expires_at = None if lease is None else NOW + lease
    return Run(
        UUID(int=number),
        "etl",
        NOW,
        "rest",
        state,
        requested_at=NOW + number * MINUTE,
        holder=holder,
        expires_at=expires_at,
    )


REQUESTED, RUNNING, WAITING = RunState.REQUESTED, RunState.RUNNING, RunState.WAITING


@pytest.mark.parametrize(
    ("unfinished", "expected"),
    [
        ([], None),
        ([run(2, REQUESTED), run(1, REQUESTED)], 1),
        ([run(1, WAITING)], None),
        ([run(1, WAITING), run(2, REQUESTED)], 2),
        ([run(1, RUNNING, holder="other", lease=MINUTE), run(2, REQUESTED)], None),
        ([run(1, RUNNING, holder="other", lease=-MINUTE), run(2, REQUESTED)], 1),
        ([run(1, RUNNING, holder="other", lease=timedelta(0))], 1),
        ([run(1, RUNNING, holder="me", lease=MINUTE), run(2, REQUESTED)], 1),
        ([run(2, RUNNING, holder=None, lease=timedelta(0)), run(1, REQUESTED)], 2),
    ],
)
def test_which_run_a_holder_executes_next(unfinished: Sequence[Run], expected: int | None) -> None:
    chosen = next_to_execute(unfinished, NOW, "me")
    assert (chosen and chosen.run_id) == (expected and UUID(int=expected))


states = st.sampled_from([StepState.SUCCEEDED, StepState.FAILED, StepState.SKIPPED])


STEPS = len(STAGES["etl"].steps)


@given(st.lists(states, min_size=STEPS, max_size=STEPS))
def test_a_run_fails_by_its_steps_and_is_degraded_by_optional_ones(ended: list[StepState]) -> None:
    etl = STAGES["etl"]
    latest = {
        name: Step(name, number, 1, state) for number, (name, state) in enumerate(zip(etl.steps, ended, strict=True))
    }
    failed = {name for name, step in latest.items() if step.state is StepState.FAILED}
    state, reason = outcome(latest, etl.optional_steps)
    assert (state is RunState.FAILED) == bool(failed - set(etl.optional_steps))
    assert (state is RunState.SUCCEEDED) == (not failed)
    assert (reason is None) == (state is RunState.SUCCEEDED)


def test_the_latest_attempt_counts() -> None:
    tried = [
        Step("load", 3, 1, StepState.FAILED),
        Step("load", 3, 2, StepState.SUCCEEDED),
        Step("scan", 1, 1, StepState.SKIPPED),
    ]
    assert [(step.step, step.attempt) for step in latest_attempts(tried).values()] == [("scan", 1), ("load", 2)]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (None, False),
        (Step("scan", 1, 1, StepState.SUCCEEDED), True),
        (Step("scan", 1, 1, StepState.FAILED), False),
        (Step("scan", 1, 1, StepState.RUNNING), False),
        (Step("scan", 1, 1, StepState.SKIPPED, {"reason": "nothing_to_do"}), True),
        (Step("scan", 1, 1, StepState.SKIPPED, {"reason": runs.STOPPED}), False),
    ],
)
def test_what_a_run_that_is_taken_up_again_does_again(step: Step | None, expected: bool) -> None:  # noqa: FBT001
    assert is_settled(step) is expected


def test_waits_grow_and_end_and_what_cannot_pass_is_not_tried_again() -> None:
    retry = Retry(attempts=5, first_wait=timedelta(seconds=1), longest_wait=timedelta(seconds=10))
    waits = [retry.wait_after(attempt, RetryableError("away")) for attempt in range(1, 6)]
    assert [wait and wait.total_seconds() for wait in waits] == [1, 4, 10, 10, None]
    assert retry.wait_after(1, PermanentError("wrong", "wrong")) is None
    assert retry.wait_after(1, FatalError("end")) is None


def test_attempts_have_ids_of_their_own_and_each_pipeline_has_its_topic() -> None:
    first = IngestionRunStepEnded(
        run_id=UUID(int=1), pipeline="ingest-csv", step="scan", number=1, attempt=1, state="failed"
    )
    again = first.model_copy(update={"attempt": 2})
    assert first.event_id != again.event_id
    for stage in STAGES.values():
        assert len([topic for topic in RUN_STEP_ENDED if topic in stage.produces]) == 1
