"""The final value lies within a forecast's interval as often as it says: by how far off forecasts were before."""

import math
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.forecast import KEPT, LEAST, Errors
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.track_record import series_of
from okr_trainer.testing import Company

NewLearner = Callable[..., Learner]
START = date(2017, 1, 1)


def state_of(**more: Any) -> KeyResultState:  # noqa: ANN401
    one = Company().define("sales/2017", START, **{"direction": "increase", "baseline": 0.0, **more})
    state = KeyResultState(one.key_result_id, "acme")
    state.define(one, series_of(one))
    return state


def ended(errors: Errors, state: KeyResultState, *finals: float, at: float = 0.5, said: float = 100.0) -> Errors:
    for final in finals:
        errors.see(state, final, 100.0, [(at, said)])
    return errors


def test_of_few_nobody_knows() -> None:
    state = state_of()
    errors = ended(Errors(), state, *range(90, 90 + LEAST - 1))
    assert errors.interval(state, 0.5, 50.0) is None
    ended(errors, state, 108.0)
    assert errors.interval(state, 0.5, 50.0) == pytest.approx((40.0, 58.0))


def test_it_is_that_of_this_part_of_the_period_and_relative_to_the_way() -> None:
    errors = ended(Errors(), state_of(), *range(90, 110))
    large = state_of(target=1000.0)
    low, high = errors.interval(large, 0.6, 500.0) or (0.0, 0.0)
    assert (low, high) == pytest.approx((400.0, 590.0))
    assert errors.interval(large, 0.9, 500.0) is None
    assert errors.interval(state_of(direction="stay_above"), 0.6, 500.0) is None


def test_where_less_is_better_more_is_worse() -> None:
    down = state_of(direction="decrease", baseline=200.0)
    errors = ended(Errors(), down, *[100.0] * 10, *[150.0] * 10)
    assert errors.interval(down, 0.5, 100.0) == pytest.approx((100.0, 150.0))


def test_a_key_result_counts_once_in_each_part_of_its_period() -> None:
    errors, state = Errors(), state_of()
    errors.see(state, 100.0, 100.0, [(0.3, 10.0), (0.4, 60.0), (0.9, 90.0)])
    assert sorted(errors.newest.values()) == [[0.1], [0.4]]


def test_old_errors_are_forgotten() -> None:
    errors, state = ended(Errors(), state_of(), *[1000.0] * KEPT), state_of()
    assert errors.interval(state, 0.5, 0.0) == pytest.approx((900.0, 900.0))
    ended(errors, state, *[100.0] * KEPT)
    assert errors.interval(state, 0.5, 0.0) == (0.0, 0.0)


@pytest.mark.parametrize("more", [{"direction": "stay_between"}, {"due_known": False}, {"target": None}])
def test_where_there_is_no_way_to_go_there_is_none(more: dict[str, Any]) -> None:
    assert ended(Errors(), state_of(), *range(40)).interval(state_of(**more), 0.5, 50.0) is None


@given(st.lists(st.floats(allow_nan=False), min_size=LEAST, max_size=60), st.floats(allow_nan=False))
def test_no_value_makes_it_endless(finals: list[float], said: float) -> None:
    errors, state = ended(Errors(), state_of(), *finals), state_of()
    told = errors.interval(state, 0.5, said)
    assert told is None or (told[0] <= told[1] and all(map(math.isfinite, told)))


def goal(company: Company, chance: Random, number: int) -> float:
    """Half of the way after half of its twenty days, or about that; where it ends is anybody's guess."""
    name, start = f"kr {number}/x", date(2000, 1, 1) + timedelta(days=30 * number)
    half, due = start + timedelta(days=10), start + timedelta(days=20)
    days = {"start": start.toordinal(), "due": due.toordinal()}
    company.define(name, start, direction="increase", baseline=0.0, **days)
    company.check_in(name, half, chance.uniform(30.0, 60.0))
    final = chance.gauss(90.0, 15.0)
    company.outcome(name, due, final, achieved=final >= 100.0)
    return final


def told_in_turn(company: Company, learner: Learner) -> Iterator[tuple[Draft, float]]:
    """The draft of each check-in, one key result after another, and how it ended."""
    chance = Random(7)  # noqa: S311 - the same each time
    for number in range(300):
        at = len(company.said)
        final = goal(company, chance, number)
        *before, outcome = company.said[at:]
        drafts = learner.take(before, {}).drafts
        yield drafts[-1], final
        learner.take([outcome], {})


def test_nine_in_ten_end_within(company: Company, new_learner: NewLearner) -> None:
    """Each is told before it ends, by those that ended before: nobody peeks."""
    said = [(draft.ends_within, final) for draft, final in told_in_turn(company, new_learner())]
    assert not any(told for told, _ in said[:LEAST])
    held = [told[0] <= final <= told[1] for told, final in said if told]
    assert len(held) == 300 - LEAST
    assert 0.86 <= sum(held) / len(held) <= 0.95


def test_what_is_kept_says_the_same(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner()
    list(told_in_turn(company, learner))
    again = Errors.of(orjson.loads(orjson.dumps(learner.errors.newest)))
    state = state_of()
    assert again.interval(state, 0.5, 50.0) == learner.errors.interval(state, 0.5, 50.0) is not None
