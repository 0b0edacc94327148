"""A source that never says how goals ended: their due dates do, the model learns from it, and `okr verify` is clean."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from okr_cli.testing import Flow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
SERVICES = ("ingest-csv", "etl", "trainer")
MAPPING = """
title: goals that end by their due dates
kind: csv
clock: wall
recognise: { columns: [goal, team, day, value] }
columns:
  goal: { from: goal, type: text, required: true }
  team: { from: team, type: text, required: true }
  target: { from: target, type: number }
  value: { from: value, type: number }
  day: { from: day, type: date, required: true }
  start: { from: start, type: date, required: true }
  due: { from: due, type: date, required: true }
derived: { kind: "'number'", direction: "'increase'", nothing: "0" }
entities:
  objective: { key: [team], title: team }
  key_result: { key: [goal], title: goal, metric_kind: kind, direction: direction, baseline: nothing, target: target,
    start_on: start, due_on: due }
  check_in: { key: [goal, day], as_of: day, value: value, recorded_at: day }
  outcome: { due: { grace_days: 3 } }
"""
GOALS, CHECK_INS = 40, 6
ENDED = "select count(*) from outcome where label_basis = 'due'"


def export(goals: range) -> bytes:
    """Goals of past quarters and one that is under way; half of them get where they want."""
    lines = ["goal,team,target,value,day,start,due"]
    for number in goals:
        start = date(2024, 1, 1) + timedelta(days=90 * (number % 6))
        for step in range(CHECK_INS):
            value = (step + 1) * (20 if number % 2 else 12)
            day, due = start + timedelta(days=14 * step), start + timedelta(days=80)
            lines.append(f"g{number},t{number % 3},100,{value},{day},{start},{due}")
    return "\n".join([*lines, ""]).encode()


@pytest.mark.parametrize("point", ["due_before_commit", pytest.param("due_after_commit", marks=pytest.mark.long)])
async def test_due_dates_are_learned_from_and_corrections_supersede(flow: Flow, tmp_path: Path, point: str) -> None:
    """Killed in the middle of its first decision, or right after it."""
    reached, sources = tmp_path / "reached", tmp_path / "sources"
    sources.mkdir()
    (sources / "goals.yaml").write_text(MAPPING)
    crash = {"OKR_CRASH_AT": point, "OKR_CRASH_REACHED": str(reached)}
    with flow.stack.supervised(SERVICES, {"OKR_SOURCES__FOLDER": str(sources), **crash}):
        flow.drop("goals.csv", export(range(GOALS)))
        await flow.predicted(GOALS * CHECK_INS)
        await flow.until("processed", ENDED, GOALS)
        await flow.until("ops", "select max(version) from model_version where model = 'goals'", 1)
        assert await flow.ask("processed", "select count(*) from outcome where achieved") == GOALS // 2
        late = export(range(1)).decode().splitlines()
        corrected = late[-1].replace(",72,", ",120,")
        assert corrected != late[-1]
        flow.drop("correction.csv", "\n".join([late[0], corrected, ""]).encode())
        await flow.until("processed", "select count(*) from outcome where revision = 2 and achieved", 1)
        await flow.until("ops", "select count(*) from outcome_heard where superseding", 1)
        await flow.predicted(GOALS * CHECK_INS + 1)
    assert reached.exists()
    assert await flow.wrong() == []


async def test_a_file_of_the_past_in_a_live_source_teaches_nothing_and_the_pace_rule_goes_on(
    flow: Flow, tmp_path: Path
) -> None:
    """All of it became known today, its outcomes as well: a model that learned from no row would only look like one."""
    final = "source: { when: due - INTERVAL '11 days' < day, known_at: day }"
    mapping = MAPPING.replace(", recorded_at: day", "").replace("due: { grace_days: 3 }", final)
    (tmp_path / "goals.yaml").write_text(mapping)
    with flow.stack.supervised(SERVICES, {"OKR_SOURCES__FOLDER": str(tmp_path)}):
        flow.drop("goals.csv", export(range(12)))
        await flow.predicted(12 * CHECK_INS)
        await flow.until("processed", "select count(*) from outcome", 12)
        why = "select result ->> 'reason' from work_item where kind = 'train_initial' and state = 'done' limit 1"
        await flow.until("ops", why, "nothing_learned")
        assert await flow.ask("ops", "select max(version) from model_version") == 0
        assert await flow.ask("ops", "select count(*) from prediction where kind = 'replay'") == 0
        flow.drop("more.csv", export(range(12, 13)).replace(b"2024", b"2099").replace(b"2025", b"2099"))
        await flow.predicted(13 * CHECK_INS)
    by_the_pace_rule = "select count(*) from prediction where kind in ('live', 'late') and model_version = 0"
    assert await flow.ask("ops", by_the_pace_rule) == 13 * (1 + CHECK_INS)  # its definition, too
    assert await flow.wrong() == []
