"""When files have arrived, and when they never will."""

from dataclasses import replace

import pytest

from okr_cli.follow import Stand, trouble

THERE = Stand(
    files=2,
    seen=2,
    done=2,
    trouble=(),
    rows=10,
    rows_applied=10,
    batches=2,
    batches_applied=2,
    to_predict=9,
    predicted=9,
)


def test_files_arrive_when_every_step_is_done() -> None:
    assert THERE.arrived


@pytest.mark.parametrize(
    "missing",
    [{"seen": 1}, {"done": 1}, {"unreleased": 1}, {"batches_applied": 1}, {"predicted": 8}, {"unsent": 1}],
)
def test_any_step_that_is_open_is_waited_for(missing: dict[str, int]) -> None:
    assert not replace(THERE, **missing).arrived  # type: ignore[arg-type]


def test_a_file_that_was_refused_is_not_waited_for() -> None:
    assert replace(THERE, done=1, trouble=("a.csv: quarantined",)).arrived


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"path": "a", "file_id": 1, "state": "done", "seen_as": "same_bytes"}, None),
        ({"path": "a", "file_id": 1, "state": "loading", "seen_as": None}, None),
        (
            {"path": "a", "file_id": 1, "state": "quarantined", "reason": "empty", "detail": "drop it again"},
            "a: quarantined, empty: drop it again",
        ),
    ],
)
def test_trouble_is_told_with_its_reason(row: dict[str, object], why: str | None) -> None:
    assert trouble(row) == why
