"""Trainings that fail one after another are tried daily at first, then once a week."""

from datetime import UTC, datetime, timedelta

import pytest

from okr_trainer.domain.failing import PAUSE, TRIES, Failing

LAST = datetime(2026, 11, 24, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failures", "days", "waits"),
    [(1, 0, False), (TRIES - 1, 1, False), (TRIES, 1, True), (TRIES, 6, True), (TRIES, 7, False)],
)
@pytest.mark.parametrize("took", [timedelta(0), timedelta(minutes=1), timedelta(hours=3)])
def test_when_the_run_of_that_hour_tries_again(failures: int, days: int, waits: bool, took: timedelta) -> None:  # noqa: FBT001
    """However long the training took that failed: it began with the run."""
    assert Failing("acme", failures, LAST + took, "broken").waits(LAST + timedelta(days=days)) is waits


def test_it_says_what_to_do_and_until_when_nothing_happens() -> None:
    told = Failing("acme", 1_000, LAST, "row 5 is no version.").told
    assert told == (
        "acme: 1,000 trainings failed one after another, the last on 2026-11-24: row 5 is no version. Mend that, then "
        f"`okr models rebuild acme`; by itself the daily run tries again from {LAST + PAUSE:%Y-%m-%d} on"
    )


def test_a_failure_that_gave_no_reason_says_so() -> None:
    assert "the last on 2026-11-24: no reason was given. Mend that, then" in Failing("acme", 3, LAST, None).told
