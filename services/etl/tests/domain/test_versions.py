"""Versions, not overwrites: what is new, what repeats, what came late."""

from collections.abc import Callable

import polars as pl
import pytest

from okr_etl.testing import MemorySource

Row = list[str]


@pytest.fixture
def row(mta_file: tuple[list[str], list[list[str]]]) -> Callable[..., Row]:
    """A row of the sample's shape: an indicator's month in 2017."""
    header, rows = mta_file
    template = dict(zip(header, rows[0], strict=True))

    def make(month: int, target: float = 10, value: float = 5, indicator: int = 1, name: str = "Rate") -> Row:
        cells = template | {
            "INDICATOR_SEQ": indicator,
            "INDICATOR_NAME": name,
            "PERIOD_YEAR": 2017,
            "PERIOD_MONTH": month,
        }
        cells |= {"YTD_TARGET": target, "YTD_ACTUAL": value}
        return [str(cell) for cell in cells.values()]

    return make


def told(memory: MemorySource, entity: str) -> list[tuple[int, str]]:
    """(revision, day it became known) of everything published of this kind."""
    mine = memory.published.filter(pl.col("entity") == entity)
    return [(row["revision"], str(row["knowledge_time"].date())) for row in mine.iter_rows(named=True)]


def test_a_moved_target_is_a_revision_of_the_key_result(memory: MemorySource, row: Callable[..., Row]) -> None:
    memory.load([row(1), row(2), row(3, target=12)])
    assert told(memory, "key_result") == [(1, "2017-01-31"), (2, "2017-03-31")]
    assert told(memory, "objective") == [(1, "2017-01-31")]


def test_a_b_a_makes_three(memory: MemorySource, row: Callable[..., Row]) -> None:
    for value in (5, 6, 5):
        memory.load([row(1, value=value)])
    assert [revision for revision, _ in told(memory, "check_in")] == [1, 2, 3]
    assert [applied.counts["changed"] for applied in memory.applied] == [0, 1, 1]


def test_a_correction_becomes_known_when_its_source_is_that_far(memory: MemorySource, row: Callable[..., Row]) -> None:
    memory.load([row(1), row(2), row(3)])
    memory.load([row(1, value=7)])
    assert told(memory, "check_in")[-1] == (2, "2017-03-31")


def test_the_batches_of_one_file_do_not_make_each_other_late(memory: MemorySource, row: Callable[..., Row]) -> None:
    memory.load([row(1), row(12)], unit="file/1")
    memory.load([row(1, indicator=2), row(2, indicator=2, target=12)], unit="file/1")
    assert told(memory, "key_result")[-1] == (2, "2017-02-28")


def test_a_repeated_row_is_a_duplicate_in_its_batch_and_unchanged_in_the_next(
    memory: MemorySource, row: Callable[..., Row]
) -> None:
    assert memory.load([row(1), row(1)]).counts["duplicate"] == 1
    counts = memory.load([row(1), row(1)]).counts
    assert (counts["unchanged"], counts["duplicate"]) == (1, 1)


def test_a_definition_that_comes_late_is_kept_but_not_made_current(
    memory: MemorySource, row: Callable[..., Row]
) -> None:
    memory.load([row(6, target=12)])
    late = memory.load([row(5, target=10)])
    verdicts = dict(late.resolved.select("entity", "verdict").iter_rows())
    assert verdicts == {"objective": "kept", "key_result": "kept", "check_in": "new"}
    assert told(memory, "key_result") == [(1, "2017-06-30")]
    again = memory.load([row(5, target=10)])
    assert again.counts["unchanged"] == 1, "what was kept is known"


def test_a_full_export_with_moved_targets_again_publishes_nothing(
    memory: MemorySource, row: Callable[..., Row]
) -> None:
    year = [row(month, target=10 + month // 4) for month in range(1, 13)]
    memory.load(year)
    assert memory.load(year).published.is_empty()
    corrected = [*year[:4], row(5, target=99), *year[5:]]
    assert memory.load(corrected).published["entity"].to_list() == ["check_in"]
    assert memory.load(corrected).published.is_empty()


def test_a_corrected_last_month_supersedes_the_outcome(memory: MemorySource, row: Callable[..., Row]) -> None:
    memory.load([row(12, target=10, value=5)])
    memory.load([row(12, target=10, value=15)])
    outcomes = memory.published.filter(pl.col("entity") == "outcome")
    assert outcomes["payload"].str.json_path_match("$.achieved").to_list() == ["true", "false"]
    assert outcomes["revision"].to_list() == [1, 2]


def test_a_row_counts_once_by_the_first_that_applies(memory: MemorySource, row: Callable[..., Row]) -> None:
    memory.load([row(1), row(2)])
    counts = memory.load([row(1), row(2, value=9), row(2, value=9), row(3), row(13), row(4)[:5]]).counts
    assert counts == {"rejected": 2, "pending": 0, "new": 1, "changed": 1, "duplicate": 1, "unchanged": 1}
