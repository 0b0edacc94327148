"""Full exports whose goals come no more, and come again, through the whole stack; `okr verify` is clean."""

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from okr_cli.main import app
from okr_cli.testing import Flow
from okr_cli.verify.oracle import OF_THE_TRAINER
from okr_common import topics
from okr_common.events import AbsentClosed
from okr_common.kafka.reader import read_all
from okr_common.testing.check_ins import check_ins
from okr_common.testing.misbehaving_process import misbehaving

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
OPEN_CHECK_INS = "select count(*) from check_in where closed is null"
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


def settings(sources: Path, **more: str) -> dict[str, str]:
    """Files of several batches, and sweeps that come soon."""
    small = {"OKR_INGEST_CSV__BATCH_ROWS": str(BATCH_ROWS), "OKR_ETL__SWEEP_SECONDS": "0.5"}
    return {"OKR_SOURCES__FOLDER": str(sources), **small, **more}


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
    with flow.stack.supervised(SERVICES, settings(sources, **crash)):
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


async def test_key_results_that_an_api_has_no_more_are_closed_when_all_pages_were_read(
    flow: Flow, tmp_path: Path
) -> None:
    """Six outcomes of four weeks are three pages; what did not change is not stored again."""
    sources = tmp_path / "sources"
    sources.mkdir()
    with misbehaving(tmp_path) as server:
        mapping = server.write_mapping(sources)
        mapping.write_text(mapping.read_text() + "\nabsent: close\n")
        server.hold(told_of(range(6)))
        services = ("ingest-api", "etl", "trainer")
        with flow.stack.supervised(services, settings(sources, OKR_SCHEDULE__MISSED="none")):
            await asked(flow)
            await flow.predicted(24)
            server.hold(told_of(range(5)))
            await asked(flow)
            await flow.until("processed", OPEN, 5)
            first, *others = told_of(range(4))
            server.hold([{**first, "score": 99.0}, *others])
            server.script({3: {"do": "loop"}})  # the second page; the first one is looked at beforehand
            await asked(flow)
            await flow.until("processed", "select reason from absent_decided", "absent_undecided")
            assert await flow.ask("processed", OPEN) == 5
            server.script({})
            await asked(flow)
            await flow.until("processed", OPEN, 4)
            server.hold(told_of(range(6)))
            await asked(flow)
            await flow.until("processed", OPEN, 6)
            await flow.predicted(24 + 2)
            again = await okr(flow, "backfill", "etl", "--source", "goals", "--json")
    assert json.loads(again)["versions"] == 0, "each request is judged as it was"
    closed = "select string_agg(closed::text, ',' order by position) from due_unit where closed > 0"
    assert await flow.ask("processed", closed) == "2,1", "of the first with its objective"
    assert await flow.wrong() == []


async def test_a_replay_judges_the_requests_of_an_api_under_another_mapping(flow: Flow, tmp_path: Path) -> None:
    """What they lacked is known from the first one on that was asked for it."""
    sources = tmp_path / "sources"
    sources.mkdir()
    with misbehaving(tmp_path) as server:
        mapping = server.write_mapping(sources)
        text = mapping.read_text()

        async def again(absent: str) -> int:
            mapping.write_text(f"{text}\nabsent: {absent}\n")
            return int(json.loads(await okr(flow, "backfill", "etl", "--source", "goals", "--json"))["versions"])

        server.hold(told_of(range(6)))
        with flow.stack.supervised(("ingest-api", "etl"), settings(sources, OKR_SCHEDULE__MISSED="none")):
            await asked(flow)
            await flow.until("processed", OPEN, 6)
            server.hold(told_of(range(5)))
            await asked(flow)
            assert await again("close") == 0, "nobody noted then what it lacked"
            await asked(flow)
            await flow.until("processed", OPEN, 5)
            server.hold(told_of(range(4)))
            await asked(flow)
            await flow.until("processed", OPEN, 4)
            assert await flow.ask("processed", OPEN_CHECK_INS) == 24
            assert await again("delete") > 0
            assert await flow.ask("processed", OPEN_CHECK_INS) == 16
            assert await flow.ask("processed", OPEN) == 4
            assert await again("keep") > 0
            assert (await flow.ask("processed", OPEN), await flow.ask("processed", OPEN_CHECK_INS)) == (6, 24)
            assert await again("close") > 0
            assert (await flow.ask("processed", OPEN), await flow.ask("processed", OPEN_CHECK_INS)) == (4, 24)
            assert await again("close") == 0
            server.hold(told_of(range(6)))
            await asked(flow)
            await flow.until("processed", OPEN, 6)
            await flow.until("curated", OF_LATEST_DOCUMENTS, 6)
            await flow.until("processed", "select count(*) from delivery.outbox where sent_at is null", 0)
    assert await flow.wrong(without=OF_THE_TRAINER) == []


def told_of(outcomes: range) -> list[dict[str, Any]]:
    return [one for one in check_ins(6, 4) if int(one["outcome_id"].removeprefix("out-")) in outcomes]


async def asked(flow: Flow) -> None:
    """All its pages were asked for, with whatever success."""
    await okr(flow, "runs", "start", "ingest-api", "--wait")


async def okr(flow: Flow, *words: str) -> str:
    arguments = ["--state", str(flow.reach.state), *words]
    return (await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments))).stdout
