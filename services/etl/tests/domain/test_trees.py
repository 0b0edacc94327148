"""Rows below other rows: parents that come late, never come, change, or stand below themselves."""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_common.sources import Mapping
from okr_etl.testing import MemorySource
from okr_etl.testing.shipped import shipped

HEADER = [
    *("Row ID", "Title", "Parent", "Entity", "Owner Email", "Time Period", "Start Date", "Due Date", "Metric Name"),
    *("Starting Value", "Target Value", "Current Value", "Status"),
]


def goal(row_id: str, title: str, parent: str = "") -> list[str]:
    """A row that is no check-in: it has no target."""
    return [row_id, title, parent, "", "", "Q1 2026", "2026-01-01", "2026-03-31", "", "", "", "", ""]


def key_result(row_id: str, title: str, parent: str = "", value: str = "5") -> list[str]:
    return [row_id, title, parent, "", "", "Q1 2026", "2026-01-01", "2026-03-31", "", "0", "10", value, "On Track"]


@pytest.fixture
def viva() -> Mapping:
    return shipped("viva_goals")


@pytest.fixture
def source(viva: Mapping) -> MemorySource:
    return MemorySource(viva, HEADER)


def objectives(source: MemorySource) -> list[str]:
    told = source.published.filter(entity="key_result")["payload"].str.json_path_match("$.source_id")
    return sorted(told.to_list())


def test_a_row_waits_for_its_parent_and_is_counted_where_it_stands(source: MemorySource) -> None:
    source.load([key_result("2", "Customers", "1")], "file/1")
    assert source.published.is_empty()
    assert source.tree.counts[1] == {
        "new": 0,
        "changed": 0,
        "duplicate": 0,
        "unchanged": 0,
        "rejected": 0,
        "pending": 1,
    }
    source.load([goal("7", "Something else")], "file/1")
    assert source.tree.counts[1]["pending"] == 1
    source.load([goal("1", "Grow")], "file/1")
    assert objectives(source) == ["Grow/Customers/Q1 2026"]
    assert source.tree.counts[1] == {
        "new": 1,
        "changed": 0,
        "duplicate": 0,
        "unchanged": 0,
        "rejected": 0,
        "pending": 0,
    }
    assert source.tree.waiting.is_empty()


def test_a_parent_that_came_before_needs_not_come_again(source: MemorySource) -> None:
    source.load([goal("1", "Grow")])
    assert source.load([key_result("2", "Customers", "1")]).counts["new"] == 1
    assert objectives(source) == ["Grow/Customers/Q1 2026"]


def test_a_parent_that_is_called_otherwise_by_now(source: MemorySource) -> None:
    source.load([goal("1", "Grow"), key_result("2", "Customers", "1")])
    source.load([goal("1", "Grow everywhere")])
    source.load([key_result("3", "Revenue", "1")])
    assert objectives(source) == ["Grow everywhere/Revenue/Q1 2026", "Grow/Customers/Q1 2026"]


def test_of_one_file_the_first_row_of_a_key_counts_wherever_it_is_cut(source: MemorySource) -> None:
    source.load([goal("1", "Grow")], "file/1")
    source.load([goal("1", "Shrink"), key_result("2", "Customers", "1")], "file/1")
    source.load([key_result("3", "Revenue", "1")], "file/1")
    assert objectives(source) == ["Grow/Customers/Q1 2026", "Grow/Revenue/Q1 2026"]


def test_a_row_that_waited_in_two_files_is_told_in_their_order(source: MemorySource) -> None:
    source.load([key_result("2", "Customers", "1", "5")])
    source.load([key_result("2", "Customers", "1", "6")])
    source.load([goal("1", "Grow"), key_result("2", "Customers", "1", "7")])
    check_ins = source.published.filter(entity="check_in").sort("revision")
    assert check_ins["payload"].str.json_path_match("$.value").to_list() == ["5.0", "6.0", "7.0"]
    assert [source.tree.counts[position]["rejected"] for position in (1, 2, 3)] == [0, 0, 0]
    assert source.applied[-1].published["seq"].to_list() == list(range(1, 6))


def test_a_row_that_breaks_a_rule_is_rejected_whether_its_parent_is_there_or_not(source: MemorySource) -> None:
    wrong = key_result("2", "Customers", "1", "much")
    assert source.load([wrong]).counts["rejected"] == 1
    assert source.tree.waiting.is_empty()


def test_a_row_may_turn_out_wrong_when_its_parent_comes(viva: Mapping) -> None:
    derived = viva.derived | {"objective": "goal"}
    source = MemorySource(viva.model_copy(update={"derived": derived}), HEADER)
    source.load([key_result("2", "Customers", "1")])
    blank = goal("1", "")
    source.load([blank])
    assert source.tree.counts[1] == {
        "new": 0,
        "changed": 0,
        "duplicate": 0,
        "unchanged": 0,
        "rejected": 1,
        "pending": 0,
    }


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_rows_that_stand_above_themselves_are_rejected_wherever_the_file_is_cut(source: MemorySource, cut: int) -> None:
    rows = [
        key_result("1", "Customers", "2"),
        key_result("2", "Revenue", "1"),
        key_result("3", "Below them", "1"),
        key_result("4", "Itself", "4"),
    ]
    for part in (rows[:cut], rows[cut:]):
        source.load(part, "file/1")
    assert objectives(source) == ["Customers/Below them/Q1 2026"]
    assert source.tree.waiting.is_empty()
    total = {name: sum(counts[name] for counts in source.tree.counts.values()) for name in source.tree.counts[1]}
    assert total == {"new": 1, "changed": 0, "duplicate": 0, "unchanged": 0, "rejected": 3, "pending": 0}


def test_a_cycle_is_told_with_the_way_through_it(source: MemorySource) -> None:
    source.load([key_result("1", "Customers", "2"), key_result("2", "Revenue", "1")])
    first, second = source.proposed[0].rejected
    assert (first.reasons, second.reasons) == (("cyclic_parent",), ("cyclic_parent",))
    assert "1 below 2 below 1" in first.detail["cyclic_parent"]
    assert "2 below 1 below 2" in second.detail["cyclic_parent"]


@st.composite
def trees(draw: st.DrawFn) -> list[list[str]]:
    """Rows in any order, each below one of those before it, below nobody, or below a row that is not there."""
    rows: list[list[str]] = []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        parent = draw(st.sampled_from(["", "nobody", *(str(one) for one in range(1, number))]))
        make = draw(st.sampled_from([goal, key_result]))
        rows.append(make(str(number), f"Title {number}", parent))
    return draw(st.permutations(rows))


@settings(max_examples=60, deadline=None)
@given(rows=trees(), cuts=st.sets(st.integers(1, 11), max_size=4))
def test_a_file_cut_anywhere_says_the_same(rows: list[list[str]], cuts: set[int]) -> None:
    """The same versions, counts and waiting rows; only in which batch, and so in which order, they come differs."""
    places = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    whole, parts = loaded([rows]), loaded([rows[start:end] for start, end in pairwise(places)])
    assert parts.versions() == whole.versions()
    assert sorted(parts.tree.waiting["parent"]) == sorted(whole.tree.waiting["parent"])
    assert summed(parts) == summed(whole)


def loaded(batches: Sequence[Sequence[list[str]]]) -> MemorySource:
    source = MemorySource(shipped("viva_goals"), HEADER)
    for batch in batches:
        source.load(batch, "file/1")
    return source


def summed(source: MemorySource) -> dict[str, int]:
    return pl.DataFrame(list(source.tree.counts.values())).sum().row(0, named=True)
