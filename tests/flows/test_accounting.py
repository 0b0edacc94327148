"""Every row of every real file is accounted for: docs/accounting.md says what became of each, and is held to it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from okr_cli.testing import Flow
from okr_common.paths import repository
from okr_common.testing.development_data import DEVELOPMENT_DATA, needs_data

pytestmark = [pytest.mark.stack, pytest.mark.data, needs_data, pytest.mark.timeout(300)]
PAGE = repository() / "docs" / "accounting.md"
FOLDERS = {
    "agile_sprints": "agile_sprints",
    "jira_due_dates": "jira_due_dates",
    "mta_nyct_kpis": "mta_nyct",
    "uk_gmpp": "uk_gmpp",
}
"""Folder of the development data -> source."""
RESULTS = ("new", "changed", "unchanged", "duplicate", "rejected", "pending")
DAY = re.compile(r"\d\d/\d\d/\d{4}|\d\d\.\d\d\.\d\d|\d{4}-\d\d-\d\d")
START, END = 5, 6
"""Lines of the transposed file."""

Rows = list[list[str]]


def records(file: Path) -> tuple[list[str], Rows]:
    """Header and records by the csv module."""
    text = file.read_bytes().decode("utf-8" if "jira_due_dates" in file.parts else "cp1252")
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if "project_number;" in text else ",")
    return header, rows


def expected(source: str, header: Sequence[str], rows: Rows) -> Counter[str]:
    """What must become of the rows of a new file, worked out without the mapping."""
    if source == "agile_sprints":  # a sprint on several boards is one key result
        sprints = len({row[1] for row in rows})
        return Counter(new=sprints, duplicate=len(rows) - sprints)
    if source == "uk_gmpp":  # a project has two dates, or it is rejected
        if header[0] == "Project name":
            named = [place for place, name in enumerate(header) if name.strip() and place]
            wrong = sum(not all(DAY.fullmatch(rows[line - 1][at].strip()) for at in named) for line in (START, END))
            return Counter(rejected=wrong, new=1, unchanged=len(rows) - wrong - 1)
        dates = [header.index("start_date"), header.index("end_date")]
        wrong = sum(not all(DAY.fullmatch(row[at].strip()) for at in dates) for row in rows)
        return Counter(rejected=wrong, new=len(rows) - wrong)
    return Counter(new=len(rows))


@pytest.fixture(scope="module")
def files() -> list[tuple[str, Path]]:
    return [
        (source, file)
        for folder, source in FOLDERS.items()
        for file in sorted((DEVELOPMENT_DATA / folder).glob("*.csv"))
    ]


async def test_every_row_of_every_real_file(flow: Flow, files: list[tuple[str, Path]]) -> None:
    with flow.stack.supervised(("ingest-csv", "etl")):
        for _, file in files:
            flow.drop(file.name, file.read_bytes())
        await flow.until("raw", "select count(*) from file where state = 'done'", len(files), 200)
        await flow.until("processed", "select count(*) from batch_result", len(files), 200)
        await flow.until("processed", "select count(*) from document_due", 0, 200)
    lines = [await accounted(flow, source, [file for of, file in files if of == source]) for source in FOLDERS.values()]
    table = "\n".join([HEADER, *lines]) + "\n"
    assert table in PAGE.read_text(encoding="utf-8"), f"{PAGE.name} should hold:\n{table}"
    assert [wrong for wrong in await flow.wrong() if not wrong.startswith("trainer")] == []


COLUMNS = ("source", "files", "records", "rows", "unreadable", *RESULTS, "rejected for")
HEADER = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"
SUMS = "select json_build_object({}) from batch_result where source = $1"
REASONS = """select coalesce(string_agg(reason || ' ' || rows, ', ' order by rows desc, reason), '') from (
    select reason, count(*) as rows from rejected, unnest(reasons) as reason where source = $1 group by 1) counted"""
STORED = """select count(*) from {} r join batch b using (batch_id) where b.source = $1"""


async def accounted(flow: Flow, source: str, files: Sequence[Path]) -> str:
    """A line of the table, once it agrees with what the csv module and plain sets say."""
    read = [records(file) for file in files]
    wanted = sum((expected(source, *one) for one in read), Counter[str]())
    sums = ", ".join(f"'{name}', sum({name})" for name in RESULTS)
    found = {
        name: int(count) for name, count in orjson.loads(await flow.ask("processed", SUMS.format(sums), source)).items()
    }
    assert found == {name: wanted[name] for name in RESULTS}, source
    rows, unreadable = [int(await flow.ask("raw", STORED.format(table), source)) for table in ("raw_row", "unreadable")]
    counted = sum(len(one) for _, one in read)
    assert (counted, sum(found.values())) == (rows + unreadable, rows), source
    reasons = await flow.ask("processed", REASONS, source)
    cells = [source, len(files), counted, rows, unreadable, *(found[name] for name in RESULTS), reasons]
    return f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |"
