"""History is replayed in the order in which it became known, and no label is used before it was."""

import random
from datetime import date, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.evaluation import evaluate
from okr_trainer.domain.forecast import Errors
from okr_trainer.domain.inputs import Definition, Input, Outcome, knowledge_order
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel, PaceRule
from okr_trainer.domain.replay import Replay
from okr_trainer.domain.risk import CutPoints
from okr_trainer.domain.states import States
from okr_trainer.domain.tallies import Tallies
from okr_trainer.domain.track_record import BaseRate
from okr_trainer.testing import Company, history


def replayed(inputs: list[Input], size: int = 10_000) -> tuple[Replay, list[Draft]]:
    replay = Replay.begin("acme", 1, 1, "linear", CutPoints())
    ordered = sorted(inputs, key=knowledge_order)
    drafts = [draft for start in range(0, len(ordered), size) for draft in replay.take(ordered[start : start + size])]
    return replay, [*drafts, *replay.finish()]


def answers(drafts: list[Draft]) -> dict[str, tuple[float | None, float | None, int | None]]:
    return {draft.prediction_id: (draft.raw, draft.probability, draft.learned_seq) for draft in drafts}


def test_it_learns_history_and_beats_the_prior(past: Company) -> None:
    replay, drafts = replayed(past.said)
    assert replay.check_ins == 5 * 6 * 12
    assert replay.outcomes == 30
    assert len(drafts) == 5 * 6 * 13
    assert {draft.kind for draft in drafts} == {"replay"}
    assert not any(draft.publishable for draft in drafts)
    said = evaluate(replay.scored)["all"]
    assert said["n"] == 360
    assert said["predictors"]["model"]["log_loss"][0] < said["predictors"]["class_prior"]["log_loss"][0]
    assert said["predictors"]["model"]["auc"][0] > 0.85


def test_how_history_is_cut_into_batches_has_no_say(past: Company) -> None:
    whole, small = replayed(past.said), replayed(past.said, size=7)
    assert answers(whole[1]) == answers(small[1])
    assert whole[0].model.digest == small[0].model.digest
    assert evaluate(whole[0].scored) == evaluate(small[0].scored)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**9))
def test_the_order_of_arrival_has_no_say(seed: int) -> None:
    company = history(years=3, series=3)
    shuffled = list(company.said)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - a recorded seed
    moved = [
        one._replace(version=one.version._replace(place=one.version.place._replace(seq=number, position=2)))
        for number, one in enumerate(shuffled)
    ]
    first, second = replayed(company.said), replayed(moved)
    assert answers(first[1]) == answers(second[1])
    assert evaluate(first[0].scored) == evaluate(second[0].scored)
    assert first[0].model.digest == second[0].model.digest


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1400), st.integers(0, 10**9))
def test_nothing_after_a_day_changes_a_prediction_before_it(days: int, seed: int) -> None:
    company = history(years=4, series=3)
    day = date(2010, 1, 1) + timedelta(days=days)
    chance = random.Random(seed)  # noqa: S311
    changed = [_shifted(one, chance) if one.version.knowledge_time.date() > day else one for one in company.said]
    before, after = ({draft.prediction_id: draft for draft in replayed(said)[1]} for said in (company.said, changed))
    known = [draft for draft in before.values() if draft.knowledge_time.date() <= day]
    for draft in known:
        other = after[draft.prediction_id]
        assert (draft.x, draft.raw, draft.probability) == (other.x, other.raw, other.probability)


def _shifted(one: Input, chance: random.Random) -> Input:
    later = one.version.knowledge_time + timedelta(days=chance.randrange(200))
    moved = one._replace(version=one.version._replace(knowledge_time=later))
    return moved._replace(achieved=not moved.achieved) if isinstance(moved, Outcome) else moved


def test_replaying_the_recorded_learn_order_gives_the_same_state(past: Company) -> None:
    replay, drafts = replayed(past.said)
    achieved = {one.key_result_id: one.achieved for one in past.said if isinstance(one, Outcome)}
    learned = sorted((draft for draft in drafts if draft.learned_seq), key=lambda draft: draft.learned_seq or 0)
    again = LearnedModel.new(1, 1, "linear")
    for draft in learned:
        assert draft.x is not None
        weight = 1.0 / sum(other.key_result_id == draft.key_result_id for other in learned)
        again.learn(draft.x, draft.raw or 0.0, bool(achieved[draft.key_result_id]), weight)
    assert again.digest == replay.model.digest


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_the_stream_makes_the_same_features_whatever_it_forgets_in_between(size: int) -> None:
    company = history(years=3, series=3)
    for number, one in enumerate(company.said):
        if isinstance(one, Definition):
            said = {"owner": f"owner {number % 2}", "attributes": {"team": f"team {number % 3}"}}
            company.said[number] = one._replace(due_known=number % 4 > 0, **said)
    _, drafts = replayed(company.said)
    heard = company.in_order
    learner = Learner("acme", PaceRule(), CutPoints())
    live = []
    for start in range(0, len(heard), size):
        live += learner.take(heard[start : start + size], {}).drafts
        learner = _restarted(learner)
    assert {_version(draft): draft.x for draft in live} == {_version(draft): draft.x for draft in drafts}


def _version(draft: Draft) -> tuple[str, str | None, int]:
    return (draft.key_result_id, draft.check_in_id, draft.revision)


def _restarted(learner: Learner) -> Learner:
    """What another process knows: only what was stored."""
    kept = States()
    for name, state in learner.states.items():
        kept.lay(name, "acme", orjson.dumps(state.to_json()).decode())
    base = learner.base_rate
    return Learner(
        *(learner.model, learner.predictor, learner.cut_points),
        states=kept,
        records=learner.records,
        base_rate=BaseRate.of(base.outcomes, base.achieved, base.recent),
        tallies=Tallies.of(learner.tallies.known),
        errors=Errors.of(learner.errors.newest),
        watermark=learner.watermark,
    )


def test_what_is_still_open_at_the_cut_waits_with_its_features(past: Company) -> None:
    past.define("series 1/2015", date(2015, 1, 1))
    past.check_in("series 1/2015", date(2015, 1, 31), 99.0)
    _, drafts = replayed(past.said)
    waiting = [draft for draft in drafts if draft.key_result_id == past.key_result_id("series 1/2015")]
    assert [draft.learned_seq for draft in waiting] == [None, None]
    assert all(draft.learnable and draft.x is not None for draft in waiting)


@pytest.mark.parametrize("achieved", [True, False])
def test_a_single_class_is_defined(company: Company, achieved: bool) -> None:  # noqa: FBT001
    for year in (2010, 2011):
        company.year("sales", year, [101.0 if achieved else 99.0] * 12)
    replay, drafts = replayed(company.said)
    assert all(draft.probability is None or 0.0 < draft.probability < 1.0 for draft in drafts)
    assert evaluate(replay.scored)["all"]["predictors"]["model"]["auc"] == [None, None, None]


def test_an_empty_history_is_defined() -> None:
    replay, drafts = replayed([])
    assert drafts == []
    assert evaluate(replay.scored)["all"]["n"] == 0
    assert (replay.since, replay.until) == (None, None)
