"""Silent key results: judged again once a day as of today, shown, never learned."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from okr_trainer.domain.ageing import Origin, age, silent
from okr_trainer.domain.inputs import Gone
from okr_trainer.domain.learner import Learner, Step
from okr_trainer.domain.reasons import describe
from okr_trainer.testing import Company

NewLearner = Callable[..., Learner]
OCTOBER = date(2017, 10, 2)
NAME = "sales/2017"


@pytest.fixture
def learner(company: Company, new_learner: NewLearner) -> Learner:
    """A key result that was told of in January, and no more."""
    made = new_learner()
    told(made, company.define(NAME, date(2017, 1, 1)), company.check_in(NAME, date(2017, 1, 31), 99.0))
    return made


def told(learner: Learner, *said: object) -> Step:
    step = learner.take(said, {})  # type: ignore[arg-type]
    learner.release()
    return step


def found(learner: Learner, day: date) -> list[str]:
    return silent(learner.states.values(), {"acme": day.toordinal()})


def aged(learner: Learner, day: date) -> Step:
    """As the owner does it."""
    return age(learner, {name: Origin(1, 7, 9) for name in found(learner, day)}, {"acme": day.toordinal()})


def test_it_is_judged_as_of_today(company: Company, learner: Learner) -> None:
    (draft,) = aged(learner, OCTOBER).drafts
    assert (draft.kind, draft.check_in_id, draft.publishable, draft.learnable) == ("aged", None, True, False)
    assert draft.knowledge_time == datetime(2017, 10, 2, tzinfo=UTC)
    assert (draft.seq, draft.revision, draft.batch_id, draft.row_num) == (3, 1, 7, 9)
    assert draft.elapsed == pytest.approx(274 / 364)
    assert describe("time", draft) == "90 of 364 days left"
    assert draft.probability is not None
    assert draft.key_result_id == company.key_result_id(NAME)


def test_once_a_day_and_under_an_id_of_its_day(company: Company, learner: Learner) -> None:
    (first,) = aged(learner, OCTOBER).drafts
    assert aged(learner, OCTOBER).drafts == []
    (second,) = aged(learner, date(2017, 10, 3)).drafts
    assert second.seq == first.seq + 1
    again = Learner("acme", learner.predictor, learner.cut_points)
    told(again, *company.in_order)
    assert aged(again, OCTOBER).drafts[0].prediction_id == first.prediction_id != second.prediction_id


def test_who_has_an_answer_of_today_is_not_silent(company: Company, learner: Learner) -> None:
    told(learner, company.check_in(NAME, OCTOBER, 98.0))
    assert found(learner, OCTOBER) == []
    assert found(learner, date(2017, 10, 3)) == [company.key_result_id(NAME)]


def test_only_what_is_open_judged_and_not_yet_due_ages(company: Company, learner: Learner) -> None:
    others = ("over/2017", "closed/2017", "gone/2017", "watched/2017")
    for name in others:
        due = date(2017, 9, 30) if name == "over/2017" else date(2017, 12, 31)
        direction = "none" if name == "watched/2017" else "stay_above"
        told(learner, company.define(name, date(2017, 1, 1), due=due.toordinal(), direction=direction))
    told(learner, company.outcome("closed/2017", date(2017, 5, 1), 99.0, achieved=False))
    told(learner, Gone(company.version("key_result/gone/2017", date(2017, 5, 1), 2)))
    assert {learner.states[company.key_result_id(name)].open for name in others} == {True, False}
    assert found(learner, OCTOBER) == [company.key_result_id(NAME)]
    assert silent(learner.states.values(), {}) == []


def test_the_pace_rule_ages_too(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner(0)
    told(learner, company.define(NAME, date(2017, 1, 1)), company.check_in(NAME, date(2017, 1, 31), 99.0))
    (draft,) = aged(learner, OCTOBER).drafts
    assert (draft.version, draft.probability) == (0, draft.baselines["linear_pace"])


def test_a_day_that_was_judged_before_is_not_judged_again(learner: Learner) -> None:
    """A source's day may go back; what is published under a day's id stays."""
    state = next(iter(learner.states.values()))
    state.aged, state.answered = date(2017, 4, 2).toordinal(), None
    assert silent([state], {"acme": date(2017, 4, 1).toordinal()}) == []
