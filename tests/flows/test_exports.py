"""What other programs take away: documents, training rows and rejected rows, as files."""

import asyncio
import csv
from pathlib import Path

import orjson
import polars as pl
import pytest
from click.testing import Result
from typer.testing import CliRunner

from okr_cli.main import app
from okr_cli.testing import Flow, Published

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
YEARS = (2008, 2009)
ACTUAL = 13


async def okr(flow: Flow, *words: str) -> Result:
    arguments = ["--state", str(flow.reach.state), *words]
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments))
    assert result.exit_code == 0, result.output
    return result


async def test_documents_training_rows_and_rejected_rows_as_files(
    flow: Flow, published: Published, tmp_path: Path
) -> None:
    rows = published.of_years(*YEARS)
    bad = [[*row[:ACTUAL], cell, *row[ACTUAL + 1 :]] for row, cell in zip(rows, ("=1+1", "-5 pieces"), strict=False)]
    with flow.stack.supervised(("ingest-csv", "etl", "trainer")):
        flow.drop("years.csv", published.encoded([*bad, *rows[len(bad) :]]))
        await flow.predicted(len(rows) - len(bad))
        await flow.until("ops", "select max(version) from model_version", 1)
    lines = [orjson.loads(line) for line in (await okr(flow, "documents", "export")).stdout.splitlines()]
    assert len(lines) == await flow.ask("curated", "select count(*) from document")
    columns = tmp_path / "documents.parquet"
    await okr(flow, "documents", "export", "--of", "key_result", "--format", "parquet", "-o", str(columns))
    documents = pl.read_parquet(columns)
    assert documents.height == sum(line["entity"] == "key_result" for line in lines)
    said = {line["entity_id"]: (line["text"], line["meta"].get("target")) for line in lines}
    for entity_id, text, target in documents.select("entity_id", "text", "meta.target").iter_rows():
        assert said[entity_id] == (text, target)
    learned = tmp_path / "training.parquet"
    await okr(flow, "documents", "training", "-o", str(learned))
    training = pl.read_parquet(learned)
    outcomes = dict(training.filter(pl.col("achieved").is_not_null()).select("key_result_id", "achieved").iter_rows())
    heard = "select count(*) from outcome_heard where achieved is not null and not superseding"
    assert len(outcomes) == await flow.ask("ops", heard)
    assert training["features.elapsed"].is_between(0, 1.5).all()
    mend = tmp_path / "mend.csv"
    await okr(flow, "rejected", "export", "--source", "mta_nyct", "-o", str(mend))
    with mend.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["YTD_ACTUAL"] for row in found] == ["'=1+1", "'-5 pieces"]
    assert [Path(row["okr where"]).name for row in found] == ["years.csv:2", "years.csv:3"]
    assert {row["okr reasons"] for row in found} == {"not_a_number:value"}
    assert names(tmp_path) == ["documents.parquet", "mend.csv", "training.parquet"], "nothing half written is left"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
