"""What REST says of a key result: as of today on its source's clock."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from okr_common.topics import PREDICTIONS
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
