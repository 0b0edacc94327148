"""Full exports whose goals come no more, and come again, through the whole stack; `okr verify` is clean."""

from datetime import date
from pathlib import Path

import pytest

from okr_cli.testing import Flow
from okr_common import topics
from okr_common.events import AbsentClosed
from okr_common.kafka.reader import read_all

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
SERVICES = ("ingest-csv", "etl", "trainer")
MAPPING = """
title: goals of a tool whose exports are full
kind: csv
clock: data
recognise: {{ columns: [goal, team, day, value] }}
columns:
  goal: {{ from: goal, type: text, required: true }}
  team: {{ from: team, type: text, required: true }}
  value: {{ from: value, type: number }}
  day: {{ from: day, type: date, required: true }}
  start: {{ from: start, type: date, required: true }}
  due: {{ from: due, type: date, required: true }}
derived: {{ kind: "'number'", direction: "'increase'", nothing: "0", target: "100" }}
entities:
  objective: {{ key: [team], title: team }}
  key_result: {{ key: [goal], title: goal, metric_kind: kind, direction: direction, baseline: nothing, target: target,
    start_on: start, due_on: due }}
  check_in: {{ key: [goal, day], as_of: day, value: value }}
  outcome: {{ due: {{ grace_days: 3 }} }}
absent: {absent}
"""
GOALS = 60
BATCH_ROWS = 25
OPEN = "select count(*) from key_result where closed is null"
CLOSED = "select count(*) from entity_version where closed is not null"
OF_LATEST_DOCUMENTS = "select count(*) from document where entity = 'key_result'"
UNDER_WAY = "select count(*) from key_result_state where open"
POINTS = (
    "absent_before_commit:2",
    pytest.param("absent_after_commit:2", marks=pytest.mark.long),
)


def export(goals: range | list[int], month: int) -> bytes:
    """Where each goal stood on the first of the month; a third of them is due in April."""
    lines = ["goal,team,value,day,start,due"]
    for number in goals:
        due = date(2025, 4, 20) if number % 3 == 0 else date(2025, 12, 31)
        day = date(2025, month, 1)
        lines.append(f"g{number:02},t{number // 6},{10 * month + number},{day},{date(2024, 12, 1)},{due}")
    return "\n".join([*lines, ""]).encode()


@pytest.mark.parametrize("then", ["close", pytest.param("delete", marks=pytest.mark.long)])
@pytest.mark.parametrize("point", POINTS)
async def test_goals_that_are_gone_are_closed_once_and_open_again(
    flow: Flow, tmp_path: Path, point: str, then: str
) -> None:
    """Killed while the first of them are closed, or right after it."""
    sources, reached = tmp_path / "sources", tmp_path / "reached"
    sources.mkdir()
    (sources / "goals.yaml").write_text(MAPPING.format(absent=then))
    crash = {"OKR_CRASH_AT": point, "OKR_CRASH_REACHED": str(reached)}
    small = {"OKR_INGEST_CSV__BATCH_ROWS": str(BATCH_ROWS), "OKR_ETL__SWEEP_SECONDS": "0.5"}
    with flow.stack.supervised(SERVICES, {"OKR_SOURCES__FOLDER": str(sources), **small, **crash}):
        flow.drop("1.csv", export(range(GOALS), 1))
        await flow.predicted(GOALS)
        assert await flow.ask("processed", CLOSED) == 0
        flow.drop("2.csv", export(range(6, GOALS), 2))
        await flow.until("processed", OPEN, GOALS - 6)
        check_ins = GOALS + GOALS - 6
        await flow.predicted(check_ins)
        assert await flow.ask("processed", CLOSED) == 7 + (6 if then == "delete" else 0)
        await flow.until("curated", OF_LATEST_DOCUMENTS, GOALS - 6)
        await flow.until("ops", UNDER_WAY, GOALS - 6)
        flow.drop("3.csv", export(range(3, GOALS), 5))
        await flow.until("processed", OPEN, GOALS - 3)
        await flow.predicted(check_ins + GOALS - 3)
        ended = GOALS // 3 - (2 if then == "delete" else 1)  # of g03 nothing that was told by its due date is left
        await flow.until("processed", "select count(*) from outcome where closed is null", ended)
        await flow.until("ops", "select count(*) from model_version where model = 'goals' and version > 0", 1)
        await flow.until("ops", UNDER_WAY, GOALS - 3 - ended)
        await flow.until("curated", OF_LATEST_DOCUMENTS, GOALS - 3)
    assert reached.exists()
    told = read_all(flow.stack.bootstrap, [topics.PROCESSING_EVENTS.name])
    closings = {one.headers["ce_id"] for one in told if one.headers["ce_type"] == AbsentClosed.ce_type}
    assert len(closings) == 1
    assert await flow.wrong() == []
