"""A batch's turn, foretold while the one before is written, is the turn it has when its time comes."""

from dataclasses import dataclass, replace

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okr_common.sources import Mapping
from okr_etl.domain.cells import PART, ROW
from okr_etl.domain.following import held_after, is_turn_of, task_after
from okr_etl.domain.late import Part
from okr_etl.domain.turn import Task, Turn, take
from okr_etl.testing import MemorySource

Table = tuple[list[str], list[list[str]]]
Fact = tuple[int, int, str, str, str]
"""Indicator, month of 2017, target, value, name; all as they stand in the cells."""
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
cell = st.sampled_from(["8", "9"])
facts = st.lists(st.tuples(st.integers(1, 2), st.integers(1, 4), cell, cell, st.sampled_from(["A", "B"])), max_size=12)


@dataclass
class Foretelling(MemorySource):
    """Foretells each batch's turn, if that can be, from what was held before the batch before it, and after it."""

    before: tuple[Turn, pl.DataFrame] | None = None
    foretold: int = 0

    def _turn(self, task: Task, held: pl.DataFrame) -> Turn:
        turn = super()._turn(task, held)
        if self.before is not None:
            former, its_held = self.before
            for known in (its_held, held):
                self._compare(turn, former, known)
        self.before = turn, held
        return turn

    def _compare(self, turn: Turn, former: Turn, known: pl.DataFrame) -> None:
        task = task_after(former, turn.task.batch, turn.task.proposed)
        if task is None:
            return
        foretold = take(task, former.head, held_after(former, known))
        assert is_turn_of(foretold, turn.task, turn.former)
        assert foretold.head == turn.head
        assert foretold.applied.counts == turn.applied.counts
        assert in_order(foretold).equals(in_order(turn))
        self.foretold += 1


@pytest.mark.parametrize("edits", [0, 1], ids=["one mapping", "two"])
def test_nothing_is_foretold_of_a_file_that_had_two_mappings(mta: Mapping, mta_file: Table, edits: int) -> None:
    """Its head would be the same if another replica had applied the batch before under another mapping."""
    header, rows = mta_file
    other = mta.model_copy(update={"clock": "wall"})
    assert other.hash != mta.hash
    source = Foretelling(mta, header)
    for mapping in [mta, *[other] * 4]:
        source.mapping = mapping if edits else mta
        source.load(rows[:50], "file/1")
    assert source.foretold == (0 if edits else 2 * 3)


def in_order(turn: Turn) -> pl.DataFrame:
    return turn.applied.resolved.sort(ROW, PART, "entity")


@pytest.fixture
def template(mta_file: Table) -> dict[str, object]:
    return dict(zip(mta_file[0], mta_file[1][0], strict=True))


def cells(template: dict[str, object], fact: Fact) -> list[str]:
    period = {"INDICATOR_SEQ": fact[0], "PERIOD_YEAR": 2017, "PERIOD_MONTH": fact[1], "INDICATOR_NAME": fact[4]}
    return [str(one) for one in (template | period | {"YTD_TARGET": fact[2], "YTD_ACTUAL": fact[3]}).values()]


@quick
@given(files=st.lists(facts, min_size=1, max_size=3), cut=st.integers(1, 5), wall=st.booleans())
def test_what_is_foretold_is_what_comes(
    template: dict[str, object], mta: Mapping, files: list[list[Fact]], cut: int, *, wall: bool
) -> None:
    mapping = mta.model_copy(update={"clock": "wall"}) if wall else mta
    source = Foretelling(mapping, list(template))
    for file in files:
        source.export([cells(template, fact) for fact in file], cut)


def test_a_real_file_is_foretold_from_its_third_batch_on(mta: Mapping, mta_file: Table) -> None:
    header, rows = mta_file
    source = Foretelling(mta, header)
    source.export(rows[:1_000], 100)
    assert source.foretold == 2 * 8


@pytest.fixture
def turn(mta: Mapping, mta_file: Table) -> Turn:
    """That of a file's third batch."""
    header, rows = mta_file
    source = Foretelling(mta, header)
    source.export(rows[:300], 100)
    assert source.before is not None
    return source.before[0]


def test_a_turn_is_no_other_ones(turn: Turn) -> None:
    """Not of what was read or typed again, nor beside another file, nor at another head.

    Nor where rows waited for it, nor where its file had said something else.
    """
    task, batch = turn.task, turn.task.batch
    assert is_turn_of(turn, replace(task, behind=task.behind + 1), turn.former), "however many come after it"
    others = {
        "batch": replace(batch),
        "proposed": replace(task.proposed),
        "compared_with": "file/0",
        "late": [Part(batch, task.proposed)],
        "said": pl.Series("statement", [1], pl.UInt64),
    }
    taken = [name for name, other in others.items() if is_turn_of(turn, replace(task, **{name: other}), turn.former)]
    assert taken == []
    for other in ({"spoken": None}, {"generation": 2}):
        assert not is_turn_of(turn, task, replace(turn.former, **other))


def test_nothing_is_foretold_of_what_needs_more(turn: Turn) -> None:
    """Of another file, of the news only, after the news only, after a file's first batch, and of a tree."""
    task, proposed = turn.task, turn.task.proposed
    news = replace(task.batch, gone=frozenset())
    rows = task.mapping.rows.model_copy(update={"parent": "any"})
    tree = replace(task, mapping=task.mapping.model_copy(update={"rows": rows}))
    assert task_after(turn, task.batch, proposed) is not None
    assert task_after(turn, replace(task.batch, unit="file/9"), proposed) is None
    assert task_after(turn, news, proposed) is None
    assert task_after(replace(turn, task=replace(task, batch=news)), task.batch, proposed) is None
    assert task_after(replace(turn, former=replace(turn.former, unit="file/9")), task.batch, proposed) is None
    assert task_after(replace(turn, task=tree), task.batch, proposed) is None
