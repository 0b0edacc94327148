"""What is remembered of one key result."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_trainer.domain.inputs import CheckIn
from okr_trainer.domain.key_result_state import KEPT_VALUES, WORD_LENGTH, KeyResultState
from okr_trainer.domain.track_record import series_of
from okr_trainer.testing import Company

JANUARY = date(2017, 1, 1)
MONTHS = [date(2017, month, 28) for month in range(1, 13)]


def told(company: Company, *check_ins: CheckIn, **definition: Any) -> KeyResultState:  # noqa: ANN401
    one = company.define("sales/2017", JANUARY, **definition)
    state = KeyResultState(one.key_result_id, "acme")
    state.define(one, series_of(one))
    for check_in in check_ins:
        state.check_in(check_in)
    return state


def test_it_keeps_the_latest_values_in_order_of_their_days(company: Company) -> None:
    state = told(company, *(company.check_in("sales/2017", day, float(day.month)) for day in MONTHS))
    assert [value for _, value in state.values] == [9.0, 10.0, 11.0, 12.0]
    assert len(state.values) == KEPT_VALUES
    assert (state.check_ins, state.newest, state.before) == (12, MONTHS[11].toordinal(), MONTHS[10].toordinal())


def test_a_correction_replaces_the_value_of_its_day(company: Company) -> None:
    march, april = MONTHS[2], MONTHS[3]
    state = told(
        company,
        company.check_in("sales/2017", march, 90.0),
        company.check_in("sales/2017", april, 91.0),
        company.check_in("sales/2017", march, 95.0, known=april, revision=2),
    )
    assert state.values == [(march.toordinal(), 95.0), (april.toordinal(), 91.0)]
    assert state.value == 91.0
    assert state.newest == april.toordinal()


def test_a_withdrawn_check_in_takes_its_value_with_it(company: Company) -> None:
    first, second, third = (company.check_in("sales/2017", day, 90.0 + day.month) for day in MONTHS[:3])
    state = told(company, first, second, third)
    state.withdraw(third)
    assert (state.value, state.check_ins) == (92.0, 2)
    assert (state.newest, state.before) == (MONTHS[1].toordinal(), MONTHS[0].toordinal())
    state.withdraw(first)
    assert (state.values, state.newest, state.before) == ([(MONTHS[1].toordinal(), 92.0)], MONTHS[1].toordinal(), None)
    state.withdraw(second)
    assert (state.value, state.newest, state.before, state.check_ins) == (None, None, None, 0)


def test_a_withdrawn_check_in_leaves_another_one_of_its_day(company: Company) -> None:
    march = MONTHS[2]
    first = company.check_in("sales/2017", march, 90.0)
    state = told(company, first, company.check_in("sales/2017", march, 95.0, revision=2))
    state.withdraw(first)
    assert (state.value, state.newest) == (95.0, march.toordinal())


def test_an_older_day_that_comes_late_does_not_move_the_target_back(company: Company) -> None:
    state = told(
        company,
        company.check_in("sales/2017", MONTHS[3], 91.0, target=110.0),
        company.check_in("sales/2017", MONTHS[1], 80.0, target=100.0),
    )
    assert state.target == 110.0
    assert state.value == 91.0


def test_moved_goalposts_are_counted_and_a_missing_target_is_no_move(company: Company) -> None:
    targets = [100.0, None, 100.0, 120.0, 120.0]
    check_ins = [
        company.check_in("sales/2017", day, 1.0, target=target) for day, target in zip(MONTHS[:5], targets, strict=True)
    ]
    assert told(company, *check_ins).target_changes == 1


def test_a_moved_due_date_is_counted(company: Company) -> None:
    state = told(company)
    again = company.define("sales/2017", MONTHS[5], revision=2, due=(date(2018, 3, 31)).toordinal())
    state.define(again, series_of(again))
    assert state.due_changes == 1


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ([None], [True]),
        ([False, None, True], [False, False, True]),
        ([True, False, None], [True, True, True]),
        ([None, False, None], [True, False, False]),
    ],
)
def test_a_due_date_is_known_unless_a_version_says_not_yet(
    company: Company, said: list[bool | None], known: list[bool]
) -> None:
    state = KeyResultState(company.key_result_id("sales/2017"), "acme")
    found = []
    for revision, due_known in enumerate(said, 1):
        one = company.define("sales/2017", JANUARY, revision=revision, due_known=due_known)
        state.define(one, series_of(one))
        state = KeyResultState.from_json(state.key_result_id, "acme", json.loads(json.dumps(state.to_json())))
        found.append(state.due_known)
    assert found == known


def test_a_due_date_that_nobody_knew_does_not_move_when_it_is_set(company: Company) -> None:
    state = told(company, due_known=False)
    for month, due_known in ((3, True), (6, None)):
        due = date(2018, month, 28).toordinal()
        again = company.define("sales/2017", MONTHS[5], due_known=due_known, due=due)
        state.define(again, series_of(again))
    assert (state.due, state.due_changes) == (due, 1)


def test_a_state_stored_before_due_dates_could_be_unknown_is_read(company: Company) -> None:
    stored = {"defined": True, "name": "sales/2017", "due": 736_694, "values": [[736_400, 91.0]], "check_ins": 1}
    again = KeyResultState.from_json(company.key_result_id("sales/2017"), "acme", stored)
    assert (again.due_known, again.owner, again.objective_id) == (True, None, "")


def test_whose_it_is_is_kept_and_cut_short(company: Company) -> None:
    state = told(company, owner=f" {'x' * 300}")
    assert (state.owner, state.objective_id) == ("x" * WORD_LENGTH, company.define("a/1", JANUARY).objective_id)
    again = company.define("sales/2017", MONTHS[5], owner=" ")
    state.define(again, series_of(again))
    assert state.owner is None


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        ({"direction": "none"}, "no_direction"),
        ({"target": None}, "no_target"),
        ({"direction": "stay_between", "baseline": None}, "no_target"),
        ({"direction": "stay_between", "baseline": 90.0}, None),
        ({}, None),
    ],
)
def test_it_says_why_nobody_can_judge_it(company: Company, definition: dict[str, Any], why: str | None) -> None:
    assert told(company, **definition).unjudged == why


@pytest.mark.parametrize(
    ("direction", "inclusive", "value", "meets"),
    [
        ("stay_above", True, 100.0, True),
        ("stay_above", False, 100.0, False),
        ("stay_above", False, 100.1, True),
        ("stay_below", True, 100.0, True),
        ("stay_below", True, 100.1, False),
        ("increase", True, 99.9, False),
        ("decrease", True, 99.9, True),
        ("stay_between", True, 90.0, True),
        ("stay_between", False, 90.0, False),
        ("stay_between", False, 95.0, True),
        ("stay_between", True, 100.1, False),
        ("stay_between", True, 89.9, False),
    ],
)
def test_meeting_a_target_knows_direction_and_border(
    company: Company,
    direction: str,
    inclusive: bool,  # noqa: FBT001
    value: float,
    meets: bool,  # noqa: FBT001
) -> None:
    assert told(company, direction=direction, inclusive=inclusive, baseline=90.0).meets(value, 100.0) is meets


days = st.integers(0, 400).map(lambda days: JANUARY + timedelta(days=days))
values = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(days, values, values), max_size=12))
def test_it_survives_a_trip_through_json(said: list[tuple[date, float | None, float | None]]) -> None:
    company = Company()
    state = told(
        company,
        *(company.check_in("sales/2017", day, value, target=target) for day, value, target in said),
        attributes={"team": "blue", "size": 3.0},
        due_known=False,
        owner="Ada",
    )
    state.stood([3, 34, 76])
    again = KeyResultState.from_json(state.key_result_id, "acme", json.loads(json.dumps(state.to_json())))
    assert again == state
