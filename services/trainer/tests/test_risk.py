"""Risk bands: a fixed share of predictions is an alert, by cut points that a version carries with it."""

from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_trainer import store
from okr_trainer.domain.checkpoint import load, save
from okr_trainer.domain.inputs import knowledge_order
from okr_trainer.domain.predictors import LearnedModel, PaceRule
from okr_trainer.domain.replay import Replay
from okr_trainer.domain.risk import HIGH_RATE, LEAST_KEY_RESULTS, LEAST_MEDIUM, MEDIUM_RATE, CutPoints, chosen
from okr_trainer.domain.window import newest
from okr_trainer.settings import TrainerSettings
from okr_trainer.standing import restore
from okr_trainer.testing import Company, history

Scene = Any


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=500))
def test_never_more_alerts_than_asked_for_and_they_are_the_likeliest_misses(said: list[float]) -> None:
    cuts = chosen(said, LEAST_KEY_RESULTS)
    assert cuts is not None
    bands = [cuts.band(one) for one in said]
    assert bands.count("high") <= HIGH_RATE * len(said)
    surplus = [one for one, band in zip(said, bands, strict=True) if band == "medium" and one >= LEAST_MEDIUM]
    assert not surplus or bands.count("high") + bands.count("medium") <= MEDIUM_RATE * len(said)
    assert all(one >= LEAST_MEDIUM for one, band in zip(said, bands, strict=True) if band == "low")
    order = [band for _, band in sorted(zip(said, bands, strict=True))]
    assert order == [
        *["high"] * bands.count("high"),
        *["medium"] * bands.count("medium"),
        *["low"] * bands.count("low"),
    ]


@given(st.sets(st.floats(LEAST_MEDIUM, 1.0), min_size=100, max_size=200))
def test_of_probabilities_that_differ_the_whole_share_is_used(said: set[float]) -> None:
    cuts = chosen(list(said), LEAST_KEY_RESULTS)
    assert cuts is not None
    assert sum(cuts.band(one) == "high" for one in said) == int(HIGH_RATE * len(said))
    assert sum(cuts.band(one) != "low" for one in said) == int(MEDIUM_RATE * len(said))


def replayed(past: Company, *, years: int | None = None) -> Replay:
    replay = Replay.begin("acme", 1, 1, TrainerSettings().pipeline, None)
    replay.take([one for one in past.in_order if years is None or one.version.knowledge_time.year < 2010 + years])
    return replay


def cut_points(replay: Replay) -> CutPoints | None:
    return newest(replay.scored, len(replay.scored)).cut_points


def test_the_same_history_gives_the_same_cut_points_and_too_little_of_it_none() -> None:
    past = history(years=20)
    found = cut_points(replayed(past))
    assert found is not None
    assert found == cut_points(replayed(past))
    assert found != CutPoints()
    assert cut_points(replayed(past, years=LEAST_KEY_RESULTS // 6)) is None


def test_they_are_in_the_checkpoint_and_those_that_are_configured_win(past: Company) -> None:
    model = replayed(past).model
    assert load(save(model)).cut_points is None
    model.cut_points = CutPoints(0.05, 0.95)
    again = load(save(model))
    assert (again.cut_points, again.digest) == (model.cut_points, model.digest)
    assert _bands(again, None) == {"medium"}
    assert _bands(again, CutPoints(0.96, 0.97)) == {"high"}


def _bands(model: LearnedModel, configured: CutPoints | None) -> set[str | None]:
    """Of a check-in that nobody is sure about."""
    company = Company()
    company.define("one/2015", date(2015, 1, 1))
    company.check_in("one/2015", date(2015, 1, 31), 100.0)
    learning = Replay.begin("acme", 1, 1, "newton", configured)
    learning.learner.predictor = model
    drafts = [*learning.take(sorted(company.said, key=knowledge_order)), *learning.finish()]
    assert all(0.05 <= (draft.probability or 0.0) < 0.95 for draft in drafts)
    return {draft.risk for draft in drafts}


def test_the_pace_rule_has_fixed_ones(company: Company) -> None:
    learning = Replay.begin("acme", 0, 0, "newton", None)
    learning.learner.predictor = PaceRule()
    company.define("one/2015", date(2015, 1, 1))
    (draft,) = learning.take(company.said)
    assert (draft.probability, draft.risk) == (0.5, "medium")


@pytest.mark.stack
@pytest.mark.timeout(180)
async def test_a_version_is_registered_with_its_cut_points_and_the_stream_uses_them(scene: Scene) -> None:
    past = history(years=20)
    expected = cut_points(replayed(history(years=20)))
    assert expected is not None
    with scene.stack.service("trainer") as trainer:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1 and alias = 'champion'", 1, 60)
        for number in range(12):
            past.define(f"open {number}/2030", date(2030, 1, 1))
            past.check_in(f"open {number}/2030", date(2030, 1, 31), 94.0 + number)
        await scene.publish(past.batch())
        await scene.until("select count(*) from prediction where kind = 'live' and model_version = 1", 24)
        rows = await scene.ops.fetch(
            "select probability, risk from prediction where kind = 'live' and model_version = 1"
        )
        described = await scene.get(trainer, "/models/acme/versions/1")
        row = await store.checkpoint_of(scene.ops, "acme")
        stored = await scene.ops.fetchval("select metrics from model_version where version = 1")
    assert row is not None
    predictor = restore("acme", row, None).predictor
    assert isinstance(predictor, LearnedModel)
    assert predictor.cut_points == expected
    assert orjson.loads(stored)["cut_points"] == {"high": expected.high, "medium": expected.medium}
    assert described["metrics"]["cut_points"]["high"] == expected.high
    assert [row["risk"] for row in rows] == [expected.band(row["probability"]) for row in rows]
