"""Key results in memory: whether they are folded or not, and in how many parts a batch is decided, changes nothing."""

from datetime import UTC, date, datetime

import pytest

from okr_trainer.domain import states
from okr_trainer.domain.inputs import Input
from okr_trainer.domain.learner import Learner, Step
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.risk import CutPoints
from okr_trainer.rows import prediction_rows
from okr_trainer.testing import Company

BATCH = 25
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def said(step: Step) -> tuple[bytes, dict[str, object], object, object]:
    """All that would be written of it."""
    touched = {name: state.to_json() for name, state in step.touched.items()}
    return b"".join(prediction_rows("acme", step.drafts, 1, NOW)), touched, step.tallies, step.gone


def heard(inputs: list[Input], part: int = BATCH) -> tuple[list[object], Learner]:
    """Batch after batch, each decided in parts of this size."""
    learner = Learner("acme", LearnedModel.new(1, 1, "newton"), CutPoints())
    told: list[object] = []
    for at in range(0, len(inputs), BATCH):
        batch = inputs[at : at + BATCH]
        learner.begin()
        for place in range(0, len(batch), part):
            learner.go_on(batch[place : place + part], {})
        told.append(said(learner.close()))
        learner.release()
        learner.forget_closed()
    return told, learner


def digest(learner: Learner) -> str:
    assert isinstance(learner.predictor, LearnedModel)
    return learner.predictor.digest


def test_folding_changes_nothing(past: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    awake, known = heard(past.in_order)
    monkeypatch.setattr(states, "MOST_AWAKE", 0)
    folded, again = heard(past.in_order)
    assert folded == awake
    assert {one.key_result_id: one for one in again.states.unfolded()} == dict(known.states)
    assert digest(again) == digest(known)


@pytest.mark.parametrize("part", [1, 7])
def test_a_batch_decided_in_parts_is_decided_alike(past: Company, part: int) -> None:
    whole, learner = heard(past.in_order)
    parts, again = heard(past.in_order, part)
    assert parts == whole
    assert digest(again) == digest(learner)


def test_who_has_ended_leaves_and_who_is_open_is_folded(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "MOST_AWAKE", 1)
    ended, *others = [company.define(f"{name}/2015", date(2015, 1, 1)).key_result_id for name in ("a", "b", "c")]
    company.outcome("a/2015", date(2015, 12, 31), 101.0, achieved=True)
    _, learner = heard(company.in_order)
    assert sorted(learner.states) == sorted(others)
    assert len(learner.states) == len(others)
    assert ended not in learner.states
    assert learner.states.get(ended) is None
    assert learner.states[others[0]].name == "b/2015"
    del learner.states[others[1]]
    assert list(learner.states) == others[:1]
