"""Documents a person can read, and their hash."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from okr_etl.domain.documents import of_key_result, of_objective
from okr_etl.domain.goals import CheckIn, KeyResult, Objective, Outcome

KEY_RESULT = KeyResult(
    entity_id="k",
    source="mta_nyct",
    source_id="1/2017",
    revision=2,
    title="Mean Distance Between Failures",
    description="Miles between failures.",
    objective_id="o",
    objective="NYC Transit, Service Indicators 2017",
    metric_kind="number",
    direction="stay_above",
    inclusive=True,
    unit="miles",
    baseline=None,
    target=4200.0,
    start_on=date(2017, 1, 1),
    due_on=date(2017, 12, 31),
    owner=None,
    attributes={"category": "Service"},
    check_ins=(
        CheckIn(date(2017, 1, 31), 4120.5, 4100.0, 1.0, None, None),
        CheckIn(date(2017, 2, 28), 3900.0, 4200.0, 0.0, "red", "a cold month"),
    ),
    outcome=Outcome(4300.0, 4200.0, achieved=True, resolution="achieved", known_at=datetime(2017, 12, 31, tzinfo=UTC)),
)
TEXT = """\
Key result: Mean Distance Between Failures.
Objective: NYC Transit, Service Indicators 2017.
Miles between failures.
Goal: stay at or above 4,200 miles, from 2017-01-01 to 2017-12-31.
Progress (2 check-ins):
- 2017-01-31: 4,120.5 miles, meets its target of 4,100 miles
- 2017-02-28: 3,900 miles, misses its target of 4,200 miles, status red, "a cold month"
The target moved 1 time, from 4,100 miles to 4,200 miles."""


def test_a_key_result_in_words() -> None:
    assert of_key_result(KEY_RESULT).text == TEXT


def test_the_label_stands_beside_the_text_not_in_it() -> None:
    with_outcome, without = of_key_result(KEY_RESULT), of_key_result(replace(KEY_RESULT, outcome=None))
    assert with_outcome.text == without.text
    assert with_outcome.labels["achieved"] is True
    assert without.labels == {}
    assert with_outcome.content_hash != without.content_hash


def test_meta_holds_the_figures() -> None:
    meta = of_key_result(KEY_RESULT).meta
    assert (meta["target"], meta["last_value"], meta["last_progress"], meta["check_ins"]) == (4200.0, 3900.0, 0.0, 2)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"target": None}, "Goal: no target is set, from 2017-01-01 to 2017-12-31."),
        ({"direction": "stay_below", "inclusive": False}, "Goal: stay below 4,200 miles,"),
        ({"direction": "increase", "baseline": 4000.0}, "Goal: raise it from 4,000 miles to 4,200 miles,"),
        ({"direction": "decrease", "unit": None}, "Goal: bring it down to 4,200,"),
        ({"direction": "none"}, "Goal: 4,200 miles, without a direction,"),
        ({"check_ins": ()}, "No check-in yet."),
        ({"owner": "Ada"}, "Owner: Ada."),
        ({"due_known": False}, "stay at or above 4,200 miles, from 2017-01-01 to a due date not yet known."),
        ({"due_known": True}, "stay at or above 4,200 miles, from 2017-01-01 to 2017-12-31."),
        ({"direction": "increase"}, "- 2017-01-31: 4,120.5 miles, 100 % of the way to 4,100 miles"),
    ],
)
def test_goals_and_progress_by_direction(change: dict[str, object], line: str) -> None:
    assert line in of_key_result(replace(KEY_RESULT, **change)).text  # type: ignore[arg-type]


def test_a_long_history_is_told_by_its_ends() -> None:
    history = tuple(CheckIn(date(2017, 1, day), float(day), None, None, None, None) for day in range(1, 31))
    lines = of_key_result(replace(KEY_RESULT, check_ins=history)).text.splitlines()
    assert "- 2017-01-01: 1 miles" in lines
    assert "- ... 17 more ..." in lines
    assert lines[-1] == "- 2017-01-30: 30 miles"


def test_an_objective_lists_its_key_results() -> None:
    objective = Objective("o", "s", "1", 1, "Grow", None, date(2017, 1, 1), date(2017, 12, 31), ["More", "Faster"])
    document = of_objective(objective)
    assert document.text == "Objective: Grow.\nTime: 2017-01-01 to 2017-12-31.\nKey results (2):\n- More\n- Faster"
    assert document.content_hash == of_objective(objective).content_hash
    assert document.content_hash != of_objective(replace(objective, title="Shrink")).content_hash
