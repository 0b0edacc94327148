"""The DAG of etl: from the cron tick, with a set clock, to entities, documents and events that this tick caused."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from okr_common import codec
from okr_common.clock import Clock
from okr_common.events import BatchPublished, DocumentsCurated, Event, ProcessingRunStepEnded
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
