"""Cells that a spreadsheet would compute are exported as text, and figures as they are."""

import csv
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_cli.export import Format, csv_rows, export, harmless
from okr_common.errors import OkrError

MARKS = [*"=+-@", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
BLANKS = ["", " ", "\t", "\r\n", "\u00a0 ", "\u3000", "\ufeff", "\u200b"]
FIGURES = [
    "-5",
    "+5",
    "-1.234,5",
    "-1 234,56",
    "-1\u202f234,56",
    "-1'234.56",
    "-0.5 %",
    "-3e5",
    "-.5",
    "\uff0d5",
    "+1,234.56%",
]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("blanks", BLANKS)
def test_a_formula_is_prefixed_whatever_blanks_stand_before_it(mark: str, blanks: str) -> None:
    for rest in ("1+1", 'HYPERLINK("http://a.example";"b")', "cmd|' /C calc'!A0"):
        assert harmless(blanks + mark + rest) == f"'{blanks}{mark}{rest}"


@pytest.mark.parametrize("figure", FIGURES)
def test_negative_numbers_survive_also_behind_blanks(figure: str) -> None:
    assert [harmless(one) for one in (figure, f" {figure}", f"{figure} ")] == [figure, f" {figure}", f"{figure} "]


@given(cell=st.text())
def test_a_cell_loses_nothing_and_gets_one_apostrophe_at_most(cell: str) -> None:
    assert harmless(cell) in {cell, f"'{cell}"}


def test_header_and_cells_of_a_file_are_both_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "mend.csv"
    assert csv_rows(["goal", " =1+1"], [["\uff1d1+1", "-5"], ["a =b", "\u00a0@x"]], file) == 2
    with file.open(encoding="utf-8", newline="") as opened:
        assert list(csv.reader(opened)) == [["goal", "' =1+1"], ["'\uff1d1+1", "-5"], ["a =b", "'\u00a0@x"]]


async def test_objects_become_columns_and_empty_ones_none(tmp_path: Path) -> None:
    """Goals whose mapping names no attributes have an empty object in each row, which Parquet cannot hold."""

    async def rows() -> AsyncIterator[Mapping[str, object]]:
        yield {"id": "a", "meta": {"target": 1.5, "attributes": {}, "cost": {"euro": 3, "more": {}}}, "labels": {}}
        yield {"id": "b", "meta": {"target": None, "attributes": {}, "cost": {"euro": None, "more": {}}}, "labels": {}}

    file = tmp_path / "all.parquet"
    assert await export(rows(), Format.PARQUET, file) == 2
    assert pl.read_parquet(file).rows(named=True) == [
        {"id": "a", "meta.target": 1.5, "meta.cost.euro": 3},
        {"id": "b", "meta.target": None, "meta.cost.euro": None},
    ]


async def none() -> AsyncIterator[Mapping[str, object]]:
    return
    yield {}


async def test_where_there_are_no_rows_no_older_file_passes_for_the_new_one(tmp_path: Path) -> None:
    lines, columns, table = (tmp_path / name for name in ("all.jsonl", "all.parquet", "mend.csv"))
    for file in (lines, columns, table):
        file.write_text("older")
    assert await export(none(), None, lines) == 0
    assert lines.read_text() == ""
    assert csv_rows(["okr where"], [], table) == 0
    assert table.read_text().strip() == "okr where"
    with pytest.raises(OkrError, match=r"no columns: no .*all\.parquet; the older file of that name is left"):
        await export(none(), None, columns)
    assert columns.read_text() == "older"
    assert names(tmp_path) == ["all.jsonl", "all.parquet", "mend.csv"], "nothing half written is left"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
