"""The expression over columns is the function over texts, and what was typed from cleaned texts is right."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from okr_common.cleaning import ODD_CHARACTER, clean
from okr_common.sources import Mapping, load_mapping
from okr_etl.domain.batch import propose
from okr_etl.domain.check import trouble
from okr_etl.domain.cleaning import cleaned
from okr_etl.testing import raw_batch

NASTY = ' \t\r\nab"\\\0\x1a\x1f\x7f\x85\x9f\u00a0\u2007\u202f\u200b\u200d\u2060\ufeff\u3000\u212b'
COMPOSING = "e\u0301\u0323\u00e9\u1100\u1161\uac00"
MANY = 100
"""So often repeated, texts are no longer few, which are cleaned in another way."""
TEXTS = st.none() | st.text(st.sampled_from(NASTY + COMPOSING)) | st.text()


@given(st.lists(TEXTS), st.sampled_from([1, MANY]))
def test_the_expression_does_what_the_function_does(some: list[str | None], times: int) -> None:
    texts = some * times
    found = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}).select(cleaned(pl.col("text")))["text"]
    assert found.to_list() == [None if text is None else clean(text).text for text in texts]


def test_every_character_alone_and_inside() -> None:
    """Of the three planes of Unicode that hold whatever composes."""
    characters = [chr(code) for code in range(0x30000) if not 0xD800 <= code <= 0xDFFF]
    texts = pl.Series("text", [*characters, *(f"e{character}e" for character in characters)])
    found = texts.to_frame().select(cleaned(pl.col("text")))["text"]
    assert_series_equal(found, pl.Series("text", [clean(text).text for text in texts]))


def test_white_space_at_the_edges_of_a_column_is_not_taken_off_cell_by_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns that are filled up to a width are all edges: 20,000 cells took 284 ms one by one, 4 ms as a column."""
    monkeypatch.setattr("okr_etl.domain.cleaning.clean", lambda text: pytest.fail(f"looked at alone: {text!r}"))
    found = pl.DataFrame({"text": [" a ", "b\t", "c", None] * MANY}).select(cleaned(pl.col("text")))["text"]
    assert found.to_list() == ["a", "b", "c", None] * MANY


def test_python_and_polars_read_the_pattern_alike() -> None:
    found = pl.Series(["\u200b", "x\x1a", "e\u0301"]).str.contains(ODD_CHARACTER)
    assert found.all()
    assert not pl.Series(["x", "Größe \u2013 5 €", "目標", "👩\u200d👧"]).str.contains(ODD_CHARACTER).any()


HEADER = ["KR", "Trend", "Day", "Value"]
GOALS = """\
title: Goals
kind: csv
clock: wall
recognise: { columns: [KR] }
columns:
  kr: { from: KR, type: text, required: true, blanks: ["to be\\u00a0set"] }
  direction: { from: Trend, type: text, required: true, map: { "going\\u00a0up": increase, down: decrease } }
  day: { from: Day, type: date, required: true }
  value: { from: Value, type: number }
derived: { kind: "'number'" }
entities:
  objective: { key: [kr], title: kr }
  key_result: { key: [kr], title: kr, metric_kind: kind, direction: direction, target: value, start_on: day,
    due_on: day }
  check_in: { key: [kr, day], as_of: day, value: value }
"""


def mapping_of(folder: Path, text: str) -> Mapping:
    (folder / "goals.yaml").write_text(text, encoding="utf-8")
    loaded = load_mapping(folder / "goals.yaml")
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    return loaded


def test_cells_are_cleaned_before_they_are_typed(tmp_path: Path) -> None:
    rows = [["On\u00a0time\x1a", "going up ", "2017-01-31\u200b", "\u00a012.5"]]
    found = propose(raw_batch(rows, HEADER, "goals"), mapping_of(tmp_path, GOALS))
    wide = found.wide.to_dicts()[0]
    assert (wide["objective.title"], wide["key_result.direction"]) == ("On time", "increase")
    assert (str(wide["check_in.as_of"]), wide["check_in.value"]) == ("2017-01-31", 12.5)


def test_what_is_nothing_when_cleaned_is_blank(tmp_path: Path) -> None:
    rows = [["\u200b", "down", "2017-01-31", ""], ["To be set", "down", "2017-01-31", "\ufeff", "\u2060"]]
    rows.append(["to be set", "down", "2017-01-31", "x\u200by"])
    found = propose(raw_batch(rows, HEADER, "goals"), mapping_of(tmp_path, GOALS))
    assert [(rejected.row_num, rejected.reasons) for rejected in found.rejected] == [
        (1, ("missing_value:kr",)),
        (3, ("missing_value:kr", "not_a_number:value")),
    ]
    assert found.rejected[1].detail["not_a_number:value"].startswith('Value reads "xy"')


def test_the_same_text_written_otherwise_is_the_same_key_result(tmp_path: Path) -> None:
    rows = [["Gr\u00fcn", "down", "2017-01-31", "1"], ["Gru\u0308n ", "down", "2017-01-31", "1"]]
    wide = propose(raw_batch(rows, HEADER, "goals"), mapping_of(tmp_path, GOALS)).wide
    assert wide["key_result.source_id"].n_unique() == 1


def test_two_words_of_a_map_that_clean_alike_must_mean_the_same(tmp_path: Path) -> None:
    twice = GOALS.replace("down: decrease", '"going up": increase, down: decrease')
    assert trouble(mapping_of(tmp_path, twice)) == []
    other = GOALS.replace("down: decrease", '"going up": decrease')
    assert trouble(mapping_of(tmp_path, other)) == [
        "columns.direction.map: two of its words read going up when cleaned, but mean increase and decrease"
    ]


def test_mta_reads_the_same_titles_without_outer_blanks(mta_file: tuple[list[str], list[list[str]]]) -> None:
    header, rows = mta_file
    names = pl.Series("name", [row[header.index("INDICATOR_NAME")] for row in rows])
    stripped = names.to_frame().select(cleaned(pl.col("name")))["name"]
    assert names.filter(names != stripped).n_unique() == 7
