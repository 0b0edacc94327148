"""The example of docs/adding-a-source.md does what the page says, and the page knows every key and state."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import polars as pl
import pytest
import yaml

from okr_common import paths
from okr_common.sources import (
    ApiBlock,
    Column,
    FindingKind,
    Mapping,
    Read,
    Recognise,
    load_mapping,
    missing_columns,
    reading,
)
from okr_common.sources.language import Block, RowsBlock
from okr_etl.domain.cells import texts
from okr_etl.domain.check import trouble
from okr_etl.testing import MemorySource, raw_batch
from okr_ingest_csv.domain.profile import Profile
from okr_ingest_csv.domain.quality import Summary, findings_of
from okr_ingest_csv.domain.verdict import repair_of
from okr_ingest_csv.rest import State
from okr_ingest_csv.testing import Whole, dialect_in, read_whole

PAGE = (paths.repository() / "docs" / "adding-a-source.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture
def mapping(tmp_path: Path) -> Mapping:
    (tmp_path / "goals.yaml").write_text(block("yaml"), encoding="utf-8")
    loaded = load_mapping(tmp_path / "goals.yaml")
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    return loaded


@pytest.fixture
def whole(mapping: Mapping) -> Whole:
    def is_header(cells: Sequence[str]) -> bool:
        return not missing_columns(mapping, cells)

    content = block("csv").encode()
    repair = repair_of(mapping, dialect_in(content, mapping.read, is_header).header)
    return read_whole(content, mapping.read, is_header, repair)


def test_the_example_is_read_as_the_page_says(mapping: Mapping, whole: Whole) -> None:
    assert (whole.dialect.delimiter, whole.dialect.header_line) == (";", 2)
    assert [repaired for *_, repaired in whole.rows] == [False, False, True, True]
    assert [one.reason for one in whole.unreadable] == ["too_few_cells"]
    summary = Summary(whole.dialect.header, 2, None, 4, {"too_few_cells": 1}, Profile(repaired=2))
    severities = {one.kind: one.severity for one in findings_of(summary, [], mapping.read)}
    assert severities == {
        "unreadable_records": "warning",
        "repaired_records": "warning",
        "title_lines": "information",
    }, "one record of five is at the limit, not over it"


def test_the_example_becomes_the_entities_the_page_says(mapping: Mapping, whole: Whole) -> None:
    assert trouble(mapping) == []
    source = MemorySource(mapping, whole.dialect.header)
    source.load(whole.cells)
    assert source.proposed[0].rejected == []
    made = Counter(source.published["entity"])
    assert made == {"objective": 2, "key_result": 2, "check_in": 4, "outcome": 1}


def test_the_record_of_an_api_is_read_as_the_page_says(mapping: Mapping) -> None:
    (text,) = re.findall(r"```\n(columns:.*?)```", PAGE, re.DOTALL)
    how = reading(mapping.model_copy(update=dict(_parts(text))))
    first, second = how.rows(json.loads(block("json")))
    around = {"id": "7", "title": "Signups", "owner": "growth", "goal": "Grow", "start": "2026-01-01"}
    around |= {"due": "2026-06-30", "baseline": "100", "target": "400"}
    assert first == around | {"update": "a", "day": "2026-01-31", "value": "150"}
    assert second == around | {"update": "b", "day": "2026-06-30", "value": "410"}


def test_groups_are_filled_as_the_page_says(mapping: Mapping) -> None:
    (said,) = re.findall(r"With `rows: ({ fill_down: .*?})`", PAGE)
    names = {"objective": "Objective", "owner": "Owner", "title": "KR"}
    columns = {name: Column.model_validate({"from": origin, "type": "text"}) for name, origin in names.items()}
    rows = RowsBlock.model_validate(yaml.safe_load(said))
    read = _read(block("csv groups"), mapping.model_copy(update={"columns": columns, "rows": rows}))
    assert read["read:objective"].to_list() == [*["Grow"] * 3, "Be quick"]
    assert read["read:owner"].to_list() == ["ada", "ada", "bob", "bob"]


def test_an_outline_is_read_as_the_page_says(mapping: Mapping) -> None:
    read = _read(block("csv outline"), mapping.model_copy(update=dict(_parts(block("yaml outline")))))
    assert read["read:title"].to_list() == ["Grow", "Signups", "Visits", "Be quick", "Days to ship"]
    assert read["read:goal"].to_list() == [None, "Grow", "Grow", None, "Be quick"]
    assert read["read:leader"].to_list() == [None, "ada", "ada", None, "eve"]


def _read(content: str, mapping: Mapping) -> pl.DataFrame:
    header, *rows = csv.reader(content.splitlines(), delimiter=";")
    return texts(raw_batch(rows, header, mapping.name).rows, mapping, header)


def _parts(text: str) -> Iterator[tuple[str, object]]:
    content = yaml.safe_load(text)
    yield "columns", {name: Column.model_validate(column) for name, column in content["columns"].items()}
    yield "rows", RowsBlock.model_validate(content["rows"])


@pytest.mark.parametrize("block_of", [Read, Recognise, Column, RowsBlock, ApiBlock])
def test_every_key_of_a_block_stands_on_the_page(block_of: type[Block]) -> None:
    keys = {field.alias or name for name, field in block_of.model_fields.items()}
    assert sorted(key for key in keys if f"| `{key}` |" not in PAGE) == []


def test_every_state_stands_on_the_page() -> None:
    assert sorted(state for state in get_args(State) if f"| `{state}` |" not in PAGE) == []


def test_the_severities_of_the_page_are_a_read_block() -> None:
    (example,) = re.findall(r"```\n(read: .*?)```", PAGE, re.DOTALL)
    read = Read.model_validate(yaml.safe_load(example)["read"])
    assert read.findings["columns_removed"] == "error"


def test_every_finding_has_a_line_that_says_what_to_do() -> None:
    codes = (paths.repository() / "docs" / "reason-codes.md").read_text(encoding="utf-8")
    told = dict(
        re.findall(r"^\| `(\w+)` \| [^|]+ \| (?:error|warning|information) \| ([^|]+) \|$", codes, re.MULTILINE)
    )
    assert sorted(told) == sorted(get_args(FindingKind))
