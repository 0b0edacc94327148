"""Rows of one file that contradict each other: the first one counts, wherever the file is cut."""

from collections.abc import Callable, Iterable

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okr_common.sources import Mapping
from okr_etl.domain.batch import apply
from okr_etl.testing import MemorySource

Table = tuple[list[str], list[list[str]]]
Fact = tuple[int, int, str, str]
"""Indicator, month of 2017, target, value; both as they stand in the cells."""
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
facts = st.lists(
    st.tuples(st.integers(1, 2), st.integers(1, 3), st.sampled_from(["10", "12"]), st.sampled_from(["8", "9"])),
    min_size=1,
    max_size=8,
).map(lambda told: sorted(told, key=lambda fact: fact[1]))
"""In order of time: of others, the cut decides which time is the first one."""


@pytest.fixture
def loaded(mta: Mapping, mta_file: Table) -> Callable[..., MemorySource]:
    header = mta_file[0]
    template = dict(zip(header, mta_file[1][0], strict=True))

    def cells(fact: Fact) -> list[str]:
        period = {"INDICATOR_SEQ": fact[0], "PERIOD_YEAR": 2017, "PERIOD_MONTH": fact[1]}
        return [str(cell) for cell in (template | period | {"YTD_TARGET": fact[2], "YTD_ACTUAL": fact[3]}).values()]

    def load(files: Iterable[list[Fact]], cuts: Iterable[int]) -> MemorySource:
        source = MemorySource(mta, header)
        for file, cut in zip(files, cuts, strict=False):
            source.export([cells(fact) for fact in file], cut)
        return source

    return load


def rows(source: MemorySource, result: str) -> int:
    return sum(applied.counts[result] for applied in source.applied)


def test_the_first_row_counts_and_the_other_one_says_why_it_does_not(loaded: Callable[..., MemorySource]) -> None:
    for cut in (2, 1):
        source = loaded([[(1, 1, "10", "8"), (1, 1, "10", "9")]], [cut])
        assert (rows(source, "new"), rows(source, "rejected")) == (1, 1)
        (rejected,) = source.applied[-1].contradicting
        assert rejected.reasons == ("contradicts_earlier_row",)
        assert "1/2017-01" in rejected.detail["contradicts_earlier_row"], "names the check-in"
        values = source.published.filter(entity="check_in")["payload"].str.json_path_match("$.value").to_list()
        assert values == ["8.0"]


@quick
@given(files=st.lists(facts, min_size=1, max_size=4), cuts=st.lists(st.integers(1, 5), min_size=4, max_size=4))
def test_wherever_the_files_are_cut(
    loaded: Callable[..., MemorySource], files: list[list[Fact]], cuts: list[int]
) -> None:
    whole, cut = loaded(files, [100] * 4), loaded(files, cuts)
    assert cut.versions() == whole.versions()
    assert rows(cut, "rejected") == rows(whole, "rejected")


@quick
@given(file=facts, before=facts, cuts=st.lists(st.integers(1, 5), min_size=3, max_size=3))
def test_the_same_file_again_publishes_nothing(
    loaded: Callable[..., MemorySource], file: list[Fact], before: list[Fact], cuts: list[int]
) -> None:
    source, again = loaded([before, file], cuts), loaded([before, file, file], cuts)
    assert again.versions() == source.versions()


def test_a_closed_entity_is_opened_by_any_batch_of_a_file(loaded: Callable[..., MemorySource]) -> None:
    """It is held without a time, and without content."""
    source = loaded([[(1, 1, "10", "8")], [(1, 1, "10", "8"), (1, 2, "10", "8")]], [1, 1])
    shut = source.held.filter(entity_id=source.held["entity_id"][0]).with_columns(
        held_from=pl.lit(None, pl.Datetime("us", "UTC")), content_hash=pl.lit("")
    )
    closed = pl.concat([source.held.filter(entity_id=shut["entity_id"][0]).clear(), shut]).drop("unit")
    proposed = source.proposed[-1]
    said = pl.Series("statement", [1], dtype=pl.UInt64)
    assert apply(proposed, closed, None, said).counts["new"] == 1
