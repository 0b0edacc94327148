"""GET /warnings: what a source's mapping says of its check-ins decides what is held against them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from okr_etl.store.quality import QualityStore
from okr_etl.testing import RawWriter
from okr_etl.testing.inner import Inner, inner
from okr_etl.warning_routes import router
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
HEADER = ["id", "way", "target", "day", "start", "due"]
MAPPING = """
title: goals
kind: csv
clock: data
recognise: {{ columns: [id] }}
columns:
  id: {{ from: id, type: text, required: true }}
  way: {{ from: way, type: text, required: true, map: {{ more: increase, less: decrease }} }}
  target: {{ from: target, type: number }}
  day: {{ from: {day}, type: date, required: true }}
  start: {{ from: start, type: date, required: true }}
  due: {{ from: due, type: date, required: true }}
derived: {{ kind: "'number'", ten: "10" }}
entities:
  objective: {{ key: [id], title: id }}
  key_result: {{ key: [id], title: id, metric_kind: kind, direction: way, baseline: ten, target: target,
    start_on: start, due_on: due }}
  check_in: {{ key: [id, day], as_of: day, value: ten }}
{outcome}
"""
GRACE = "  outcome: { due: { grace_days: 3 } }"
ENDED = ("2026-01-01", "2026-03-31")
OPEN = ("2026-01-01", "2099-06-30")
ROWS = [
    ["graced", "more", "20", "2026-04-03", *ENDED],
    ["late", "more", "20", "2026-04-04", *ENDED],
    ["early", "more", "20", "2025-12-31", *OPEN],
    ["first day", "less", "0", "2026-01-01", *OPEN],
    ["wrong", "less", "20", "2026-01-01", *OPEN],
    ["nowhere", "more", "10", "2026-01-01", *OPEN],
]
DATED = ("check_in_before_start", "check_in_after_close")


@dataclass
class Told(Inner):
    """With its mapping, and the route."""

    file: Path
    raw_writer: RawWriter
    rest: httpx2.AsyncClient

    async def load(self, day: str = "day", outcome: str = GRACE) -> None:
        self.file.write_text(MAPPING.format(day=day, outcome=outcome))
        await self.raw_writer.release("goals", HEADER, ROWS)
        await self.apply_all("goals")

    async def of(self, warning: str, **more: int) -> list[str]:
        answer = await self.rest.get("/warnings", params={"warning": warning, **more})
        return [f"{one['title']}: {one['detail']}" for one in answer.raise_for_status().json()]


@pytest.fixture
async def told(fresh_stack: StackUnderTest, raw: RawWriter, tmp_path: Path) -> AsyncIterator[Told]:
    async with inner(fresh_stack.dsn, tmp_path) as parts:
        app = FastAPI()
        app.include_router(router(QualityStore(parts.pool), parts.processed, parts.mappings))
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://etl") as rest:
            yield Told(**vars(parts), file=tmp_path / "goals.yaml", raw_writer=raw, rest=rest)


async def test_rows_that_break_a_rule_are_stored_and_told(told: Told) -> None:
    await told.load()
    assert await told.pool.fetchval("select count(*) from check_in") == len(ROWS), "they count all the same"
    late = "late: 1 check-in is of 2026-04-04, after it was due on 2026-03-31 and 3 days of grace"
    assert await told.of("check_in_after_close") == [late]
    assert await told.of("check_in_after_close", due_days=3) == [], "it was due four days before the source's today"
    untold = (
        "late: it was due on 2026-03-31 and 3 days of grace, and no check-in by then has a value: it has no outcome"
    )
    assert await told.of("ended_without_value") == [untold]
    await told.apply_all("goals")
    assert [row["source_id"] for row in await told.pool.fetch("select source_id from outcome")] == ["graced"]
    early = "early: 1 check-in is of 2025-12-31, before it began on 2026-01-01"
    assert await told.of("check_in_before_start") == [early]
    nowhere = "nowhere: it is to increase, and baseline and target are both 10: its progress is 0 whatever its value"
    assert await told.of("baseline_is_target") == [nowhere]
    assert await told.of("wrong_direction") == [
        "wrong: it is to decrease, but its target 20 lies above its baseline 10"
    ]


async def test_without_grace_the_due_date_is_the_last_day(told: Told) -> None:
    await told.load(outcome="")
    assert await told.of("check_in_after_close") == [
        "graced: 1 check-in is of 2026-04-03, after it was due on 2026-03-31",
        "late: 1 check-in is of 2026-04-04, after it was due on 2026-03-31",
    ]
    assert await told.of("ended_without_value") == [], "no due date brings an outcome there"


async def test_the_day_a_file_came_is_no_day_of_a_check_in(told: Told) -> None:
    await told.load(day='"file:day"')
    assert await told.pool.fetchval("select count(*) from check_in where as_of > '2026-04-04'") == len(ROWS)
    assert [await told.of(warning, due_days=3_660) for warning in DATED] == [[], []]
    assert len(await told.of("wrong_direction")) == 1
