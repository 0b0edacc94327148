"""However a history is cut into files, the same versions come out."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okr_common.sources import Mapping
from okr_etl.testing import VERSION, MemorySource

Table = tuple[list[str], list[list[str]]]
Fact = tuple[int, int, float, float]
"""Indicator, month from September 2016 on, target, value."""
Load = Callable[[Sequence[Sequence[Fact]], str], MemorySource]
MONTHS = 8

facts = st.lists(
    st.tuples(
        st.integers(1, 3), st.integers(0, MONTHS - 1), st.sampled_from([0.0, 10.0, 12.0]), st.sampled_from([9.0, 11.0])
    ),
    max_size=20,
    unique_by=lambda fact: fact[:2],
)
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def load(mta: Mapping, mta_file: Table) -> Load:
    """Loads files of facts, one batch each."""
    template = dict(zip(mta_file[0], mta_file[1][0], strict=True))

    def cells(fact: Fact) -> list[str]:
        indicator, month, target, value = fact
        period = {"PERIOD_YEAR": 2016 + (month + 8) // 12, "PERIOD_MONTH": (month + 8) % 12 + 1}
        row = template | {"INDICATOR_SEQ": indicator, **period, "YTD_TARGET": target, "YTD_ACTUAL": value}
        return [str(cell) for cell in row.values()]

    def loaded(files: Sequence[Sequence[Fact]], unit: str = "") -> MemorySource:
        source = MemorySource(mta, mta_file[0])
        for file in files:
            source.load([cells(fact) for fact in file], unit)
        return source

    return loaded


@quick
@given(chosen=facts)
def test_whole_or_month_by_month(load: Load, chosen: list[Fact]) -> None:
    months = [[fact for fact in chosen if fact[1] == month] for month in range(MONTHS)]
    assert load(months, "").versions() == load([chosen], "").versions()


@quick
@given(chosen=facts, cuts=st.lists(st.integers(1, 20), max_size=4))
def test_one_file_in_batches_cut_anywhere(load: Load, chosen: list[Fact], cuts: list[int]) -> None:
    ordered = sorted(chosen)
    places = [0, *sorted({cut for cut in cuts if cut < len(ordered)}), len(ordered)]
    batches = [ordered[start:end] for start, end in pairwise(places)]
    assert below_objectives(load(batches, "file/1")) == below_objectives(load([ordered], ""))


def below_objectives(source: MemorySource) -> set[tuple[object, ...]]:
    """An objective is first known by whatever row of it comes first; the rest belongs to one key result."""
    return set(source.published.filter(pl.col("entity") != "objective").iter_rows())


@quick
@given(chosen=facts, repeats=st.lists(st.integers(1, MONTHS), max_size=4))
def test_repeated_deliveries_change_nothing(load: Load, chosen: list[Fact], repeats: list[int]) -> None:
    growing = [[fact for fact in chosen if fact[1] < until] for until in range(2, MONTHS + 1, 2)]
    again = [[fact for fact in chosen if fact[1] < until] for until in repeats]
    assert load([*growing, *again], "").versions() == load(growing, "").versions()


@quick
@given(
    chosen=st.lists(
        st.tuples(st.integers(1, 2), st.integers(0, 5), st.just(10.0), st.sampled_from([1.0, 2.0])), max_size=25
    )
)
def test_every_row_is_counted_once_and_revisions_are_dense(load: Load, chosen: list[Fact]) -> None:
    batches = [chosen[:10], chosen[10:]]
    source = load(batches, "")
    assert [sum(applied.counts.values()) for applied in source.applied] == [len(batch) for batch in batches]
    for revisions in source.published.group_by("entity_id").agg(pl.col("revision").sort())["revision"]:
        assert revisions.to_list() == list(range(1, revisions.len() + 1))


@pytest.fixture(scope="module")
def whole(mta: Mapping, mta_file: Table) -> MemorySource:
    source = MemorySource(mta, mta_file[0])
    source.load(mta_file[1])
    return source


def test_the_sample_whole_or_month_by_month(whole: MemorySource, mta_file: Table) -> None:
    header, rows = mta_file
    year, month = header.index("PERIOD_YEAR"), header.index("PERIOD_MONTH")
    by_month: dict[tuple[int, int], list[list[str]]] = {}
    for row in rows:
        by_month.setdefault((int(row[year]), int(row[month])), []).append(row)
    parts = MemorySource(whole.mapping, header)
    for when in sorted(by_month):
        parts.load(by_month[when])
    assert parts.published.equals(whole.published), "the same, in the same order"


@pytest.mark.parametrize("order", ["reversed", "sorted"])
def test_the_order_of_rows_in_a_file_does_not_matter(whole: MemorySource, mta_file: Table, order: str) -> None:
    header, rows = mta_file
    other = MemorySource(whole.mapping, header)
    other.load(rows[::-1] if order == "reversed" else sorted(rows))
    assert other.published.select(VERSION).equals(whole.published.select(VERSION))
