"""The trainer as a process: records in, predictions out, learned once, on the real broker and database."""

from datetime import date
from typing import Any

import pytest

from okr_common import codec
from okr_common.delivery.outbox import Outgoing
from okr_common.records import Prediction
from okr_common.topics import DEAD_LETTERS, MODEL_EVENTS, PREDICTIONS, PROCESSED_RECORDS
from okr_trainer.domain.inputs import CheckIn, Outcome
from okr_trainer.testing import Company, record

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
VERSION_1 = "select count(*) from model_version where version = 1 and checkpoint is not null"
ASK = "insert into work_item (pipeline, kind, subject, parameters) values ('trainer', 'train_initial', 'acme', $1)"
Scene = Any


async def test_history_becomes_predictions_then_a_model(scene: Scene, past: Company) -> None:
    told = past.batch()
    asked = sum(not isinstance(one, Outcome) for one in told)
    with scene.stack.service("trainer") as trainer:
        await scene.publish(told)
        await scene.settled(asked)
        await scene.until(VERSION_1, 1)
        stream = await scene.ops.fetch("select model_version, learned_seq from prediction where kind = 'live'")
        assert {(row["model_version"], row["learned_seq"]) for row in stream} == {(0, None)}

        replayed = await scene.ops.fetch("select learned_seq from prediction where kind = 'replay'")
        assert sorted(row["learned_seq"] for row in replayed) == list(range(1, asked + 1))
        await scene.until("select count(*) from delivery.outbox where sent_at is null", 0)
        (trained, evaluated, judged, registered, promoted) = scene.published(MODEL_EVENTS.name)
        assert (trained["check_ins"], trained["outcomes"], trained["position"]) == (360, 30, 1)
        assert evaluated["metrics"]["model"]["auc"] > 0.85
        assert (judged["passed"], judged["against"], judged["reasons"]) == (True, 0, [])
        assert registered["alias"] == "champion"
        assert (promoted["version"], promoted["before"], promoted["made_by"]) == (1, 0, "gates")

        (version_1, version_0) = await scene.get(trainer, "/models/acme")
        assert (version_0["pipeline"], version_0["alias"]) == ("linear_pace", None)
        assert (version_1["alias"], version_1["cut"]["acme"]["position"]) == ("champion", 1)
        assert version_1["learned"] == asked


async def test_predictions_are_published_as_they_were_committed(scene: Scene, past: Company) -> None:
    told = past.batch()
    asked = sum(not isinstance(one, Outcome) for one in told)
    with scene.stack.service("trainer"):
        await scene.publish(told)
        await scene.settled(asked)
    said = [Prediction.model_validate(one) for one in scene.published(PREDICTIONS.name)]
    assert len(said) == len({one.prediction_id for one in said}) == asked
    committed = {
        row["prediction_id"]: row for row in await scene.ops.fetch("select * from prediction where kind = 'live'")
    }
    for one in said:
        row = committed[one.prediction_id]
        assert (one.probability, one.probability_low, one.probability_high) == (
            row["probability"],
            row["probability_low"],
            row["probability_high"],
        )
        assert (one.forecast, one.forecast_low, one.forecast_high) == (
            row["forecast"],
            row["forecast_low"],
            row["forecast_high"],
        )
        assert (one.risk, one.seq, one.row_num) == (
            row["risk"],
            row["seq"],
            row["row_num"],
        )
    one_key_result = [one.seq for one in said if one.key_result_id == said[0].key_result_id]
    assert one_key_result == sorted(one_key_result)


async def test_the_model_answers_the_next_year_and_learns_its_outcomes_once(scene: Scene, past: Company) -> None:
    with scene.stack.service("trainer") as trainer:
        await scene.publish(past.batch())
        await scene.until(VERSION_1, 1)
        learned = await scene.ops.fetchval("select learned from checkpoint")
        past.define("series 1/2015", date(2015, 1, 1))
        past.check_in("series 1/2015", date(2015, 1, 31), 97.0)
        past.check_in("series 1/2015", date(2015, 2, 28), 96.0)
        await scene.publish(past.batch())
        new = "select count(*) from prediction where model_version = 1 and kind = 'live'"
        await scene.until(new, 3)

        (at_risk,) = await scene.get(trainer, "/key-results", risk="high")
        assert (at_risk["key_result"], at_risk["title"], at_risk["value"]) == ("series 1/2015", None, 96.0)
        assert "of its kind are reached" in " ".join(reason["text"] for reason in at_risk["reasons"])
        as_it_is = await scene.post(trainer, "/predict", {"key_result_id": at_risk["key_result_id"]})
        assert as_it_is["probability"] == at_risk["probability"]
        assert at_risk["forecast"] <= at_risk["forecast_low"] <= at_risk["forecast_high"], (
            "each year ends a little higher"
        )
        sure = "probability_low", "probability_high", "forecast_low", "forecast_high"
        assert [as_it_is[name] for name in sure] == [at_risk[name] for name in sure]
        assert 0.0 < at_risk["probability_low"] < at_risk["probability"] < at_risk["probability_high"] < 1.0
        better = await scene.post(trainer, "/predict", {"key_result_id": at_risk["key_result_id"], "value": 108.0})
        assert better["probability"] > as_it_is["probability"]
        before = {"key_result_id": at_risk["key_result_id"], "value": 108.0, "as_of": "2015-02-27"}
        refused = await scene.post(trainer, "/predict", before)
        assert (refused["status"], "it has a check-in of 2015-02-28" in refused["detail"]) == (422, True)

        past.outcome("series 1/2015", date(2015, 12, 31), 96.0, achieved=False)
        await scene.publish(past.batch())
        await scene.until("select count(*) from outcome_heard where learned = 3", 1)
        rows = await scene.ops.fetch("select learned_seq from prediction where model_version = 1 and kind = 'live'")
        assert sorted(row["learned_seq"] for row in rows) == [learned + 1, learned + 2, learned + 3]
        assert await scene.ops.fetchval("select learned from checkpoint") == learned + 3
        assert await scene.get(trainer, "/key-results", risk="high") == []
        evaluated = await scene.get(trainer, "/models/acme/evaluation", kind="live", version=1)
        assert (evaluated["all"]["n"], evaluated["all"]["achieved"]) == (2, 0)


async def test_open_rows_of_the_replay_are_learned_when_their_outcome_comes(scene: Scene, past: Company) -> None:
    past.define("series 1/2015", date(2015, 1, 1))
    past.check_in("series 1/2015", date(2015, 1, 31), 97.0)
    with scene.stack.service("trainer"):
        await scene.publish(past.batch())
        await scene.until(VERSION_1, 1)
        past.check_in("series 1/2015", date(2015, 2, 28), 96.0)
        past.outcome("series 1/2015", date(2015, 12, 31), 96.0, achieved=False)
        await scene.publish(past.batch())
        await scene.until("select count(*) from outcome_heard where learned = 3", 1)
    rows = await scene.ops.fetch(
        "select kind, learned_seq from prediction where key_result = 'series 1/2015' and learned_seq is not null"
        " order by learned_seq"
    )
    assert [row["kind"] for row in rows] == ["replay", "replay", "live"]


async def test_what_a_definition_says_after_the_first_check_in_teaches_nothing(scene: Scene, past: Company) -> None:
    """As in a training, whether the training said it or the stream."""
    name = "series 1/2015"
    past.define(name, date(2015, 1, 1))
    past.check_in(name, date(2015, 1, 31), 97.0)
    past.define(name, date(2015, 2, 10), revision=2, target=101.0)
    with scene.stack.service("trainer"):
        await scene.publish(past.batch())
        await scene.until(VERSION_1, 1)
        past.define(name, date(2015, 3, 10), revision=3, target=102.0)
        past.check_in(name, date(2015, 3, 31), 96.0)
        past.outcome(name, date(2015, 12, 31), 96.0, achieved=False)
        await scene.publish(past.batch())
        learned = (
            f"select count(*) from outcome_heard where key_result_id = '{past.key_result_id(name)}' and learned > 0"
        )
        await scene.until(learned, 1)
    rows = await scene.ops.fetch(
        "select kind, revision, check_in_id is null as definition from prediction"
        " where key_result = 'series 1/2015' and learned_seq is not null order by learned_seq"
    )
    assert [tuple(row) for row in rows] == [("replay", 1, True), ("replay", 1, False), ("live", 1, False)]


async def test_a_redelivery_makes_no_second_prediction(scene: Scene, past: Company) -> None:
    told = past.batch()
    asked = sum(not isinstance(one, Outcome) for one in told)
    with scene.stack.service("trainer"):
        await scene.publish(told)
        await scene.settled(asked)

        again = [Outgoing("acme", PROCESSED_RECORDS.name, "acme", b"k", codec.to_json(record(one))) for one in told]
        await scene.send(again)
        past.define("probe/2015", date(2015, 1, 1))
        await scene.publish(past.batch())
        await scene.settled(asked + 1)


async def test_poison_is_set_aside_and_the_next_message_is_predicted(scene: Scene, company: Company) -> None:
    poison = [b"not json", b"{}", b'{"source":"acme"}']
    with scene.stack.service("trainer"):
        await scene.send([Outgoing("acme", PROCESSED_RECORDS.name, "acme", b"k", value) for value in poison])
        company.define("probe/2015", date(2015, 1, 1))
        await scene.publish(company.batch())
        await scene.settled(1)
    letters = scene.read(DEAD_LETTERS.name)
    assert [letter.value for letter in letters] == poison
    assert {letter.headers["__connect.errors.exception.class.name"] for letter in letters} == {
        "not_json",
        "wrong_shape",
    }


async def test_what_nobody_can_judge_has_a_row_and_no_message(scene: Scene, company: Company) -> None:
    company.define("watched/2015", date(2015, 1, 1), direction="none")
    check_in = company.check_in("watched/2015", date(2015, 1, 31), 5.0)
    assert isinstance(check_in, CheckIn)
    with scene.stack.service("trainer") as trainer:
        await scene.publish(company.batch())
        await scene.settled(2)
        rows = await scene.get(trainer, "/predictions", key_result=check_in.key_result_id)
    assert [(row["probability"], row["kind"]) for row in rows] == [(None, "live"), (None, "live")]
    assert "no direction" in rows[0]["reasons"][0]["text"]
    assert scene.published(PREDICTIONS.name) == []
    assert scene.read(DEAD_LETTERS.name) == []


async def test_a_run_may_ask_for_a_training(scene: Scene, past: Company) -> None:
    """Refused while there is nothing to learn from, done once, needless afterwards; made anew only on demand."""
    with scene.stack.service("trainer") as trainer:
        for wanted, parameters in enumerate(("failed", "done", "done", "done")):
            if wanted == 1:
                await scene.publish(past.batch())
                await scene.until(VERSION_1, 1)
            await scene.ops.execute(ASK, '{"rebuild": true}' if wanted == 3 else "{}")
            await scene.until("select count(*) from work_item where state = 'open'", 0)
            state = "select state from work_item order by item_id desc limit 1"
            assert await scene.ops.fetchval(state) == parameters
        evaluated = await scene.get(trainer, "/models/acme/evaluation", kind="replay")
        newest = await scene.get(trainer, "/models/acme/evaluation", kind="replay", newest=30)
        assert evaluated["all"]["n"] == 360  # of the newest training alone
        assert evaluated["window"] == {"n": 360, "of": 360}
        assert (newest["all"]["n"], newest["all"]["key_results"]) == (24, 2)
        assert newest["window"] == {"n": 24, "of": 360}
    assert await scene.ops.fetchval("select max(version) from model_version") == 2
    replays = "select count(distinct training), count(*) from prediction where kind = 'replay'"
    assert tuple(await scene.ops.fetchrow(replays)) == (2, 2 * 390)


async def test_rest_says_what_is_wrong(scene: Scene) -> None:
    with scene.stack.service("trainer") as trainer:
        missing = await scene.get(trainer, "/models/nobody")
        assert (missing["status"], missing["title"]) == (404, "Not Found")
        assert "GET /models lists them" in missing["detail"]
        unknown = await scene.post(trainer, "/predict", {"key_result_id": "00000000-0000-0000-0000-000000000000"})
        assert "is not known" in unknown["detail"]
        wrong = await scene.post(trainer, "/predict", {"key_result": "x"})
        assert wrong["status"] == 422
        assert await scene.get(trainer, "/key-results", risk="high") == []
