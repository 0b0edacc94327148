"""The DAG of etl: from the cron tick, with a set clock, to entities, documents and events that this tick caused."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from okr_common import codec
from okr_common.clock import Clock
from okr_common.events import BatchDrifted, BatchPublished, DocumentsCurated, Event, ProcessingRunStepEnded
from okr_common.kafka.admin import end_offsets
from okr_common.kafka.reader import read_all
from okr_common.paths import repository
from okr_common.runs import RunState
from okr_common.service import Parts
from okr_common.settings import load
from okr_common.testing.cadence import Cadence, cadence
from okr_common.testing.waiting import until
from okr_common.topics import PROCESSED_RECORDS, PROCESSING_EVENTS
from okr_etl.service import STAGE, build
from okr_etl.settings import Settings
from okr_etl.testing import RawWriter
from okr_stack.services import environment
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
Table = tuple[list[str], list[list[str]]]
TWO = datetime(2026, 11, 24, 2, tzinfo=UTC)
MTA = (repository() / "configs" / "sources" / "mta_nyct.yaml").read_text(encoding="utf-8")


@asynccontextmanager
async def night(stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch, **env: str) -> AsyncIterator[Cadence]:
    """A minute before two; etl looks for nothing by itself."""
    rare = {"OKR_ETL__SWEEP_SECONDS": "3600"}
    for name, value in {**environment(STAGE, stack.addresses, 0), **rare, **env}.items():
        monkeypatch.setenv(name, value)
    settings = load(Settings)

    async def at(closing: AsyncExitStack, clock: Clock) -> Parts:
        return await build(closing, settings, clock)

    async with cadence("etl", TWO, settings.postgres.ops, at) as the:
        yield the


async def test_the_tick_of_two_makes_entities_of_a_batch_that_nobody_told_of(
    fresh_stack: StackUnderTest, raw: RawWriter, mta_file: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, rows = mta_file
    with fresh_stack.service("ingest-csv"):
        async with night(fresh_stack, monkeypatch) as the:
            await raw.release("mta_nyct", header, [*rows[:300], rows[300][:4]], batch_rows=200)
            processed = await asyncpg.connect(fresh_stack.dsn("okr_readonly", "processed"))
            assert await processed.fetchval("select count(*) from batch_result") == 0
            run, steps = await the.tick(minutes=1)
            slot = await the.slot_state()
            assert await processed.fetchval("select count(*)::int from check_in") == 300
            assert await processed.fetchval("select count(*)::int from document_due") == 0
            await processed.close()
            said = await until(lambda: _said(fresh_stack), within=10)
    assert (run.state, run.trigger, slot) == (RunState.SUCCEEDED, "cron", "done"), run.reason
    assert list(steps) == list(STAGE.steps)
    assert (steps["discover"]["asked"], steps["discover"]["state"]) == ("ingest-csv", "succeeded")
    assert steps["ingest_raw"] == {"batches": 2, "sources": {"mta_nyct": {"after": 0, "to": 2}}}
    assert steps["transform_validate"] == {"sound": ["mta_nyct"]}
    assert (steps["reconcile"]["batches"], steps["reconcile"]["rows"]) == (2, 301)
    loaded = {name: steps["load_processed"][name] for name in ("heads", "batches", "rows", "new", "rejected")}
    assert loaded == {"heads": {"mta_nyct": 2}, "batches": 2, "rows": 301, "new": 300, "rejected": 1}
    ends = end_offsets(fresh_stack.bootstrap, PROCESSED_RECORDS)
    assert steps["publish"]["end_offsets"] == {
        "okr_processed_records": {str(partition): offset for partition, offset in ends.items()}
    }
    assert sum(ends.values()) > 300
    assert run.started_at is not None
    assert [event.position for event in said if isinstance(event, BatchPublished)] == [1, 2]
    assert any(isinstance(event, DocumentsCurated) for event in said)


async def _said(stack: StackUnderTest) -> list[Event]:
    """The events of etl, once the run's last step is among them."""
    read = read_all(stack.bootstrap, [PROCESSING_EVENTS.name])
    said = [codec.decode_event(list(one.headers.items()), one.value) for one in read]
    steps = [event.step for event in said if isinstance(event, ProcessingRunStepEnded)]
    return said if steps == list(STAGE.steps) else []


async def test_without_ingest_csv_and_with_a_broken_mapping_the_rest_is_done_and_the_run_is_degraded(
    fresh_stack: StackUnderTest, raw: RawWriter, mta_file: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, rows = mta_file
    (tmp_path / "mta_nyct.yaml").write_text(MTA)
    (tmp_path / "broken.yaml").write_text(MTA.replace("YTD_TARGET, type", "YTD_TARGT, type"))
    env = {"OKR_ETL__SWEEP_PATIENCE_SECONDS": "0.5", "OKR_SOURCES__FOLDER": str(tmp_path)}
    async with night(fresh_stack, monkeypatch, **env) as the:
        for source in ("broken", "mta_nyct"):
            await raw.release(source, header, rows[:10])
        run, steps = await the.tick(minutes=1)
    assert run.state is RunState.DEGRADED
    assert (steps["discover"]["reason"], steps["transform_validate"]["reason"]) == ("asked_run_late", "sources_wait")
    assert "broken.yaml" in steps["transform_validate"]["error"]
    assert (steps["load_processed"]["heads"], steps["load_processed"]["new"]) == ({"mta_nyct": 1}, 10)


GOALS = """
title: goals that end by their due dates
kind: csv
clock: wall
recognise: { columns: [id, due] }
columns:
  id: { from: id, type: text, required: true }
  value: { from: value, type: number }
  day: { from: day, type: date, required: true }
  due: { from: due, type: date, required: true }
derived: { kind: "'number'", direction: "'increase'", nothing: "0", target: "10" }
entities:
  objective: { key: [id], title: id }
  key_result: { key: [id], title: id, metric_kind: kind, direction: direction, baseline: nothing, target: target,
    start_on: day, due_on: due }
  check_in: { key: [id, day], as_of: day, value: value }
  outcome: { due: { grace_days: 3 } }
absent: close
"""


async def test_the_daily_run_decides_what_has_come_due_and_tells_how_much(
    fresh_stack: StackUnderTest, raw: RawWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service was up before that day: nothing is left of what it does at its start."""
    (tmp_path / "goals.yaml").write_text(GOALS)
    env = {"OKR_ETL__SWEEP_PATIENCE_SECONDS": "0.5", "OKR_SOURCES__FOLDER": str(tmp_path)}
    counted = ("new", "outcomes_decided", "absent_closed", "absent_undecided")
    header, due = ["id", "value", "day", "due"], "2026-11-21"
    rows = [[name, "12", "2026-11-20", due if name == "g" else "2027-01-31"] for name in "ghi"]
    async with night(fresh_stack, monkeypatch, **env) as the:
        await raw.release("goals", header, rows)
        _, first = await the.tick(minutes=1)
        await raw.release("goals", header, rows[:2])
        _, second = await the.tick(days=1)
        _, third = await the.tick(days=1)
    told = [[steps["load_processed"][name] for name in counted] for steps in (first, second, third)]
    assert told == [[3, 0, 0, 0], [0, 1, 2, 0], [0, 0, 0, 0]], "on the 25th three days of grace are over"


TAMPERED = {
    1: ("raw", "delete from raw_row where batch_id = {batch} and row_num = 2", "5 rows in the batch and 4 in okr_raw"),
    2: ("processed", "delete from rejected where batch_id = {batch}", "1 row rejected and 0 kept with reasons"),
    3: (
        "processed",
        "delete from entity_version where position = 3 and seq = 1",
        "{versions} versions in the result and {fewer} there",
    ),
    4: ("processed", "delete from batch_result where batch_id = {batch}", "applied, and no result"),
    5: ("processed", "update batch_result set position = 9 where batch_id = {batch}", "applied, and no result"),
    9: ("processed", "select", "a result, and no batch in okr_raw"),
}


async def test_what_somebody_changed_in_the_databases_is_told_batch_by_batch(
    fresh_stack: StackUnderTest, raw: RawWriter, mta_file: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, rows = mta_file
    async with night(fresh_stack, monkeypatch, OKR_ETL__SWEEP_PATIENCE_SECONDS="0.5") as the:
        batches = await raw.release("mta_nyct", header, [*rows[:9], rows[9][:4], *rows[10:25]], batch_rows=5)
        of = {event.position: event.batch_id for event in batches} | {9: batches[4].batch_id}
        _, steps = await the.tick(minutes=1)
        assert (steps["reconcile"]["batches"], steps["reconcile"]["rows"]) == (5, 25)
        admin = {name: await asyncpg.connect(fresh_stack.admin_dsn(f"okr_{name}")) for name in ("raw", "processed")}
        versions = await admin["processed"].fetchval("select versions from batch_result where position = 3")
        for position, (database, statement, _) in TAMPERED.items():
            await admin[database].execute(statement.format(batch=of[position]))
        run, steps = await the.tick(days=1)
        for connection in admin.values():
            await connection.close()
        drifted = await until(lambda: _drifted(fresh_stack, len(TAMPERED)), within=10)
    assert run.state is RunState.DEGRADED
    assert steps["reconcile"]["reason"] == "counts_drift"
    wrong = {
        position: told.format(versions=versions, fewer=versions - 1) for position, (_, _, told) in TAMPERED.items()
    }
    for position, told in wrong.items():
        assert f"mta_nyct, position {position}, batch {of[position]}: {told}" in steps["reconcile"]["error"]
    assert {event.position: (event.source, event.batch_id, event.wrong) for event in drifted} == {
        position: ("mta_nyct", of[position], [told]) for position, told in wrong.items()
    }
    assert "end_offsets" in steps["publish"], "the run goes on"


async def _drifted(stack: StackUnderTest, many: int) -> list[BatchDrifted]:
    read = read_all(stack.bootstrap, [PROCESSING_EVENTS.name])
    said = [codec.decode_event(list(one.headers.items()), one.value) for one in read]
    found = [event for event in said if isinstance(event, BatchDrifted)]
    return found if len(found) == many else []
