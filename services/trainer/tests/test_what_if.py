"""What if: the same answer as the stream's where nothing changes, another where something does, and nothing is kept."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime
from math import expm1, log1p

import pytest

from okr_trainer.domain import what_if
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.reasons import describe
from okr_trainer.domain.what_if import NO_CHANGE, Change, suppose
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


def answered(learner: Learner, key_result_id: str, change: Change = NO_CHANGE, today: int = LAST) -> Draft:
    (made,) = what_if.answered(learner, [suppose(learner.states[key_result_id], change, today, NOW)], NOW)
    return made


def test_as_things_stand_it_says_what_the_stream_said(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, probability = told
    assert answered(learner, key_result_id).probability == probability


def test_asked_together_each_is_answered_as_it_is_alone(told: tuple[Learner, str, float], company: Company) -> None:
    learner, key_result_id, _ = told
    learner.take([company.define("watched/2017", date(2017, 1, 1), direction="none")], {})
    state, nobody_can = learner.states[key_result_id], learner.states[company.key_result_id("watched/2017")]
    changes = [NO_CHANGE, Change(value=110.0), Change(due=date(2017, 6, 30).toordinal()), Change(as_of=LAST + 90)]
    asked = [suppose(state, change, LAST, NOW) for change in changes] + [suppose(nobody_can, NO_CHANGE, LAST, NOW)]
    alone = [what_if.answered(learner, [one], NOW)[0] for one in asked]
    assert what_if.answered(learner, asked, NOW) == alone
    assert len({one.probability for one in alone}) == len(asked)


def test_a_silent_key_result_is_judged_as_of_today(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, _ = told
    answer = answered(learner, key_result_id, today=date(2017, 10, 2).toordinal())
    then = answered(learner, key_result_id)
    assert answer.x is not None
    assert then.x is not None
    assert (answer.on, answer.due - answer.on) == (date(2017, 10, 2).toordinal(), 90)
    assert answer.elapsed == pytest.approx(274 / 364)
    assert expm1(float(answer.x["days_since"])) == pytest.approx((date(2017, 10, 2) - date(2017, 2, 28)).days)
    assert answer.probability != then.probability
    assert "90 of 364 days left" in describe("time", answer)


def test_a_clock_behind_the_newest_check_in_does_not_turn_it_back(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, probability = told
    assert answered(learner, key_result_id, today=0).probability == probability


def test_a_better_value_raises_the_chance_and_nothing_is_kept(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, probability = told
    before = deepcopy(learner.states[key_result_id])
    answer = answered(learner, key_result_id, Change(value=110.0))
    assert answer.probability is not None
    assert answer.probability > probability
    assert answer.value == 110.0
    assert "110 is 10.0% past its target 100" in " ".join(str(reason["text"]) for reason in answer.reasons)
    assert learner.states[key_result_id] == before


def test_what_nobody_can_judge_says_why(company: Company, new_learner: Callable[..., Learner]) -> None:
    learner = new_learner()
    learner.take([company.define("watched/2017", date(2017, 1, 1), direction="none")], {})
    answer = answered(learner, company.key_result_id("watched/2017"))
    assert answer.probability is None
    assert "no direction" in str(answer.reasons[0]["text"])


def test_each_thing_that_may_be_changed_reaches_the_features(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, _ = told
    due = answered(learner, key_result_id, Change(due=date(2017, 6, 30).toordinal()))
    assert (due.due - due.on, due.elapsed > answered(learner, key_result_id).elapsed) == (122, True)
    assert due.x is not None
    assert due.x["due_changes"] > 0
    target = answered(learner, key_result_id, Change(target=90.0))
    assert target.x is not None
    assert (target.target, target.x["meets_now"], target.x["check_ins"]) == (90.0, 1.0, log1p(1))
    assert answered(learner, key_result_id, Change(confidence=0.8)).baselines["owner_confidence"] == 0.8
    team = answered(learner, key_result_id, Change(attributes={"team": "blue", "size": 3.0}))
    assert team.x is not None
    assert (team.x["attribute:team"], team.x["attribute:size"]) == ("blue", pytest.approx(log1p(3.0)))


def test_an_attribute_that_is_taken_away_is_gone_and_the_others_stay(
    company: Company, new_learner: Callable[..., Learner]
) -> None:
    learner = new_learner()
    learner.take([company.define("sales/2017", date(2017, 1, 1), attributes={"team": "blue", "size": 3.0})], {})
    key_result_id = company.key_result_id("sales/2017")
    changed = answered(learner, key_result_id, Change(attributes={"team": None}))
    assert changed.x is not None
    assert ("attribute:team" in changed.x, "attribute:size" in changed.x) == (False, True)
    assert learner.states[key_result_id].attributes == {"team": "blue", "size": 3.0}


def test_a_day_without_a_value_is_only_when_it_is_asked(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, _ = told
    later = answered(learner, key_result_id, Change(as_of=date(2017, 8, 1).toordinal()))
    assert later.x is not None
    assert (later.on, later.x["check_ins"]) == (date(2017, 8, 1).toordinal(), log1p(1))


def test_a_due_date_that_is_set_for_the_first_time_has_not_moved(told: tuple[Learner, str, float]) -> None:
    learner, key_result_id, _ = told
    state = learner.states[key_result_id]
    state.due_known = False
    first = answered(learner, key_result_id, Change(due=state.due))
    assert first.x is not None
    assert (first.x["due_unknown"], first.x["due_changes"]) == (0.0, 0.0)
