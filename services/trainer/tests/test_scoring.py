"""A batch scored at once is what River says row by row, and each row stands for itself."""

import subprocess
import sys
from dataclasses import replace

import pytest

from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.features import Features
from okr_trainer.domain.numbers import sigmoid
from okr_trainer.domain.pipeline import BUILDERS, build, view_of
from okr_trainer.domain.replay import Replay
from okr_trainer.domain.risk import CutPoints
from okr_trainer.testing import Company, history


@pytest.fixture(params=sorted(BUILDERS))
def taught(request: pytest.FixtureRequest, past: Company) -> tuple[Replay, list[Draft]]:
    replay = Replay.begin("acme", 1, 1, request.param, CutPoints())
    return replay, [draft for draft in replay.take(past.in_order) if draft.x is not None]


def rows_of(drafts: list[Draft]) -> list[Features]:
    return [draft.x for draft in drafts if draft.x is not None]


def test_a_batch_is_what_the_pipeline_says_row_by_row(taught: tuple[Replay, list[Draft]]) -> None:
    replay, drafts = taught
    pipeline, xs = replay.model.pipeline, rows_of(drafts)
    raw = view_of(pipeline, replay.model.words).score(xs).raw
    for x, one in zip(xs, raw, strict=True):
        assert sigmoid(one) == pytest.approx(pipeline.predict_proba_one(x)[True], rel=1e-9, abs=1e-12)


def test_a_rows_score_does_not_depend_on_the_batch_to_the_last_bit(taught: tuple[Replay, list[Draft]]) -> None:
    replay, drafts = taught
    view, xs = view_of(replay.model.pipeline, replay.model.words), rows_of(drafts)
    together = view.score(xs).raw.tolist()
    assert together == [view.score([x]).raw[0] for x in xs]
    assert together[3:] == view.score(xs[3:]).raw.tolist()


def test_contributions_add_up_to_the_score_against_a_typical_key_result(taught: tuple[Replay, list[Draft]]) -> None:
    replay, drafts = taught
    scores = view_of(replay.model.pipeline, replay.model.words).score(rows_of(drafts))
    typical = scores.raw - sum(scores.aspects.values())
    assert typical.max() - typical.min() < 1e-9


@pytest.mark.parametrize("builder", sorted(BUILDERS))
def test_every_draft_says_why_in_words_with_numbers(builder: str) -> None:
    replay = Replay.begin("acme", 1, 1, builder, CutPoints())
    drafts = replay.take(history(years=8).in_order)  # of fewer outcomes no tree has a split yet
    last = replace(drafts[-1], kind="live")
    replay.model.answer([last], None)
    assert drafts[-1].reasons == []  # of a replay nobody asks
    assert 1 <= len(last.reasons) <= 3
    weights = [abs(float(reason["weight"])) for reason in last.reasons]
    assert weights == sorted(weights, reverse=True)
    assert any("its target 100" in str(one["text"]) or "its predecessor" in str(one["text"]) for one in last.reasons)


def test_a_tree_that_tells_none_apart_yet_gives_no_reasons(past: Company) -> None:
    replay = Replay.begin("acme", 1, 1, "hoeffding_tree", CutPoints())
    first = replace(replay.take(past.in_order)[-1], kind="live")
    replay.model.answer([first], None)
    assert first.reasons == []


def test_an_unknown_pipeline_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"known are ensemble, forest, hoeffding_tree, linear, .*, pace_newton"):
        build("woods")


def test_river_is_whole_for_whoever_imports_it_later() -> None:
    """The service starts without most of River; the rest is still there."""
    script = (
        "import okr_trainer.domain.pipeline, sys; assert 'scipy.stats' not in sys.modules\n"
        "from river import linear_model, preprocessing\n"
        "from okr_trainer.domain.river_parts import LogisticRegression, StandardScaler\n"
        "assert linear_model.LogisticRegression is LogisticRegression\n"
        "assert preprocessing.StandardScaler is StandardScaler and linear_model.ALMAClassifier\n"
    )
    assert subprocess.run([sys.executable, "-W", "error", "-c", script], check=False).returncode == 0
