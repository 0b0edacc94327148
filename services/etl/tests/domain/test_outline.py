"""Rows that are indented below others have cells of theirs, wherever the file is cut."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okr_common.sources import Mapping, load_mapping
from okr_etl.domain.batch import Proposed, propose
from okr_etl.testing import MemorySource, raw_batch
from okr_etl.testing.grouped import INDENTED, INDENTED_HEADER, indented

titles = st.builds(lambda deep, word: " " * deep + word, st.integers(0, 4), st.sampled_from(["", "A", "b", "c"]))
files = st.lists(st.builds(indented, titles, st.sampled_from(["", "ada"]), st.sampled_from(["", "5"])), max_size=14)


@pytest.fixture
def goals(tmp_path: Path) -> Mapping:
    (tmp_path / "goals.yaml").write_text(INDENTED)
    loaded = load_mapping(tmp_path / "goals.yaml")
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    return loaded


def told(found: Proposed) -> list[tuple[object, ...]]:
    return list(found.wide.select("key_result.source_id", "key_result.owner").iter_rows())


def test_each_row_stands_below_the_nearest_one_above_that_is_indented_less(goals: Mapping) -> None:
    file = [
        *[indented("Grow", "ada"), indented("  Signups", "x", "1"), indented("  Visits", "", "2")],
        *[indented("    Of shops", "", "3"), indented("\u00a0\tOrders", "", "4"), indented("Alone", "", "5")],
    ]
    assert told(propose(raw_batch(file, INDENTED_HEADER, "goals"), goals)) == [
        ("Grow/Signups", "ada"),
        ("Grow/Visits", "ada"),
        ("Visits/Of shops", None),
        ("Grow/Orders", "ada"),
        ("nothing/Alone", None),
    ]


def test_a_row_without_a_title_stands_nowhere_and_a_rejected_one_counts(goals: Mapping) -> None:
    file = [
        indented("Grow", "ada"),
        [""] * 5,
        indented(" a", "", "much"),
        indented("", "", "1"),
        indented("  b", "", "2"),
    ]
    found = propose(raw_batch(file, INDENTED_HEADER, "goals"), goals)
    assert told(found) == [("a/b", None)]
    assert [(one.row_num, tuple(one.reasons)) for one in found.rejected] == [
        (3, ("not_a_number:value",)),
        (4, ("missing_value:title",)),
    ]


def test_what_cannot_be_seen_is_no_text_of_the_outline(goals: Mapping) -> None:
    file = [indented("Grow", "ada"), indented("\u200b", "", ""), indented("  a", "", "1")]
    assert told(propose(raw_batch(file, INDENTED_HEADER, "goals"), goals)) == [("Grow/a", "ada")]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=files, cuts=st.lists(st.integers(1, 13), max_size=5))
def test_a_file_cut_anywhere_says_the_same(goals: Mapping, file: list[Sequence[str]], cuts: list[int]) -> None:
    places = [0, *sorted({cut for cut in cuts if cut < len(file)}), len(file)]
    whole, parts = MemorySource(goals, INDENTED_HEADER), MemorySource(goals, INDENTED_HEADER)
    whole.load(file, "file/1")
    for start, end in pairwise(places):
        parts.load(file[start:end], "file/1")
    assert parts.versions() == whole.versions()
    assert [one for part in parts.proposed for one in told(part)] == told(whole.proposed[0])


def test_an_outline_of_any_length(goals: Mapping) -> None:
    source = MemorySource(goals, INDENTED_HEADER)
    file = [indented("Grow", "ada"), *(indented(f"  {number}", "", "1") for number in range(1, 25_000))]
    source.load(file, "file/1")
    source.load([indented("  last", "", "1"), indented("   below", "", "1")], "file/1")
    assert set(source.proposed[0].wide["key_result.owner"]) == {"ada"}
    assert told(source.proposed[1]) == [("Grow/last", "ada"), ("last/below", None)]
    assert not goals.row_by_row
