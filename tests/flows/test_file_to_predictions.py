"""A real file becomes predictions: the figures known from it, and a bad file never stops a good one."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from okr_cli.main import app
from okr_cli.testing import Flow, Published
from okr_common import paths
from okr_common.delivery.outbox import Outgoing
from okr_common.events import BatchIngested
from okr_common.kafka.producer import Producer

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
SERVICES = ("ingest-csv", "etl", "trainer")
FIGURES = {
    "raw_rows": ("raw", "select count(*) from raw_row", 9213),
    "objectives": ("processed", "select count(*) from objective", 22),
    "key results": ("processed", "select count(*) from key_result", 814),
    "check-ins": ("processed", "select count(*) from check_in", 9213),
    "check-ins without a target": ("processed", "select count(*) from check_in where target is null", 823),
    "outcomes": ("processed", "select count(*) from outcome", 635),
    "achieved": ("processed", "select count(*) from outcome where achieved", 112),
    "rejected": ("processed", "select count(*) from rejected", 0),
    "documents": ("curated", "select count(*) from document", 836),
    "champion": ("ops", "select version from model_version where alias = 'champion'", 1),
}


async def test_the_published_file_gives_the_figures_known_from_it(flow: Flow, published: Published) -> None:
    with flow.stack.supervised(SERVICES):
        flow.drop("Performance_NYCT.csv", published.encoded(published.rows))
        await flow.predicted(len(published.rows))
        await flow.until("ops", "select version from model_version where alias = 'champion'", 1)
    found = {name: await flow.ask(database, query) for name, (database, query, _) in FIGURES.items()}
    assert found == {name: wanted for name, (_, _, wanted) in FIGURES.items()}
    assert await flow.wrong() == []


BAD_FILES: dict[str, tuple[bytes, str, str]] = {
    "empty.csv": (b"", "failed", "empty"),
    "binary.csv": (b"\x7fELF\x00\x01\x02\x00" * 40, "failed", "binary"),
    "strange.csv": (b"shop,price\nA,1\n", "failed", "unrecognised"),
}


async def test_bad_files_end_as_states_with_reasons_and_the_next_good_one_goes_through(
    flow: Flow, published: Published
) -> None:
    rows = published.rows
    with flow.stack.supervised(SERVICES):
        for name, (content, _, _) in BAD_FILES.items():
            flow.drop(name, content)
        flow.drop("header_only.csv", published.encoded([]))
        flow.drop("few_cells.csv", published.encoded([rows[0], rows[1][:5], rows[1]]))
        flow.drop("good.csv", published.encoded(rows[:300]))
        await flow.predicted(300)
    states = {Path(file["path"]).name: (file["state"], file["reason"]) for file in await okr(flow, "files")}
    assert {name: states[name] for name in BAD_FILES} == {
        name: (state, reason) for name, (_, state, reason) in BAD_FILES.items()
    }
    assert states["header_only.csv"] == ("done", "header_only")
    (unread,) = await okr(flow, "rejected", "--reason", "too_few_cells")
    assert Path(unread["where"]).name == "few_cells.csv:3"
    assert rows[1][3] in unread["said"]
    assert await flow.wrong() == []


async def test_a_misspelt_column_and_strange_messages_stop_only_themselves(
    flow: Flow, published: Published, tmp_path: Path
) -> None:
    mapping = (paths.repository() / "configs" / "sources" / "mta_nyct.yaml").read_text(encoding="utf-8")
    (tmp_path / "mta_nyct.yaml").write_text(mapping)
    typo = mapping.replace("columns: [INDICATOR_SEQ,", "columns: [SHOP_SEQ,").replace(
        "from: INDICATOR_SEQ", "from: SHOP_SEQ"
    )
    (tmp_path / "typo.yaml").write_text(typo.replace("from: YTD_TARGET", "from: YTD_TARGT"))
    with flow.stack.supervised(SERVICES, {"OKR_SOURCES__FOLDER": str(tmp_path)}):
        flow.drop("misspelt.csv", published.encoded(published.rows[:10]).replace(b"INDICATOR_SEQ", b"SHOP_SEQ", 1))
        await Producer(flow.stack.bootstrap, "stranger").publish([said(b"not json", KNOWN), said(b"{}", "okr.new.v9")])
        flow.drop("good.csv", published.encoded(published.rows[:300]))
        await flow.predicted(300)
    (misspelt,) = await okr(flow, "files", "--state", "quarantined")
    assert (misspelt["source"], misspelt["reason"]) == ("typo", "missing_columns")
    assert "YTD_TARGT" in misspelt["detail"]
    assert "YTD_TARGET" in misspelt["detail"]
    letters = await okr(flow, "dead-letters", "list")
    assert {letter["reason"] for letter in letters} == {"not_json", "unknown_type"}
    assert {letter["origin"].partition("/")[0] for letter in letters} == {"okr_ingestion_events"}
    assert await flow.wrong() == []


KNOWN = BatchIngested.ce_type


def said(value: bytes, ce_type: str) -> Outgoing:
    return Outgoing("x", BatchIngested.topic.name, "x", value=value, headers={"ce_type": ce_type})


async def okr(flow: Flow, *arguments: str) -> list[dict[str, Any]]:
    """What a listing of the command says."""
    command = ["--state", str(flow.stack.stack.state.folder), *arguments, "--json"]
    done = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert done.exit_code == 0, done.output
    listed: list[dict[str, Any]] = json.loads(done.stdout)
    return listed


async def test_a_return_to_an_older_content_adds_up(flow: Flow, published: Published) -> None:
    """The batch of a revert has no rows of its own: it refers to those of the first time."""
    before = published.rows[:50]
    after = [[*before[0][:13], "99.9", *before[0][14:]], *before[1:]]
    with flow.stack.supervised(SERVICES):
        for number, rows in enumerate((before, after, before), 1):
            flow.drop(f"{number}.csv", published.encoded(rows))
            await flow.predicted(50 + number - 1)
    assert await flow.ask("raw", "select count(*) from file where revert_of is not null") == 1
    assert await flow.wrong() == []


async def test_a_full_export_repeated_daily_costs_only_its_news(flow: Flow, published: Published) -> None:
    monday = published.rows[:300]
    mended = [*monday[100][:13], "99.9", *monday[100][14:]]
    tuesday = [*monday[:100], mended, *published.rows[101:302]]
    with flow.stack.supervised(SERVICES):
        flow.drop("monday.csv", published.encoded(monday))
        await flow.predicted(300)
        flow.drop("tuesday.csv", published.encoded(tuesday))
        await flow.predicted(303)
    counts = "select rows || ' ' || new || ' ' || changed || ' ' || unchanged from batch_result where position = 2"
    assert await flow.ask("processed", counts) == "302 2 1 299"
    assert await flow.ask("processed", "select whole from source_head") is False, "its news was all that etl read"
    assert await flow.wrong() == []
