"""What is published from memory is what the database would have said, and whatever memory lacks comes from there."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from okr_common.records import Prediction
from okr_common.topics import PREDICTIONS
from okr_trainer import fresh
from okr_trainer.domain.inputs import Outcome
from okr_trainer.fresh import Fresh, Said
from okr_trainer.store import SQL
from okr_trainer.testing import Company

Scene = Any
NOW = datetime(2017, 1, 1, tzinfo=UTC)


def several(count: int) -> list[Said]:
    return [Said(f"p{number}", "k", "{}", NOW) for number in range(count)]


def test_a_unit_is_read_page_by_page_and_given_up_at_its_end() -> None:
    kept, records = Fresh(), several(5)
    kept.keep(7, records)
    assert [kept.read(7, after, 2) for after in (0, 2, 4)] == [records[:2], records[2:4], records[4:]]
    assert kept.read(7, 2, 2) == records[2:4]  # whoever could not send it asks again
    assert kept.read(7, 5, 2) == []
    assert kept.read(7, 0, 2) is None


def test_the_oldest_go_first_and_all_when_nothing_in_memory_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "MOST", 5)
    kept = Fresh()
    for unit in (1, 2, 3):
        kept.keep(unit, several(2))
    assert (kept.read(1, 0, 9), kept.read(3, 0, 9)) == (None, several(2))
    kept.keep(4, several(6))  # more than there is room for
    assert [kept.read(unit, 0, 9) for unit in (2, 3, 4)] == [None, None, None]
    kept.keep(5, several(2))
    kept.forget()
    assert kept.read(5, 0, 9) is None
    kept.keep(6, several(5))
    assert kept.read(6, 0, 9) == several(5)


def _json(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    said: dict[str, Any] = orjson.loads(row["value"])
    return said


@pytest.mark.stack
@pytest.mark.timeout(120)
async def test_from_memory_comes_what_the_database_would_have_said(scene: Scene, past: Company) -> None:
    told = past.batch()
    asked = sum(not isinstance(one, Outcome) for one in told)
    with scene.stack.service("trainer"):
        await scene.publish(told)
        await scene.until("select count(*) from model_version where alias = 'champion' and version = 1", 1)
        past.define("naïve, 'new'/2017", date(2017, 1, 1))
        past.check_in("naïve, 'new'/2017", date(2017, 2, 28), 97.25)
        await scene.publish(past.batch())
        await scene.settled(asked + 2)
    published = scene.published(PREDICTIONS.name)
    said = [Prediction.model_validate(one) for one in published]
    units = await scene.ops.fetch("select distinct unit from prediction where unit is not null order by unit")
    read = [row for one in units for row in await scene.ops.fetch(SQL["read_unit"], one["unit"], 0, 10_000)]
    assert {one.prediction_id: one for one in said} == {
        one.prediction_id: one for one in (Prediction.model_validate_json(row["value"]) for row in read)
    }
    texts = {one["prediction_id"]: (one["made_at"], one["knowledge_time"]) for one in map(_json, read)}
    assert all((one["made_at"], one["knowledge_time"]) == texts[one["prediction_id"]] for one in published)
    assert {one.model_version for one in said} == {0, 1}
    assert any(one.probability_low is not None and one.check_in_id is not None for one in said)
