"""Real files: counted by an independent reader where that is right, and by known figures where it is not."""

import csv
import io
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from okr_common import paths
from okr_common.testing.development_data import DEVELOPMENT_DATA, needs_data
from okr_ingest_csv.domain.record import Repair, Unreadable
from okr_ingest_csv.testing import Whole, read_whole

MTA = paths.repository() / "samples" / "mta_nyct" / "Performance_NYCT.csv"
REAL_FILES = sorted(DEVELOPMENT_DATA.glob("*/**/*.csv"))
SPRINTS = DEVELOPMENT_DATA / "agile_sprints"
UK = DEVELOPMENT_DATA / "uk_gmpp"
SNAPSHOTS = (0, 30, 50, 80)
NAME, WIDTH = 2, 19
SURPLUS_IN_NAMES = Repair(NAME, tuple(range(NAME + 1, WIDTH)))


class Known(NamedTuple):
    """What is known of a project's sprints: rows as the paper counts them, those too wide, and bytes 0x1A."""

    sprints: int
    too_wide: int
    ctrl_z: int


PROJECTS = {"apache": Known(348, 0, 0), "jboss": Known(372, 4, 0), "jira": Known(1873, 12, 4)}


def test_the_mta_file_is_read_as_it_was_published() -> None:
    content = MTA.read_bytes()
    dialect, rows, unreadable = read_whole(content)
    assert (dialect.encoding.name, dialect.encoding.guessed) == ("cp1252", True)
    assert "offset 344,926" in dialect.encoding.how
    assert [row[0] for row in rows] == theirs(content, "cp1252")[1:]
    assert (len(rows), unreadable) == (9213, [])
    assert rows[-1][2] - rows[0][1] + 1 == 9453


def theirs(content: bytes, encoding: str, delimiter: str = ",") -> list[list[str]]:
    """What the csv module makes of it, header and all."""
    return list(csv.reader(io.StringIO(content.decode(encoding), newline=""), delimiter=delimiter, strict=True))


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: path.name)
def test_every_real_file_holds_what_an_independent_reader_finds(path: Path) -> None:
    content = path.read_bytes()
    dialect, rows, unreadable = read_whole(content)
    header, *records = theirs(content, _encoding(content), ";" if path.name == "uk_2021.csv" else ",")
    assert list(dialect.header) == header
    assert [row[0] for row in rows] == [cells for cells in records if len(cells) == len(header)]
    assert [one.reason for one in unreadable] == ["too_many_cells"] * (len(records) - len(rows))


def _encoding(content: bytes) -> str:
    """Each of these files is in one of two."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: path.name)
def test_every_byte_of_every_real_file_belongs_to_one_record(path: Path) -> None:
    content = path.read_bytes()
    dialect, rows, unreadable = read_whole(content)
    extents = [(row[3], row[4]) for row in rows] + [(one.byte_start, one.byte_len) for one in unreadable]
    at = dialect.start.byte
    for start, length in sorted(extents):
        assert start == at
        at += length
    assert at == len(content)


@cache
def sprints(project: str, snapshot: int, repair: Repair | None) -> Whole:
    return read_whole((SPRINTS / f"{project}_iteration_{snapshot}.csv").read_bytes(), repair=repair)


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("snapshot", SNAPSHOTS)
@pytest.mark.parametrize("project", PROJECTS)
def test_sprints_with_commas_in_their_names_are_counted(project: str, snapshot: int) -> None:
    known, found = PROJECTS[project], sprints(project, snapshot, None)
    assert len(found.rows) == known.sprints - known.too_wide
    assert Counter(one.reason for one in found.unreadable) == Counter({"too_many_cells": known.too_wide})
    assert all(one.raw.endswith(b"\n") and one.first_line == one.last_line for one in found.unreadable)
    assert sum(cells[NAME].count("\x1a") for cells in found.cells) == known.ctrl_z


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("snapshot", SNAPSHOTS)
@pytest.mark.parametrize("project", PROJECTS)
def test_sprints_with_commas_in_their_names_are_repaired_where_that_is_allowed(project: str, snapshot: int) -> None:
    known, found = PROJECTS[project], sprints(project, snapshot, SURPLUS_IN_NAMES)
    assert (len(found.rows), found.unreadable) == (known.sprints, [])
    repaired = [row for row in found.rows if row[5]]
    assert [row[1] for row in repaired] == [_line(one) for one in sprints(project, snapshot, None).unreadable]
    content = (SPRINTS / f"{project}_iteration_{snapshot}.csv").read_bytes()
    for cells, *_, start, length, _ in repaired:
        assert "," in cells[NAME]
        assert content[start : start + length].decode(_encoding(content)) == ",".join(cells) + "\n"
        assert all(cell.lstrip("-").isdigit() for cell in (*cells[:NAME], *cells[NAME + 1 :]))


def _line(one: Unreadable) -> int:
    return one.first_line


@pytest.mark.data
@needs_data
def test_repaired_names_are_those_that_people_gave() -> None:
    names = {row[0][NAME] for project in PROJECTS for row in sprints(project, 0, SURPLUS_IN_NAMES).rows if row[5]}
    assert {"Rel 5.0.0.Alpha2, 4.5.0.Alpha2", "Sprint_July7-11,2014", "Status, Coathanger, Reporting"} <= names


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("project", PROJECTS)
def test_repaired_figures_stand_in_their_columns(project: str) -> None:
    """What a sprint delivered is the same whenever one asks: vel_diff + start + added - removed (SOURCE.txt)."""
    delivered: dict[tuple[str, str], set[int]] = {}
    for snapshot in SNAPSHOTS:
        found = sprints(project, snapshot, SURPLUS_IN_NAMES)
        diff, start, added, removed = map(
            found.dialect.header.index, ("vel_diff", "vel_starttime", "vel_added", "vel_removed")
        )
        for row in filter(lambda row: row[5], found.rows):
            cells = row[0]
            points = int(cells[diff]) + int(cells[start]) + int(cells[added]) - int(cells[removed])
            delivered.setdefault((cells[0], cells[1]), set()).add(points)
    assert len(delivered) == PROJECTS[project].too_wide
    assert all(len(points) == 1 for points in delivered.values())


@pytest.mark.data
@needs_data
def test_the_three_shapes_of_the_uk_portfolio() -> None:
    across, commas, semicolons = (read_whole((UK / f"uk_{year}.csv").read_bytes()) for year in (2014, 2018, 2021))
    shapes = [(one.dialect.delimiter, len(one.dialect.header), len(one.rows)) for one in (across, commas, semicolons)]
    assert shapes == [(",", 201, 16), (",", 14, 133), (";", 16, 184)]
    assert all(one.dialect.encoding.name == "cp1252" and not one.unreadable for one in (across, commas, semicolons))
    # 2014 lies on its side: its attributes are our rows, and the last two of them are blank
    attributes = [cells[0] for cells in across.cells]
    assert across.dialect.header[:2] == ("Project name", "FE Capital Investment Programme")
    assert attributes[1].startswith("MPA RAG rating\n(A Delivery Confidence")
    assert not any(cell.strip() for cells in across.cells[-2:] for cell in cells)
    # 2018 ends its records with CRLF and breaks lines in cells with CR
    assert sum(cell.count("\r") for cells in commas.cells for cell in cells) == 535
    assert sum("£" in "".join(cells) for cells in semicolons.cells) > 100
