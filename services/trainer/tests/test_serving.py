"""What REST says of a key result: as of today on its source's clock."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from okr_common.topics import PREDICTIONS
from okr_trainer.domain.inputs import Gone
from okr_trainer.testing import Company

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
Scene = Any


async def test_a_silent_key_result_is_judged_as_of_the_newest_day_of_its_source(scene: Scene, company: Company) -> None:
    silent = company.define("silent/2015", date(2015, 1, 1)).key_result_id
    company.check_in("silent/2015", date(2015, 1, 31), 97.0)
    company.define("other/2015", date(2015, 1, 1))
    company.check_in("other/2015", date(2015, 10, 2), 101.0)
    await scene.clock("data", date(2015, 10, 2))
    with scene.stack.service("trainer") as trainer:
        await scene.publish(company.batch())
        await scene.settled(4)
        answer = await scene.post(trainer, "/predict", {"key_result_id": silent})
        assert (answer["as_of"], answer["days_left"]) == ("2015-10-02", 90)
        assert answer["elapsed"] == pytest.approx(274 / 364)
        listed = {one["key_result"]: one for one in await scene.get(trainer, "/key-results")}
        assert (listed["silent/2015"]["today"], listed["silent/2015"]["days_left"]) == ("2015-10-02", 90)
        assert listed["silent/2015"]["elapsed"] == pytest.approx(274 / 364)


async def test_a_late_row_that_is_the_newest_is_shown_as_it_is_published(scene: Scene, company: Company) -> None:
    late = company.define("late/2015", date(2015, 1, 1)).key_result_id
    company.define("other/2015", date(2015, 1, 1))
    company.outcome("other/2015", date(2015, 12, 31), 101.0, achieved=True)
    await scene.clock("data", date(2015, 11, 30))
    with scene.stack.service("trainer") as trainer:
        await scene.publish(company.batch())
        await scene.settled(2)
        company.check_in("late/2015", date(2015, 11, 30), 97.0)
        await scene.publish(company.batch())
        await scene.settled(3)
        (shown,) = await scene.get(trainer, "/key-results")
    published = [one for one in scene.published(PREDICTIONS.name) if one["key_result_id"] == late][-1]
    assert (published["kind"], published["prediction_id"]) == ("late", shown["prediction_id"])
    assert (shown["kind"], shown["probability"]) == ("late", published["probability"])


async def test_under_the_wall_clock_today_is_the_day_in_utc(scene: Scene, company: Company) -> None:
    today = datetime.now(UTC).date()
    due, ended = today + timedelta(days=40), today - timedelta(days=1)
    open_one = company.define("open/1", today - timedelta(days=60), due=due.toordinal(), **_since(today, 60))
    company.define("over/1", today - timedelta(days=60), due=ended.toordinal(), **_since(today, 60))
    await scene.clock("wall", today - timedelta(days=60))
    with scene.stack.service("trainer") as trainer:
        await scene.publish(company.batch())
        await scene.settled(2)
        answer = await scene.post(trainer, "/predict", {"key_result_id": open_one.key_result_id})
        assert (answer["as_of"], answer["days_left"], answer["elapsed"]) == (today.isoformat(), 40, 0.6)
        listed = await scene.get(trainer, "/key-results")
        assert [one["key_result"] for one in listed] == ["open/1"]


def _since(today: date, days: int) -> dict[str, int]:
    return {"start": (today - timedelta(days=days)).toordinal()}


async def test_of_one_that_ended_it_says_how_and_what_was_last_said(scene: Scene, company: Company) -> None:
    missed, gone = (company.define(f"{name}/2015", date(2015, 1, 1)).key_result_id for name in ("missed", "gone"))
    company.check_in("missed/2015", date(2015, 2, 28), 96.0)
    await scene.clock("data", date(2015, 12, 31))
    with scene.stack.service("trainer") as trainer:
        await scene.publish(company.batch())
        await scene.settled(3)
        last = (await scene.get(trainer, "/predictions", key_result=missed))[0]
        company.outcome("missed/2015", date(2015, 12, 31), 96.0, achieved=False)
        await scene.publish(company.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)  # a first outcome is trained on
        company.said.append(Gone(company.version("key_result/gone/2015", date(2015, 12, 30), 2)))
        await scene.publish(company.batch())
        await scene.until("select count(*) from key_result_state where not open", 2)
        answer = await scene.post(trainer, "/predict", {"key_result_id": missed, "value": 110.0})
        vanished = await scene.post(trainer, "/predict", {"key_result_id": gone})
    assert (answer["probability"], answer["risk"]) == (None, None)
    assert (answer["ended"]["how"], answer["ended"]["known_at"][:10]) == ("missed", "2015-12-31")
    assert (answer["ended"]["final_value"], answer["ended"]["last_probability"]) == (96.0, last["probability"])
    assert "it was missed, at 96 of a target of 100, known since 2015-12-31; last pred" in answer["reasons"][0]["text"]
    assert (vanished["probability"], vanished["ended"]["how"]) == (None, "gone")
    assert vanished["ended"]["known_at"][:10] == "2015-12-30"


async def test_a_batch_answers_each_question_and_refuses_only_what_is_wrong(scene: Scene, company: Company) -> None:
    one = company.define("one/2015", date(2015, 1, 1)).key_result_id
    company.check_in("one/2015", date(2015, 1, 31), 97.0)
    await scene.clock("data", date(2015, 1, 31))
    nobody = "00000000-0000-0000-0000-000000000000"
    with scene.stack.service("trainer") as trainer:
        await scene.publish(company.batch())
        await scene.settled(2)
        questions = [{"key_result_id": one}, {"key_result_id": nobody}, {"key_result_id": one, "value": 108.0}]
        questions += [{"key_result_id": one, "due_on": "2014-12-31"}, {"key_result_id": one, "as_of": "2015-01-30"}]
        said = (await scene.post(trainer, "/predict/batch", {"questions": questions}))["answers"]
        alone = await scene.post(trainer, "/predict", {"key_result_id": one, "value": 108.0})
        too_many = await scene.post(trainer, "/predict/batch", {"questions": [{"key_result_id": one}] * 1001})
    assert (said[0]["probability"], said[0]["as_it_stands"]) == (alone["as_it_stands"],) * 2
    assert (said[1]["status"], "is not known" in said[1]["detail"]) == (404, True)
    assert said[2] == alone
    assert said[2]["probability"] > said[2]["as_it_stands"]
    assert (said[3]["status"], "due_on must be after" in said[3]["detail"]) == (422, True)
    assert (said[4]["status"], "it has a check-in of 2015-01-31" in said[4]["detail"]) == (422, True)
    assert too_many["status"] == 422
