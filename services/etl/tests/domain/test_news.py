"""Of a file only the news is read, where that comes to the same."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okr_common.sources import Mapping
from okr_etl.domain.head import Head
from okr_etl.testing import MemorySource

Table = tuple[list[str], list[list[str]]]
Fact = tuple[int, int, str, str]
"""Indicator, month from September 2016 on, target, value; both as they stand in the cells."""
Row = Callable[[Fact], list[str]]

one_fact = st.tuples(
    st.integers(1, 3), st.integers(0, 4), st.sampled_from(["10", "12"]), st.sampled_from(["9", "9.0", "11", "bad"])
)
exports = st.lists(st.lists(one_fact, max_size=12, unique_by=lambda fact: fact[:2]), min_size=2, max_size=4)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def row(mta_file: Table) -> Row:
    template = dict(zip(mta_file[0], mta_file[1][0], strict=True))

    def cells(fact: Fact) -> list[str]:
        indicator, month, target, value = fact
        period = {"PERIOD_YEAR": 2016 + (month + 8) // 12, "PERIOD_MONTH": (month + 8) % 12 + 1}
        made = template | {"INDICATOR_SEQ": indicator, **period, "YTD_TARGET": target, "YTD_ACTUAL": value}
        return [str(cell) for cell in made.values()]

    return cells


def loaded(
    mapping: Mapping, header: Sequence[str], files: Sequence[list[list[str]]], cut: int, *, sparing: bool
) -> MemorySource:
    source = MemorySource(mapping, header)
    for rows in files:
        source.export(rows, cut)
        if not sparing:
            source.head = Head(
                **{**{name: getattr(source.head, name) for name in Head.__dataclass_fields__}, "plain": False}
            )
    return source


def states(source: MemorySource) -> list[tuple[set[tuple[object, ...]], dict[str, int]]]:
    """Of each batch what was published, and the counts, where rows that repeat others count as unchanged."""
    told = []
    for applied in source.applied:
        counts = {**applied.counts}
        counts["unchanged"] += counts.pop("duplicate")
        told.append(
            (
                set(
                    applied.published.select("entity", "entity_id", "revision", "knowledge_time", "payload").iter_rows()
                ),
                counts,
            )
        )
    return told


@quick
@given(files=exports, cut=st.integers(2, 12))
def test_the_same_is_published_as_if_all_were_read(
    mta: Mapping, mta_file: Table, row: Row, files: list[list[Fact]], cut: int
) -> None:
    tables = [[row(fact) for fact in facts] for facts in files]
    spared, whole = (loaded(mta, mta_file[0], tables, cut, sparing=sparing) for sparing in (True, False))
    assert states(spared) == states(whole)
    assert spared.rows_read <= whole.rows_read


@quick
@given(files=st.lists(st.lists(one_fact, max_size=8), min_size=2, max_size=4))
def test_also_where_rows_contradict_each_other(
    mta: Mapping, mta_file: Table, row: Row, files: list[list[Fact]]
) -> None:
    tables = [[row(fact) for fact in facts] for facts in files]
    spared, whole = (loaded(mta, mta_file[0], tables, 99, sparing=sparing) for sparing in (True, False))
    assert states(spared) == states(whole)


def test_a_daily_export_with_one_changed_and_one_new_row(mta: Mapping, mta_file: Table) -> None:
    header, rows = mta_file
    source = MemorySource(mta, header)
    source.export(rows[:900], 300)
    source.export(rows[:900], 300)
    assert source.rows_read == 900
    value = header.index("YTD_ACTUAL")
    changed = [*rows[450][:value], "1.5", *rows[450][value + 1 :]]
    source.export([*rows[:450], changed, *rows[451:901]], 300)
    assert source.rows_read == 902
    assert source.applied[-1].counts["unchanged"] + source.applied[-1].counts["new"] == 1
    assert [sum(applied.counts.values()) for applied in source.applied[-4:]] == [300, 300, 300, 1]
    assert sum(applied.counts["changed"] for applied in source.applied) == 1


def test_a_target_mended_in_the_past_is_read_with_all_rows(mta: Mapping, mta_file: Table, row: Row) -> None:
    source = MemorySource(mta, mta_file[0])
    facts = [(1, month, "10", "9") for month in range(4)]
    source.export([row(fact) for fact in facts])
    source.export([row(fact) for fact in (*facts[:2], (1, 2, "12", "9"), *facts[3:])])
    assert source.rows_read == 8
    assert source.head.whole
    targets = source.published.filter(entity="key_result")["payload"].str.json_path_match("$.target").to_list()
    assert targets == ["10.0", "12.0", "10.0"]
