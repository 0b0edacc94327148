"""The stream: predict from what was known, learn once, when the outcome comes, on what was stored."""

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from okr_trainer.domain.ageing import silent
from okr_trainer.domain.drafts import Stored
from okr_trainer.domain.inputs import CheckIn, Input
from okr_trainer.domain.learner import Learner, Step
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.track_record import BaseRate
from okr_trainer.rows import state_rows
from okr_trainer.testing import Company

NewLearner = Callable[..., Learner]
NAME = "sales/2017"


def heard(learner: Learner, *said: Input, stored: dict[str, list[Stored]] | None = None) -> Step:
    """One batch, committed at its end."""
    fresh = [one for one in said if not learner.heard(one.version.source, one.version.place)]
    step = learner.take(fresh, stored or {})
    learner.release()
    return step


def model_of(learner: Learner) -> LearnedModel:
    assert isinstance(learner.predictor, LearnedModel)
    return learner.predictor


def test_every_definition_and_check_in_gets_one_prediction(company: Company, new_learner: NewLearner) -> None:
    definition, check_in = company.define(NAME, date(2017, 1, 1)), company.check_in(NAME, date(2017, 1, 31), 99.0)
    first, second = heard(new_learner(), definition, check_in).drafts
    assert (first.check_in_id, first.revision, first.seq, first.kind) == (None, 1, 1, "live")
    assert (second.check_in_id, second.seq) == (check_in.version.entity_id, 2)
    assert second.probability == 0.5
    assert second.publishable


def test_version_0_answers_by_the_pace_rule_and_is_never_learned(company: Company, new_learner: NewLearner) -> None:
    company.year(NAME.split("/", maxsplit=1)[0], 2017, [101.0] * 12)
    step = heard(new_learner(0), *company.in_order)
    assert {draft.version for draft in step.drafts} == {0}
    assert all(draft.probability == draft.baselines["linear_pace"] for draft in step.drafts)
    assert step.drafts[-1].risk == "low"
    assert not any(draft.learnable or draft.learned_seq for draft in step.drafts)
    assert step.closed[0].learned == 0


def test_a_redelivery_changes_nothing(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner()
    definition, check_in = company.define(NAME, date(2017, 1, 1)), company.check_in(NAME, date(2017, 1, 31), 99.0)
    heard(learner, definition, check_in)
    assert heard(learner, definition, check_in).drafts == []
    assert learner.states[definition.key_result_id].check_ins == 1


@pytest.mark.parametrize(
    ("definition", "target", "why"),
    [({"direction": "none"}, 100.0, "no_direction"), ({}, None, "no_target"), (None, 100.0, "no_definition")],
)
def test_what_nobody_can_judge_has_a_row_without_a_probability(
    company: Company, new_learner: NewLearner, definition: dict[str, Any] | None, target: float | None, why: str
) -> None:
    learner = new_learner()
    if definition is not None:
        heard(learner, company.define(NAME, date(2017, 1, 1), **definition))
    (draft,) = heard(learner, company.check_in(NAME, date(2017, 1, 31), 99.0, target=target)).drafts
    assert (draft.why, draft.probability, draft.risk, draft.x) == (why, None, None, None)
    assert (draft.kind, draft.publishable, draft.learnable) == ("live", False, False)
    assert len(draft.reasons) == 1


def test_the_outcome_is_learned_on_what_was_stored_not_on_what_is_known_now(
    company: Company, new_learner: NewLearner
) -> None:
    learner = new_learner()
    made = heard(learner, company.define(NAME, date(2017, 1, 1)), company.check_in(NAME, date(2017, 1, 31), 99.0))
    stored = [Stored(draft.prediction_id, dict(draft.x or {}), draft.raw or 0.0) for draft in made.drafts]
    outcome = company.outcome(NAME, date(2017, 12, 31), 101.0, achieved=True)
    step = heard(learner, outcome, stored={outcome.key_result_id: stored})
    assert [(row.prediction_id, seq) for row, seq in step.learned] == [
        (stored[0].prediction_id, 1),
        (stored[1].prediction_id, 2),
    ]
    assert step.closed[0].learned == 2

    twin = LearnedModel.new(1, 1, "linear")
    for row in stored:
        twin.learn(row.x, row.raw, True, 0.5)
    assert twin.digest == model_of(learner).digest


def test_a_definition_is_learned_until_there_is_a_check_in(company: Company, new_learner: NewLearner) -> None:
    """A later version of it says what the next check-in says again."""
    step = heard(
        new_learner(),
        company.define(NAME, date(2017, 1, 1)),
        company.define(NAME, date(2017, 1, 2), revision=2, due=date(2017, 11, 30).toordinal()),
        company.check_in(NAME, date(2017, 1, 31), 99.0),
        company.define(NAME, date(2017, 2, 1), revision=3),
        company.check_in(NAME, date(2017, 2, 28), 99.0),
    )
    assert [draft.learnable for draft in step.drafts] == [True, True, True, False, True]


def test_predictions_of_the_same_batch_are_learned_from_memory(company: Company, new_learner: NewLearner) -> None:
    company.year("sales", 2017, [99.0] * 12)
    learner = new_learner()
    step = heard(learner, *company.in_order)
    assert [draft.learned_seq for draft in step.drafts] == list(range(1, 14))
    assert step.learned == []
    assert model_of(learner).learned == 13


def test_the_model_is_asked_before_it_learns(company: Company, new_learner: NewLearner) -> None:
    """In one batch: what comes before an outcome is answered without it, what comes after with it."""
    for name in ("a/2016", "b/2017"):
        company.define(name, date(int(name[-4:]), 1, 1))
    company.check_in("a/2016", date(2016, 12, 31), 99.0)
    company.outcome("a/2016", date(2016, 12, 31), 101.0, achieved=True)
    company.check_in("b/2017", date(2017, 1, 31), 99.0)
    drafts = heard(new_learner(), *company.said).drafts
    assert [draft.raw for draft in drafts[:3]] == [0.0, 0.0, 0.0]
    assert drafts[3].raw != 0.0


def test_what_comes_before_an_applied_outcome_is_late(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner()
    heard(learner, company.define("a/2016", date(2016, 1, 1)), company.define("b/2016", date(2016, 1, 1)))
    heard(learner, company.outcome("a/2016", date(2016, 12, 31), 101.0, achieved=True))
    early, same, after = (
        heard(learner, company.check_in("b/2016", day, 99.0)).drafts[0]
        for day in (date(2016, 11, 30), date(2016, 12, 31), date(2017, 1, 1))
    )
    assert (early.kind, early.learnable) == ("late", False)
    assert same.kind == "late"  # known at the same moment: check-ins come before outcomes, this one came after
    assert after.kind == "live"


def test_a_late_one_is_published_only_if_it_is_the_newest(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner()
    heard(learner, company.define(NAME, date(2017, 1, 1)), company.check_in(NAME, date(2017, 6, 30), 99.0))
    heard(learner, company.outcome("other/2017", date(2017, 12, 31), 101.0, achieved=True))
    (older,) = heard(learner, company.check_in(NAME, date(2017, 3, 31), 98.0)).drafts
    (newer,) = heard(learner, company.check_in(NAME, date(2017, 9, 30), 98.0)).drafts
    assert (older.kind, older.publishable) == ("late", False)
    assert (newer.kind, newer.publishable) == ("late", True)


def test_what_is_shown_is_what_is_published(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner()
    step = heard(
        learner,
        company.define(NAME, date(2017, 1, 1)),
        company.check_in(NAME, date(2017, 6, 30), 99.0),
        company.outcome("other/2017", date(2017, 12, 31), 101.0, achieved=True),
        company.check_in(NAME, date(2017, 9, 30), 98.0),
        company.check_in(NAME, date(2017, 3, 31), 98.0),
    )
    assert [(draft.kind, draft.shown, draft.publishable) for draft in step.drafts] == [
        *(("live", True, True), ("live", True, True), ("late", True, True), ("late", False, False))
    ]
    shown = b"".join(state_rows("acme", step.touched, step.drafts)).decode()
    assert step.drafts[2].prediction_id in shown
    assert step.drafts[3].prediction_id not in shown


def test_of_a_key_result_that_ended_nothing_new_is_shown(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner()
    company.year("sales", 2017, [99.0] * 12)
    heard(learner, *company.in_order)
    (draft,) = heard(learner, company.check_in(NAME, date(2018, 1, 31), 102.0)).drafts
    assert (draft.kind, draft.shown, draft.publishable) == ("late", False, False)


def test_after_its_own_outcome_a_check_in_is_late_and_a_second_outcome_changes_nothing(
    company: Company, new_learner: NewLearner
) -> None:
    learner = new_learner()
    company.year("sales", 2017, [99.0] * 12)
    heard(learner, *company.in_order)
    before = model_of(learner).digest
    (draft,) = heard(learner, company.check_in(NAME, date(2018, 1, 31), 102.0)).drafts
    assert draft.kind == "late"
    step = heard(learner, company.outcome(NAME, date(2018, 2, 1), 102.0, achieved=True, revision=2))
    assert step.closed[0].superseding
    assert model_of(learner).digest == before
    assert learner.base_rate.outcomes == 1


def test_a_withdrawn_outcome_reopens_its_key_result(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner()
    heard(learner, company.define(NAME, date(2017, 1, 1)), company.check_in(NAME, date(2017, 1, 31), 99.0))
    before = deepcopy(learner.tallies.known)
    outcome = company.outcome(NAME, date(2017, 3, 1), 99.0, achieved=True)
    heard(learner, outcome)
    assert learner.tallies.known != before
    step = heard(learner, company.withdraw(outcome, date(2017, 4, 1)))
    assert [one.said.version.entity_id for one in step.reopened] == [outcome.version.entity_id]
    assert learner.states[outcome.key_result_id].open
    assert learner.base_rate == BaseRate()
    assert learner.tallies.known == before
    assert {record.outcomes for record in learner.records.values()} == {0}
    (draft,) = heard(learner, company.check_in(NAME, date(2017, 4, 30), 98.0)).drafts
    assert (draft.kind, draft.shown, draft.learnable) == ("live", True, True)
    again = heard(learner, company.outcome(NAME, date(2017, 12, 31), 97.0, achieved=False, revision=3))
    assert not again.closed[0].superseding
    assert (learner.base_rate.outcomes, learner.base_rate.achieved) == (1, 0)


def test_a_withdrawn_check_in_is_not_what_the_next_prediction_is_made_of(
    company: Company, new_learner: NewLearner
) -> None:
    learner = new_learner()
    heard(learner, company.define(NAME, date(2017, 1, 1)))
    wrong = company.check_in(NAME, date(2017, 1, 31), 999.0)
    heard(learner, wrong)
    assert heard(learner, company.withdraw(wrong, date(2017, 2, 1))).drafts == []
    state = learner.states[wrong.key_result_id]
    assert (state.value, state.newest) == (None, None)
    assert silent([state], {"acme": date(2017, 2, 1).toordinal()}) == [wrong.key_result_id]


def test_a_dropped_key_result_is_closed_and_teaches_nothing(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner()
    step = heard(
        learner,
        company.define(NAME, date(2017, 1, 1)),
        company.check_in(NAME, date(2017, 1, 31), 99.0),
        company.outcome(NAME, date(2017, 3, 1), 99.0, achieved=None),
    )
    assert step.closed[0].learned == 0
    assert model_of(learner).learned == 0
    assert learner.base_rate.outcomes == 0
    assert learner.states[company.key_result_id(NAME)].closed


def test_an_outcome_before_anything_else_is_defined(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner()
    step = heard(learner, company.outcome(NAME, date(2017, 3, 1), 99.0, achieved=True))
    assert step.closed[0].learned == 0
    (draft,) = heard(learner, company.define(NAME, date(2017, 1, 1))).drafts
    assert draft.kind == "late"


def test_the_sources_clock_is_the_newest_day_seen(company: Company, new_learner: NewLearner) -> None:
    learner = new_learner()
    heard(learner, company.define(NAME, date(2017, 1, 1)))
    heard(learner, company.check_in(NAME, date(2017, 6, 30), 99.0), company.check_in(NAME, date(2017, 3, 31), 99.0))
    assert learner.marks["acme"].clock == date(2017, 6, 30).toordinal()


def test_the_series_remembers_its_predecessor(company: Company, new_learner: NewLearner) -> None:
    company.year("sales", 2016, [101.0] * 12)
    learner = new_learner()
    heard(learner, *company.in_order)
    again = company.define("sales/2017", date(2017, 1, 1))
    check_in = company.check_in("sales/2017", date(2017, 1, 31), 99.0)
    draft = heard(learner, again, check_in).drafts[-1]
    assert isinstance(check_in, CheckIn)
    assert draft.x is not None
    assert draft.x["predecessor"] == 1.0
