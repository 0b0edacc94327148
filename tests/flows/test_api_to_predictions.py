"""Check-ins of a REST API become predictions, asked for by the clock, with nobody's hand in between."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
import pytest
import yaml

from okr_cli.testing import Flow
from okr_common import paths, topics
from okr_common.clock import utc_now
from okr_common.events import BatchIngested
from okr_common.kafka.reader import read_all
from okr_common.records import Prediction
from okr_common.sources import Mapping, load_mapping
from okr_common.testing.check_ins import check_in
from okr_common.testing.misbehaving_process import Misbehaving, misbehaving
from okr_ingest_api.domain.paging import read_page

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
SERVICES = ("ingest-api", "etl", "trainer")
SOURCE = "goals"
OUTCOMES, WEEKS, WRITTEN = 5, 12, 6
RAW_ROW = "select cells from raw_row where batch_id = $1 and row_num = $2"
RECORDED = {"asana_goals": 11, "gitlab_work_items": 10, "lattice": 10, "quantive": 11, "tability": 14}
"""Check-ins in the recorded answers of each API."""
CHECK_INS = (
    "select jsonb_object_agg(source, n) from (select source, count(*) n from check_in group by source) as counted"
)
REJECTED = (
    "select jsonb_object_agg(source, n) from (select source, count(*) n from rejected group by source) as counted"
)

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
    with misbehaving(tmp_path) as server:
        server.write_mapping(sources, SOURCE)
        server.hold(objects)
        server.script({2: {"do": "cut"}, 3: {"do": "status", "status": 429, "retry_after": "1"}, 5: {"do": "slow"}})
        with flow.stack.supervised(SERVICES, just_before_four(sources)):
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


async def test_the_recorded_answers_of_five_apis_become_predictions(flow: Flow, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    with misbehaving(tmp_path) as server:
        server.record({name: recorded(name, server, sources) for name in RECORDED})
        with flow.stack.supervised(SERVICES, just_before_four(sources)):
            await flow.predicted(sum(RECORDED.values()))
            await flow.until("ops", "select state from run where pipeline = 'ingest-api'", "succeeded")
    assert orjson.loads(await flow.ask("processed", CHECK_INS)) == RECORDED
    assert orjson.loads(await flow.ask("processed", REJECTED)) == {
        "asana_goals": 1,
        "gitlab_work_items": 1,
        "lattice": 1,
        "tability": 1,
    }
    assert await flow.ask("raw", "select sum(pages) from api_request where state = 'done'") == 8
    assert await flow.wrong() == []


def recorded(name: str, server: Misbehaving, sources: Path) -> dict[str, object]:
    """Writes the shipped mapping with this server in its API's place; the answers by the cursor that asks for them."""
    root = paths.repository()
    content = yaml.safe_load((root / "configs" / "sources" / f"{name}.yaml").read_text(encoding="utf-8"))
    here = {"enabled": True, "base_url": server.url, "path": f"/recorded/{name}", "token_file": str(server.token_file)}
    content["api"] |= here | {"requests_per_second": 500}
    file = sources / f"{name}.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    mapping = load_mapping(file)
    assert isinstance(mapping, Mapping), mapping
    assert mapping.api is not None
    bodies = [page.read_bytes() for page in sorted((root / "samples" / "formats").glob(f"{name}_[0-9].json"))]
    cursors = [read_page(body, mapping.api).following for body in bodies[:-1]]
    return {cursor or "": orjson.loads(body) for cursor, body in zip([None, *cursors], bodies, strict=True)}


def just_before_four(sources: Path) -> dict[str, str]:
    """The settings of services that come up when a run of ingest-api is due."""
    return {
        "OKR_SOURCES__FOLDER": str(sources),
        "OKR_INGEST_API__TIMEOUT_SECONDS": "1",
        "OKR_SCHEDULE__CLOCK_STARTS_AT": "2026-11-24T03:59:58Z",
        "OKR_SCHEDULE__MISSED": "none",
    }


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
