"""Cells that stand in the first row of their group only are those of all its rows, wherever the file is cut."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okr_common.sources import Mapping, load_mapping
from okr_etl.domain.batch import Proposed, propose
from okr_etl.domain.preview import preview, unloaded
from okr_etl.testing import MemorySource, raw_batch
from okr_etl.testing.grouped import GROUPED, GROUPED_HEADER, grouped

WIDE = {
    "from: KR,": 'from: "KR {n}",',
    "from: Value,": 'from: "Value {n}",',
    "fill_down: [objective, owner]": "fill_down: [objective, owner], repeat: 2",
}
WIDE_HEADER = ["Objective", "Owner", "KR 1", "Value 1", "KR 2", "Value 2", "Day", "Target"]
words = st.sampled_from(["", "A", "B", " "])
rows = st.lists(
    st.builds(
        grouped, words, st.sampled_from(["", "ada", "TBD"]), st.sampled_from(["", "x", "y"]), words.map(str.lower)
    ),
    max_size=12,
)


def mapping_of(folder: Path, edits: dict[str, str]) -> Mapping:
    text = GROUPED
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    file = folder / "goals.yaml"
    file.write_text(text, encoding="utf-8")
    loaded = load_mapping(file)
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    return loaded


@pytest.fixture
def goals(tmp_path: Path) -> Mapping:
    return mapping_of(tmp_path, {})


def told(found: Proposed) -> list[tuple[object, ...]]:
    return list(found.wide.select("key_result.source_id", "key_result.owner").iter_rows())


def reasons(found: Proposed) -> dict[int, tuple[str, ...]]:
    return {one.row_num: tuple(one.reasons) for one in found.rejected}


def test_a_blank_cell_has_the_value_of_the_nearest_row_above_that_has_one(goals: Mapping) -> None:
    file = [grouped("Grow", "ada", "a"), grouped("", "", "b"), grouped(" ", "bob", "c"), grouped("Be quick", "", "d")]
    assert told(propose(raw_batch(file, GROUPED_HEADER, "goals"), goals)) == [
        ("Grow/a", "ada"),
        ("Grow/b", "ada"),
        ("Grow/c", "bob"),
        ("Be quick/d", "bob"),
    ]


def test_a_word_for_nothing_is_filled_like_a_blank(goals: Mapping) -> None:
    file = [grouped("Grow", "ada", "a"), grouped("", "TBD", "b")]
    assert told(propose(raw_batch(file, GROUPED_HEADER, "goals"), goals))[1] == ("Grow/b", "ada")


def test_before_any_value_a_cell_stays_blank(goals: Mapping) -> None:
    file = [grouped("", "", "a"), grouped("Grow", "", "b")]
    found = propose(raw_batch(file, GROUPED_HEADER, "goals"), goals)
    assert told(found) == [("Grow/b", None)]
    assert reasons(found) == {1: ("missing_value:objective",)}


def test_a_rejected_row_counts_for_those_below_it_and_a_blank_one_stays_blank(goals: Mapping) -> None:
    file = [grouped("Grow", "", "a", "much"), [""] * 6, grouped("", "", "b"), ["Shrink"], grouped("", "", "c")]
    found = propose(raw_batch(file, GROUPED_HEADER, "goals"), goals)
    assert told(found) == [("Grow/b", None), ("Shrink/c", None)]
    assert reasons(found)[1] == ("not_a_number:value",)
    assert "blank_row" in reasons(found)[2]
    assert "too_few_cells" in reasons(found)[4]


def test_a_header_row_of_its_own_is_left_out_and_still_fills(tmp_path: Path) -> None:
    goals = mapping_of(tmp_path, {"fill_down: [objective, owner]": "fill_down: [objective], only: title IS NOT NULL"})
    file = [["Grow", "", "", "", "", ""], grouped("", "", "a"), ["Be quick", "", "", "", "", ""], grouped("", "", "b")]
    found = propose(raw_batch(file, GROUPED_HEADER, "goals"), goals)
    assert [one for one, _ in told(found)] == ["Grow/a", "Be quick/b"]
    assert (found.rejected, found.left_out) == ([], 2)


def test_in_a_wide_file_a_row_without_any_key_result_fills_too(tmp_path: Path) -> None:
    goals = mapping_of(tmp_path, WIDE)
    head, row = ["Grow", "ada", *[""] * 6], ["", "", "a", "1", "b", "2", "2026-01-31", "10"]
    source = MemorySource(goals, WIDE_HEADER)
    source.load([head], "file/1")
    source.load([row], "file/1")
    assert told(propose(raw_batch([head, row], WIDE_HEADER, "goals"), goals)) == [("Grow/a", "ada"), ("Grow/b", "ada")]
    assert told(source.proposed[-1]) == [("Grow/a", "ada"), ("Grow/b", "ada")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=rows, cuts=st.lists(st.integers(1, 11), max_size=4))
def test_a_file_cut_anywhere_says_the_same(goals: Mapping, file: list[Sequence[str]], cuts: list[int]) -> None:
    places = [0, *sorted({cut for cut in cuts if cut < len(file)}), len(file)]
    whole, parts = MemorySource(goals, GROUPED_HEADER), MemorySource(goals, GROUPED_HEADER)
    whole.load(file, "file/1")
    for start, end in pairwise(places):
        parts.load(file[start:end], "file/1")
    assert parts.versions() == whole.versions()
    assert [one for part in parts.proposed for one in told(part)] == told(whole.proposed[0])
    assert [tuple(one.reasons) for part in parts.proposed for one in part.rejected] == [
        tuple(one.reasons) for one in whole.proposed[0].rejected
    ]


def test_another_file_begins_anew(goals: Mapping) -> None:
    source = MemorySource(goals, GROUPED_HEADER)
    source.load([grouped("Grow", "ada", "a")], "file/1")
    source.load([grouped("", "", "b")], "file/2")
    assert reasons(source.proposed[-1]) == {1: ("missing_value:objective",)}


def test_a_group_of_any_length(goals: Mapping) -> None:
    source = MemorySource(goals, GROUPED_HEADER)
    source.load([grouped("Grow", "ada", "0"), *(grouped("", "", str(number)) for number in range(1, 25_000))], "file/1")
    source.load([grouped("", "", "last")], "file/1")
    assert set(source.proposed[0].wide["key_result.owner"]) == {"ada"}
    assert source.proposed[0].wide.height == 25_000
    assert told(source.proposed[1]) == [("Grow/last", "ada")]


def test_the_preview_shows_what_is_filled(goals: Mapping) -> None:
    file = [grouped("Grow", "ada", "a"), grouped("", "", "b")]
    shown = preview(goals, unloaded(GROUPED_HEADER, file, "goals.csv", datetime(2026, 1, 1, tzinfo=UTC)), 5)
    assert [(one["objective"]["title"], one["key_result"]["owner"]) for one in shown.records] == [("Grow", "ada")] * 2


def test_what_a_row_says_depends_on_those_above_it(goals: Mapping, tmp_path: Path) -> None:
    other = mapping_of(tmp_path, {"rows: { fill_down: [objective, owner] }\n": ""})
    assert (goals.row_by_row, other.row_by_row) == (False, True)
    assert goals.hash != other.hash
