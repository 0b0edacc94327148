"""What if: the same answer as the stream's where nothing changes, another where something does, and nothing is kept."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime
from math import expm1

import pytest

from okr_trainer.domain.inputs import CheckIn, Place, Version
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.reasons import describe
from okr_trainer.domain.what_if import what_if
from okr_trainer.testing import Company

NOW = datetime(2017, 3, 1, tzinfo=UTC)
LAST = date(2017, 2, 28).toordinal()
"""The day of the newest check-in."""


@pytest.fixture
def told(company: Company, past: Company, new_learner: Callable[..., Learner]) -> tuple[Learner, str, float]:
    learner = new_learner()
    learner.take(past.in_order, {})
    step = learner.take(
        [company.define("series 1/2017", date(2017, 1, 1)), company.check_in("series 1/2017", date(2017, 2, 28), 97.0)],
        {},
    )
    probability = step.drafts[-1].probability
    assert probability is not None
    return learner, step.drafts[-1].key_result_id, probability


def check_in(key_result_id: str, value: float) -> CheckIn:
    version = Version("acme", Place(0, 0, 0), key_result_id, 0, NOW, 0, 0, "")
    return CheckIn(version, key_result_id, date(2017, 2, 28).toordinal(), value, 100.0, None)


def test_as_things_stand_it_says_what_the_stream_said(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, probability = told
    assert what_if(learner, learner.states[key_result_id], None, LAST, NOW).probability == probability


def test_a_silent_key_result_is_judged_as_of_today(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, _ = told
    answer = what_if(learner, learner.states[key_result_id], None, date(2017, 10, 2).toordinal(), NOW)
    then = what_if(learner, learner.states[key_result_id], None, LAST, NOW)
    assert answer.x is not None
    assert then.x is not None
    assert (answer.on, answer.due - answer.on) == (date(2017, 10, 2).toordinal(), 90)
    assert answer.elapsed == pytest.approx(274 / 364)
    assert expm1(float(answer.x["days_since"])) == pytest.approx((date(2017, 10, 2) - date(2017, 2, 28)).days)
    assert answer.probability != then.probability
    assert "90 of 364 days left" in describe("time", answer)


def test_a_clock_behind_the_newest_check_in_does_not_turn_it_back(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, probability = told
    assert what_if(learner, learner.states[key_result_id], None, 0, NOW).probability == probability


def test_a_better_value_raises_the_chance_and_nothing_is_kept(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, probability = told
    before = deepcopy(learner.states[key_result_id])
    answer = what_if(learner, learner.states[key_result_id], check_in(key_result_id, 110.0), LAST, NOW)
    assert answer.probability is not None
    assert answer.probability > probability
    assert answer.value == 110.0
    assert "110 is 10.0% past its target 100" in " ".join(str(reason["text"]) for reason in answer.reasons)
    assert learner.states[key_result_id] == before


def test_what_nobody_can_judge_says_why(company: Company, new_learner: Callable[..., Learner]) -> None:
    learner = new_learner()
    learner.take([company.define("watched/2017", date(2017, 1, 1), direction="none")], {})
    (state,) = learner.states.values()
    answer = what_if(learner, state, None, LAST, NOW)
    assert answer.probability is None
    assert "no direction" in str(answer.reasons[0]["text"])
