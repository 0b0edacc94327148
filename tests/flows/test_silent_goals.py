"""Goals that fell silent: the daily run judges them as of today, every list says so, and `okr verify` is clean."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from okr_cli.main import app
from okr_cli.testing import Flow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
SERVICES = ("ingest-csv", "etl", "trainer")
MAPPING = """
title: goals under way
kind: csv
clock: wall
recognise: { columns: [goal, day, value] }
columns:
  goal: { from: goal, type: text, required: true }
  value: { from: value, type: number }
  day: { from: day, type: date, required: true }
  start: { from: start, type: date, required: true }
  due: { from: due, type: date, required: true }
derived: { kind: "'number'", direction: "'increase'", nothing: "0", hundred: "100" }
entities:
  objective: { key: [goal], title: goal }
  key_result: { key: [goal], title: goal, metric_kind: kind, direction: direction, baseline: nothing, target: hundred,
    start_on: start, due_on: due }
  check_in: { key: [goal, day], as_of: day, value: value }
"""
GOALS, PASSED, LEFT, SILENT = 6, 30, 60, 20
"""Days since the start, days left, and days since the last check-in."""


def today() -> date:
    return datetime.now(UTC).date()


@contextmanager
def within_a_day() -> Iterator[None]:
    """What is told as of today is held against a file made today."""
    began = today()
    try:
        yield
    except AssertionError:
        if today() != began:
            pytest.skip("midnight passed while it ran, and today is another day than that of its file")
        raise


def export() -> bytes:
    start, day, due = (today() + timedelta(days=days) for days in (-PASSED, -SILENT, LEFT))
    lines = [f"g{number},{10 * number},{day},{start},{due}" for number in range(GOALS)]
    return "\n".join(["goal,value,day,start,due", *lines, ""]).encode()


async def okr(flow: Flow, *words: str) -> str:
    result = await asyncio.to_thread(
        lambda: CliRunner().invoke(app, ["--state", str(flow.reach.state), *words], catch_exceptions=False)
    )
    assert result.exit_code == 0, result.output
    return result.stdout


async def test_silent_goals_age_and_every_list_is_as_of_today(flow: Flow, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "goals.yaml").write_text(MAPPING)
    with within_a_day(), flow.stack.supervised(SERVICES, {"OKR_SOURCES__FOLDER": str(sources)}):
        flow.drop("goals.csv", export())
        await flow.predicted(GOALS)
        answer = json.loads(await okr(flow, "predict", "g3", "--json"))
        assert (answer["days_left"], answer["elapsed"]) == (LEFT, pytest.approx(PASSED / (PASSED + LEFT)))
        for _ in range(2):
            await okr(flow, "runs", "start", "trainer", "--wait")
        listed = json.loads(await okr(flow, "at-risk", "--risk", "all", "--json"))
        assert [one["days_left"] for one in listed] == [LEFT] * GOALS
        aged = {one["prediction_id"]: one["probability"] for one in listed if one["key_result"] == "g3"}
        assert list(aged.values()) == [answer["probability"]]
        assert f"{LEFT} of {PASSED + LEFT} days left" in json.dumps([one["reasons"] for one in listed])
        assert f"{LEFT} days left, 33 % of its period over" in await okr(flow, "predict", "g3")
        traced = json.loads(await okr(flow, "lineage", "g3", "--json"))
        assert (traced["prediction"]["kind"], traced["prediction"]["prediction_id"]) == ("aged", *aged)
        assert traced["version"]["entity"] == "key_result"
        assert await flow.ask("ops", "select count(*) from prediction where kind = 'aged'") == GOALS
        assert await flow.wrong() == []
