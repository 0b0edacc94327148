"""Trainings that fail one after another are tried daily at first, then once a week."""

from datetime import UTC, datetime, timedelta

import pytest

from okr_trainer.domain.failing import PAUSE, TRIES, Failing

LAST = datetime(2026, 11, 24, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failures", "days", "waits"), [(1, 0, False), (TRIES - 1, 1, False), (TRIES, 1, True), (TRIES, 7, False)]
)
def test_when_it_is_tried_again(failures: int, days: int, waits: bool) -> None:  # noqa: FBT001
    assert Failing("acme", failures, LAST, "broken").waits(LAST + timedelta(days=days)) is waits


def test_it_says_what_to_do_and_until_when_nothing_happens() -> None:
    told = Failing("acme", 1_000, LAST, "row 5 is no version.").told
    assert told == (
        "acme: 1,000 trainings failed one after another, the last on 2026-11-24: row 5 is no version. Mend that, then "
        f"`okr models rebuild acme`; by itself the daily run tries again from {LAST + PAUSE:%Y-%m-%d} on"
    )
