"""A checkpoint is read only where every proof agrees."""

import hashlib
import os
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from okr_common.errors import PermanentError
from okr_trainer.domain.checkpoint import Checkpoint, load, save
from okr_trainer.domain.forest import Forest
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.pipeline import BUILDERS
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.replay import Replay
from okr_trainer.domain.risk import CutPoints
from okr_trainer.testing import Company


@pytest.fixture
def model(past: Company) -> LearnedModel:
    replay = Replay.begin("acme", 1, 1, "linear", CutPoints())
    replay.take(past.in_order)
    return replay.model


def refused(checkpoint: Checkpoint, reason: str) -> None:
    with pytest.raises(PermanentError, match=reason) as caught:
        load(checkpoint)
    assert caught.value.reason == "checkpoint_refused"


def sealed(content: bytes, like: Checkpoint) -> Checkpoint:
    return replace(like, content=content, sha256=hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("builder", sorted(BUILDERS))
def test_a_restored_model_is_the_same_and_goes_on_the_same(past: Company, builder: str) -> None:
    replay = Replay.begin("acme", 3, 2, builder, CutPoints())
    drafts = replay.take(past.in_order)
    model, again = replay.model, load(save(replay.model))
    assert (again.version, again.training, again.builder, again.learned) == (3, 2, builder, model.learned)
    assert again.digest == model.digest
    for draft in drafts[:50]:
        if draft.x is not None and draft.raw is not None:
            assert model.learn(draft.x, draft.raw, True, 0.5) == again.learn(draft.x, draft.raw, True, 0.5)
    assert again.digest == model.digest


def test_a_truncated_one_is_refused(model: LearnedModel) -> None:
    saved = save(model)
    refused(replace(saved, content=saved.content[:-10]), "sha256")
    refused(sealed(saved.content[:-10], saved), "cannot be read")


def test_a_swapped_one_is_refused(model: LearnedModel) -> None:
    other = save(LearnedModel.new(1, 1, "linear"))
    refused(sealed(other.content, save(model)), "state digest")


def test_one_of_another_river_is_refused(model: LearnedModel) -> None:
    saved = save(model)
    refused(replace(saved, libraries=saved.libraries | {"river": "0.25.0"}), "library versions")


def test_one_of_another_feature_contract_is_refused(model: LearnedModel) -> None:
    refused(replace(save(model), contract="0" * 64), "feature contract")


class Hostile:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("exit 1",)


class Sly:
    """An allowed module, a name that is not."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1",)


@pytest.mark.parametrize(("what", "asks_for"), [(Hostile(), "system"), (Sly(), "eval")])
def test_a_hostile_one_is_refused_before_it_runs(model: LearnedModel, what: object, asks_for: str) -> None:
    refused(sealed(pickle.dumps({"version": what}), save(model)), f"asks for .*{asks_for}")


@pytest.mark.parametrize("content", [{"version": 1}, [1, 2]])
def test_one_that_holds_no_model_is_refused(model: LearnedModel, content: object) -> None:
    refused(sealed(pickle.dumps(content), save(model)), "lacks a part|not a model")


@pytest.mark.parametrize(
    "pipeline",
    [
        {"forest": {"trees": 10**9}},
        {"forest": {**Forest().to_dict(), "roots": [{}]}},
        {"woods": {}},
        {},
        {"mean": [{"paced": {"newton": {}, "weight": "heavy", "known": 1.0}}], "parts": []},
        {"mean": [], "parts": [1]},
        {"mean": [None], "parts": [0]},
        {"mean": [None], "parts": ["all"]},
    ],
)
def test_a_pipeline_of_our_own_that_is_none_is_refused(model: LearnedModel, pipeline: object) -> None:
    saved = save(model)
    parts = pickle.loads(saved.content) | {"pipeline": pipeline}  # noqa: S301 - our own bytes
    refused(sealed(pickle.dumps(parts), saved), "lacks a part")


def test_one_of_before_there_were_drifts_or_intervals_is_refused(model: LearnedModel) -> None:
    saved = save(model)
    parts = pickle.loads(saved.content)  # noqa: S301 - our own bytes
    refused(sealed(pickle.dumps({name: parts[name] for name in parts if name != "drift"}), saved), "lacks a part")
    older = parts | {"calibration": parts["calibration"][:12]}
    refused(sealed(pickle.dumps(older), saved), "17 numbers, this has 12")


def test_a_version_0_learner_has_nothing_to_save(new_learner: Callable[..., Learner]) -> None:
    assert not isinstance(new_learner(0).predictor, LearnedModel)
