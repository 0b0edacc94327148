"""When a row was written down, in the columns of our template: where a cell says so, and where none does."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from okr_common.paths import repository
from okr_etl.testing import INGESTED_AT, MemorySource, raw_batch
from okr_etl.testing.shipped import proposed_of, shipped

SOURCE = "okr_template"
FILE = repository() / "samples" / "formats" / f"{SOURCE}.csv"
LATER = INGESTED_AT + timedelta(days=1)


def sample() -> tuple[list[str], list[list[str]]]:
    with FILE.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    return header, rows


def row(value: str) -> list[str]:
    header, (first, *_) = sample()
    return [*first[: header.index("value")], value, *first[header.index("value") + 1 :]]


def loaded(rows: Sequence[list[str]], *more: str, unit: str = "") -> MemorySource:
    """Row after row in a batch of its own, each ingested a day after the one before; `more` is a last column."""
    source = MemorySource(shipped(SOURCE), [*sample()[0], *more])
    for place, cells in enumerate(rows):
        batch = raw_batch([cells], source.header, SOURCE, place + 1, unit or f"file/{place}")
        source.take(replace(batch, ingested_at=INGESTED_AT + timedelta(days=place)))
    return source


def told(source: MemorySource) -> list[dict[str, int]]:
    return [applied.counts for applied in source.applied]


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-02 10:30", datetime(2026, 3, 2, 10, 30, tzinfo=UTC)),
        ("2026-03-02T10:30:05", datetime(2026, 3, 2, 10, 30, 5, tzinfo=UTC)),
        ("2026-03-02T10:30:00+02:00", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
    ],
)
def test_all_that_a_row_says_became_known_when_it_was_written_down(cell: str, time: datetime) -> None:
    header, rows = sample()
    found = proposed_of(SOURCE, [*header, "recorded_at"], [[*rows[1], cell]], Path("goals.csv"))
    assert found.candidates.select("entity", "time").rows() == [
        (entity, time) for entity in ("objective", "key_result", "check_in", "outcome")
    ]


def test_of_a_row_that_says_none_the_end_became_known_on_its_day_and_all_else_when_it_was_ingested() -> None:
    header, rows = sample()
    blank = proposed_of(SOURCE, [*header, "recorded_at"], [[*rows[1], " "]], Path("goals.csv"))
    without = proposed_of(SOURCE, header, [rows[1]], Path("goals.csv"))
    assert blank.candidates.equals(without.candidates)
    assert blank.candidates["time"].to_list() == [*[INGESTED_AT] * 3, datetime(2026, 6, 30, tzinfo=UTC)]


@pytest.mark.parametrize("unit", ["", "file/1"])
def test_blank_cells_are_compared_as_those_of_a_file_without_the_column(unit: str) -> None:
    """Also where two rows of one file contradict each other, and its batches were not ingested at once."""
    rows = [row("180"), row("190"), row("180")]
    blank = loaded([[*one, ""] for one in rows], "recorded_at", unit=unit)
    without = loaded(rows, unit=unit)
    assert blank.versions() == without.versions()
    assert told(blank) == told(without)
    assert [one["rejected"] for one in told(blank)] == ([0, 1, 0] if unit else [0, 0, 0])


def test_a_row_that_says_none_holds_after_one_that_said_when() -> None:
    source = loaded([[*row("180"), "2026-03-02"], [*row("190"), ""]], "recorded_at")
    check_ins = source.published.filter(entity="check_in").select("revision", "knowledge_time").rows()
    assert check_ins == [(1, datetime(2026, 3, 2, tzinfo=UTC)), (2, LATER)]


def test_a_file_sent_again_with_the_times_tells_of_the_same_check_ins_when_they_were_known() -> None:
    source = loaded([[*row("180"), ""], [*row("180"), "2026-03-02"]], "recorded_at")
    check_ins = source.published.filter(entity="check_in").select("revision", "knowledge_time").rows()
    assert check_ins == [(1, INGESTED_AT), (2, datetime(2026, 3, 2, tzinfo=UTC))]
