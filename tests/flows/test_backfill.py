"""A mapping is mended and its source done again: only what differs is published, and `okr verify` stays clean."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from okr_cli.main import app
from okr_cli.testing import Flow, Published
from okr_common import paths, topics
from okr_common.kafka.reader import read_all

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
SERVICES = ("ingest-csv", "etl", "trainer")
SMALL = {"OKR_INGEST_CSV__BATCH_ROWS": "100", "OKR_ETL__SWEEP_SECONDS": "0.5"}
POINTS = (
    "replay_before_commit:3",
    pytest.param("replay_after_commit:2", marks=pytest.mark.long),
    "switch_before_commit",
    pytest.param("switch_after_commit", marks=pytest.mark.long),
)
YEAR = 2008
ALL_WORDS, A_WORD_LESS = "{ U: stay_above, D: stay_below, N: none }", "{ U: stay_above, N: none }"
OPEN = "select count(*) from {} where closed is null"


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """The sample's mapping, to be edited."""
    file = tmp_path / "sources" / "mta_nyct.yaml"
    file.parent.mkdir()
    file.write_text((paths.repository() / "configs" / "sources" / file.name).read_text(encoding="utf-8"))
    return file


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def settings(mapping: Path, **more: str) -> dict[str, str]:
    return {"OKR_SOURCES__FOLDER": str(mapping.parent), **SMALL, **more}


async def okr(flow: Flow, *words: str) -> Result:
    arguments = ["--state", str(flow.reach.state), *words]
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments))


async def told(flow: Flow, *words: str) -> Any:  # noqa: ANN401 - JSON
    result = await okr(flow, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def settled(flow: Flow) -> None:
    """All is told, written and answered."""
    for database in ("processed", "curated", "ops"):
        await flow.until(database, "select count(*) from delivery.outbox where sent_at is null", 0)
    await flow.until("processed", "select count(*) from document_due", 0)
    asked = "select count(*) from entity_version where entity = 'check_in' and closed is null"
    await flow.predicted(await flow.ask("processed", asked))


def last_predicted(flow: Flow) -> dict[str, bool]:
    """Of each key result that okr_predictions ever told of whether its newest message does: what compaction leaves."""
    read = [*read_all(flow.stack.bootstrap, [topics.PREDICTIONS.name])]
    told = {one.key for one in read if one.value is not None}
    return {(one.key or b"").decode(): one.value is not None for one in read if one.key in told}


def records(flow: Flow) -> int:
    return len(list(read_all(flow.stack.bootstrap, [topics.PROCESSED_RECORDS.name])))


async def test_rows_rejected_for_a_word_come_back_when_the_mapping_knows_it(
    flow: Flow, published: Published, mapping: Path
) -> None:
    rows = published.of_years(YEAR)
    edit(mapping, ALL_WORDS, A_WORD_LESS)
    with flow.stack.supervised(SERVICES, settings(mapping)):
        flow.drop("2008.csv", published.encoded(rows))
        await flow.until("processed", "select coalesce(sum(rows), 0)::int from batch_result", len(rows))
        await settled(flow)
        rejected = await flow.ask("processed", "select count(*) from rejected")
        before = records(flow)
        assert 0 < rejected < len(rows)
        edit(mapping, A_WORD_LESS, ALL_WORDS)
        done = await told(flow, "rejected", "retry", "--source", "mta_nyct")
        await settled(flow)
        assert records(flow) == before + done["versions"]
        assert await flow.ask("processed", "select count(*) from rejected") == 0
        assert await flow.ask("processed", "select count(*) from check_in") == len(rows)
        assert (await okr(flow, "rejected", "retry", "--source", "mta_nyct")).exit_code == 1, "none is left"
        again = await told(flow, "backfill", "etl", "--source", "mta_nyct")
        assert (again["generation"], again["versions"], again["withdrawn"]) == (3, 0, 0)
        assert records(flow) == before + done["versions"], "what both generations say alike is not published again"
        listed = await told(flow, "backfill", "list")
    assert (listed["asked"], [one["generation"] for one in listed["done"]]) == ([], [3, 2])
    assert await flow.wrong() == []


async def test_what_nothing_says_any_more_is_closed_and_opens_when_it_is_said_again(
    flow: Flow, published: Published, mapping: Path
) -> None:
    rows = published.of_years(YEAR)
    with flow.stack.supervised(SERVICES, settings(mapping)):
        flow.drop("2008.csv", published.encoded(rows))
        await flow.predicted(len(rows))
        key_results = await flow.ask("processed", OPEN.format("key_result"))
        edit(mapping, ALL_WORDS, A_WORD_LESS)
        done = await told(flow, "backfill", "etl", "--source", "mta_nyct")
        await settled(flow)
        fewer = await flow.ask("processed", OPEN.format("key_result"))
        assert 0 < fewer < key_results
        assert done["closed"] > key_results - fewer
        documents = "select count(*) from document where entity = 'key_result'"
        assert await flow.ask("curated", documents) == fewer
        gone = "select count(*) from key_result_state where (state ->> 'gone')::boolean and not open"
        await flow.until("ops", gone, key_results - fewer)
        await flow.until("ops", "select count(*) from delivery.outbox where sent_at is null", 0)
        ended = "select array_agg(key_result_id::text) from key_result where closed is not null"
        newest = last_predicted(flow)
        forgotten = {key_result for key_result, says in newest.items() if not says}
        assert forgotten == newest.keys() & {*await flow.ask("processed", ended)}
        assert forgotten
        traced = await told(flow, "lineage", next(iter(forgotten)))
        assert (traced["closed"]["closed"], traced["closed"]["generation"]) == ("replayed", 2)
        assert (await told(flow, "lineage", next(iter(newest.keys() - forgotten))))["closed"] is None
        again = "select count(*) from work_item where kind = 'train_again' and (result ->> 'trained')::boolean"
        await flow.until("ops", again, 1)
        assert await flow.wrong() == []
        edit(mapping, A_WORD_LESS, ALL_WORDS)
        flow.drop("2008 again.csv", published.encoded([*rows, *published.of_years(YEAR + 1)[:1]]))
        await flow.until("processed", OPEN.format("key_result"), key_results + 1)
        await settled(flow)
        assert await flow.ask("curated", documents) == key_results + 1
        assert all(last_predicted(flow).values()), "what is open again is predicted again"
    assert await flow.wrong() == []


@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_within_a_replay_loses_and_doubles_nothing(
    flow: Flow, published: Published, mapping: Path, tmp_path: Path, point: str
) -> None:
    rows = published.of_years(YEAR)
    crash = {"OKR_CRASH_AT": point, "OKR_CRASH_REACHED": str(tmp_path / "reached")}
    with flow.stack.supervised(SERVICES, settings(mapping, **crash)):
        flow.drop("2008.csv", published.encoded(rows))
        await flow.predicted(len(rows))
        edit(mapping, "from: YTD_ACTUAL", "from: MONTHLY_ACTUAL")
        assert (await okr(flow, "backfill", "etl", "--source", "mta_nyct", "--no-wait")).exit_code == 0
        await flow.until("processed", "select count(*) from replay_done", 1)
        await settled(flow)
    assert (tmp_path / "reached").exists()
    assert await flow.ask("processed", "select count(*) from replay") == 0
    assert await flow.wrong() == []
