"""Outcomes by due date: who has ended, how it ended, and when that is known."""

from dataclasses import replace
from datetime import UTC, date, datetime

import orjson
import polars as pl
import pytest

from okr_common.sources import DueOutcome, Mapping
from okr_etl.domain import due
from okr_etl.domain.head import Head

DUE = date(2026, 3, 31)
KEY_RESULT = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
NOW = datetime(2026, 5, 1, 23, 30, tzinfo=UTC)
TOLD = datetime(2026, 3, 30, tzinfo=UTC)


def ended(direction: str, baseline: float | None, target: float | None, value: float, status: str = "") -> pl.DataFrame:
    row = (KEY_RESULT, "k1", direction, baseline, target, DUE, value, status or None, 7, 12, TOLD)
    return pl.DataFrame([row], schema=due.ENDED_SCHEMA, orient="row")


CASES = [
    (("increase", 0.0, 100.0, 100.0), 1.0, "achieved"),
    (("increase", 0.0, 100.0, 99.0), 1.0, "partial"),
    (("increase", 0.0, 100.0, 70.0), 1.0, "partial"),
    (("increase", 0.0, 100.0, 69.0), 1.0, "missed"),
    (("increase", 0.0, 100.0, 70.0), 0.7, "achieved"),
    (("increase", 0.0, 100.0, 69.9), 0.7, "missed"),
    (("increase", None, 100.0, 100.0), 0.7, "achieved"),
    (("decrease", 50.0, 10.0, 10.0), 1.0, "achieved"),
    (("decrease", 50.0, 10.0, 22.0), 0.7, "achieved"),
    (("decrease", 50.0, 10.0, 22.1), 0.7, "missed"),
    (("increase", 5.0, 5.0, 5.0), 1.0, "achieved"),
    (("increase", 5.0, 5.0, 5.0), 0.7, "achieved"),  # there is no way, and it is on its target
    (("decrease", 5.0, 5.0, 4.0), 0.7, "achieved"),
    (("decrease", 5.0, 5.0, 6.0), 0.7, "missed"),
    (("stay_above", None, 95.0, 95.0), 0.7, "achieved"),
    (("stay_above", None, 95.0, 94.0), 0.7, "missed"),
    (("stay_below", None, 5.0, 5.1), 1.0, "missed"),
    (("increase", 0.0, 100.0, 100.0, "dropped"), 1.0, "dropped"),
    (("increase", 0.0, 100.0, 10.0, "off_track"), 1.0, "missed"),
]


@pytest.mark.parametrize(("goal", "achieved_from", "resolution"), CASES)
def test_how_a_key_result_ended(
    mta: Mapping, goal: tuple[str, float, float, float], achieved_from: float, resolution: str
) -> None:
    (row,) = due.outcomes(ended(*goal), mta, DueOutcome(achieved_from=achieved_from), NOW).iter_rows(named=True)
    payload = orjson.loads(row["payload"])
    assert payload["resolution"] == resolution
    assert resolution == "dropped" or payload["achieved"] is (resolution == "achieved")
    assert (payload["final_value"], payload["label_basis"], payload["key_result_id"]) == (goal[3], "due", KEY_RESULT)
    assert (row["batch_id"], row["row_num"], row["source_id"]) == (7, 12, "k1")


@pytest.mark.parametrize(("grace", "known"), [(0, date(2026, 4, 1)), (3, date(2026, 4, 4)), (30, date(2026, 5, 1))])
def test_it_is_known_when_the_days_of_grace_are_over(mta: Mapping, grace: int, known: date) -> None:
    (row,) = due.outcomes(ended("increase", 0, 1, 1), mta, DueOutcome(grace_days=grace), NOW).iter_rows(named=True)
    assert row["time"] == datetime(known.year, known.month, known.day, tzinfo=UTC)
    assert row["held_from"] == NOW, "a later decision is never too late"


@pytest.mark.parametrize("goal", [("none", 0.0, 1.0, 1.0), ("increase", 0.0, None, 1.0), ("between", 0.0, 1.0, 1.0)])
def test_what_nobody_can_judge_has_no_outcome(mta: Mapping, goal: tuple[str, float, float | None, float]) -> None:
    assert due.outcomes(ended(*goal), mta, DueOutcome(), NOW).height == 0


def test_the_day_is_that_of_the_sources_clock(mta: Mapping) -> None:
    coming = datetime(2017, 12, 31, tzinfo=UTC)
    assert due.today(mta, Head(coming=coming), NOW) == date(2017, 12, 31)
    assert due.today(mta, Head(), NOW) is None
    live = mta.model_copy(update={"clock": "wall"})
    assert due.today(live, replace(Head(), coming=coming), NOW) == date(2026, 5, 1)


def test_it_is_not_known_before_the_value_that_tells_it(mta: Mapping) -> None:
    told = NOW.replace(day=20, month=4)
    late = ended("increase", 0, 1, 1).with_columns(told_at=pl.lit(told))
    (row,) = due.outcomes(late, mta, DueOutcome(), NOW).iter_rows(named=True)
    assert row["time"] == told
