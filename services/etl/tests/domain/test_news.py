"""Of a file only the news is read, where that comes to the same."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from okr_common.sources import Mapping
from okr_etl.testing import MemorySource

Table = tuple[list[str], list[list[str]]]
Fact = tuple[int, int, str, str]
"""Indicator, month of 2017, target, value; both as they stand in the cells."""
Row = Callable[[Fact], list[str]]

FIRST_DAY = datetime(2017, 5, 3, tzinfo=UTC)
"""Of the first file, in the middle of what its rows tell of; each later file comes a month later."""
TARGETS, VALUES = ("10", "10", "12"), ("9", "9.0", "11", "bad")
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def row(mta_file: Table) -> Row:
    template = dict(zip(mta_file[0], mta_file[1][0], strict=True))

    def cells(fact: Fact) -> list[str]:
        indicator, month, target, value = fact
        period = {"PERIOD_YEAR": 2017, "PERIOD_MONTH": month}
        made = template | {"INDICATOR_SEQ": indicator, **period, "YTD_TARGET": target, "YTD_ACTUAL": value}
        return [str(cell) for cell in made.values()]

    return cells


def exports(seed: int, *, twice: bool) -> list[list[Fact]]:
    """Four files, each the one before with up to two edits, as exports of two days are."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    keys = [(indicator, month) for indicator in (1, 2) for month in range(1, 13)]
    draw.shuffle(keys)
    files = [[(*key, draw.choice(TARGETS), draw.choice(VALUES)) for key in keys[:8]]]
    for _ in range(3):
        files.append(edited(draw, files[-1], twice=twice))
    return files


def edited(draw: random.Random, before: list[Fact], *, twice: bool) -> list[Fact]:
    facts = list(before)
    for _ in range(draw.randint(0, 2)):
        place, kind = draw.randrange(len(facts) + 1), draw.choice("ccddnnn")
        if kind != "n" and place < len(facts):
            changed = (*facts[place][:2], draw.choice(TARGETS), draw.choice(VALUES))
            facts[place : place + 1] = [changed] if kind == "c" else []
        else:
            new = (draw.randint(1, 2), draw.randint(1, 12), draw.choice(TARGETS), draw.choice(VALUES))
            if twice or new[:2] not in {fact[:2] for fact in facts}:
                facts.insert(place, new)
    return facts


@pytest.fixture
def load(mta: Mapping, mta_file: Table, row: Row) -> Callable[[Sequence[list[Fact]], int, bool], MemorySource]:
    def loaded(files: Sequence[list[Fact]], cut: int, sparing: bool) -> MemorySource:  # noqa: FBT001
        source = MemorySource(mta, mta_file[0])
        for number, facts in enumerate(files):
            source.export([row(fact) for fact in facts], cut, FIRST_DAY + timedelta(days=30 * number))
            source.head = replace(source.head, plain=source.head.plain and sparing)
        return source

    return loaded


Load = Callable[[Sequence[list[Fact]], int, bool], MemorySource]


def states(source: MemorySource) -> list[tuple[set[tuple[object, ...]], dict[str, int]]]:
    """Of each batch what was published, and the counts, where rows that repeat others count as unchanged."""
    told = []
    for applied in source.applied:
        counts = {**applied.counts}
        counts["unchanged"] += counts.pop("duplicate")
        published = applied.published.select("entity", "entity_id", "revision", "knowledge_time", "payload")
        told.append((set(published.iter_rows()), counts))
    return told


@quick
@given(seed=st.integers(0, 2**32), cut=st.integers(1, 12), kind=st.sampled_from(["once", "twice"]))
def test_the_same_is_published_as_if_all_were_read(load: Load, seed: int, cut: int, kind: str) -> None:
    files = exports(seed, twice=kind == "twice")
    spared, whole = load(files, cut, True), load(files, cut, False)
    event(f"spared: {spared.rows_read < whole.rows_read}")
    assert states(spared) == states(whole)
    assert (spared.head.clock, spared.head.coming) == (whole.head.clock, whole.head.coming)


def test_of_most_exports_little_is_read(load: Load) -> None:
    files = [exports(seed, twice=False) for seed in range(12)]
    spared, whole = (sum(load(each, 3, sparing).rows_read for each in files) for sparing in (True, False))
    assert spared < 0.85 * whole


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
    assert [sum(applied.counts.values()) for applied in source.applied[-4:]] == [300, 300, 300, 1]
    assert sum(applied.counts["changed"] for applied in source.applied) == 1


def test_a_target_mended_in_the_past_is_read_with_all_rows(mta: Mapping, mta_file: Table, row: Row) -> None:
    source = MemorySource(mta, mta_file[0])
    facts = [(1, month, "10", "9") for month in range(1, 5)]
    source.export([row(fact) for fact in facts])
    source.export([row(fact) for fact in (*facts[:2], (1, 3, "12", "9"), *facts[3:])])
    assert source.rows_read == 8
    assert source.head.whole
    targets = source.published.filter(entity="key_result")["payload"].str.json_path_match("$.target").to_list()
    assert targets == ["10.0", "12.0", "10.0"]
