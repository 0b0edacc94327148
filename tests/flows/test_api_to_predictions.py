"""Check-ins of a REST API become predictions, asked for by the clock, with nobody's hand in between."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
import pytest

from okr_cli.testing import Flow
from okr_common import topics
from okr_common.clock import utc_now
from okr_common.events import BatchIngested
from okr_common.kafka.reader import read_all
from okr_common.records import Prediction
from okr_common.testing.check_ins import check_in
from okr_common.testing.misbehaving_process import misbehaving

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
SERVICES = ("ingest-api", "etl", "trainer")
SOURCE = "goals"
OUTCOMES, WEEKS, WRITTEN = 5, 12, 6
RAW_ROW = "select cells from raw_row where batch_id = $1 and row_num = $2"

SABOTAGE = (
    ("api_request", "update api_request set rows = rows + 1"),
    ("api_request", "delete from api_request"),
    ("api_object", "update api_object set row_num = row_num - 1 where row_num = 7"),
    ("raw_row", "update raw_row set cells = '{}' where row_num = 7"),
    ("raw_row", "delete from raw_row where row_num = 7"),
)


async def test_a_tick_of_the_clock_brings_an_apis_check_ins_to_predictions(flow: Flow, tmp_path: Path) -> None:
    start = utc_now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(weeks=WRITTEN)
    objects = [check_in(outcome, week, WEEKS, start) for week in range(WRITTEN) for outcome in range(OUTCOMES)]
    sources = tmp_path / "sources"
    sources.mkdir()
    env = {
        "OKR_SOURCES__FOLDER": str(sources),
        "OKR_INGEST_API__TIMEOUT_SECONDS": "1",
        "OKR_SCHEDULE__CLOCK_STARTS_AT": "2026-11-24T03:59:58Z",
        "OKR_SCHEDULE__MISSED": "none",
    }
    with misbehaving(tmp_path) as server:
        server.write_mapping(sources, SOURCE)
        server.hold(objects)
        server.script({2: {"do": "cut"}, 3: {"do": "status", "status": 429, "retry_after": "1"}, 5: {"do": "slow"}})
        with flow.stack.supervised(SERVICES, env):
            await flow.predicted(len(objects))
            await flow.until("ops", "select state from run where pipeline = 'ingest-api'", "succeeded")
    assert await flow.ask("ops", "select trigger || ' ' || logical_time from run where pipeline = 'ingest-api'") == (
        "cron 2026-11-24 04:00:00+00"
    )
    run_id = await flow.ask("ops", "select run_id from run where pipeline = 'ingest-api'")
    assert await flow.ask("raw", "select run_id from api_request where state = 'done'") == UUID(str(run_id))
    found = await led_back(flow)
    assert found == {one["id"] for one in objects[-OUTCOMES:]}, "the last prediction of each key result"
    assert await announced(flow) == {str(await flow.ask("raw", "select request from api_request"))}
    assert await flow.wrong() == []
    await each_of_these_is_noticed(flow)


async def announced(flow: Flow) -> set[str]:
    """The requests that the events of batches name."""
    events = read_all(flow.stack.bootstrap, [topics.INGESTION_EVENTS.name])
    batches = [read for read in events if read.headers["ce_type"] == BatchIngested.ce_type]
    return {orjson.loads(read.value or b"")["request"] for read in batches}


async def each_of_these_is_noticed(flow: Flow) -> None:
    """`okr verify` turns red for each, and is clean again when it is undone."""
    admin = await asyncpg.connect(flow.stack.admin_dsn("okr_raw"))
    for table, change in SABOTAGE:
        await admin.execute(f"create temporary table stash as select * from {table}")
        await admin.execute(change)
        assert await flow.wrong(), change
        await admin.execute(f"delete from {table}")
        await admin.execute(f"insert into {table} select * from stash")
        await admin.execute("drop table stash")
    await admin.close()
    assert await flow.wrong() == []


async def led_back(flow: Flow) -> set[str]:
    """The ids of the check-ins behind the newest prediction of each key result, by the raw row it names."""
    newest: dict[UUID, Prediction] = {}
    for read in read_all(flow.stack.bootstrap, [topics.PREDICTIONS.name]):
        prediction = Prediction.model_validate_json(read.value or b"")
        newest[prediction.key_result_id] = prediction
    rows = [await flow.ask("raw", RAW_ROW, one.batch_id, one.row_num) for one in newest.values()]
    return {orjson.loads(row)["id"] for row in rows}
