"""Files that lie on their side: the same comes of them as of the same file upright, and every line is counted."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okr_common.sources import Mapping, load_mapping
from okr_etl.domain.batch import propose
from okr_etl.domain.preview import preview
from okr_etl.testing import INGESTED_AT, VERSION, MemorySource, raw_batch

TEXT = """\
title: Projects
kind: csv
clock: data
recognise: { columns: [Name, Goal], path: "*" }
rows: { transposed: Name }
columns:
  goal: { from: Goal, type: text, required: true }
  title: { from: Project, also: [Name], type: text, required: true }
  start: { from: Start, type: date, required: true }
  due: { from: Due, like: ["Due (*"], type: date, required: true }
  day: { from: Day, type: date, required: true }
  value: { from: Value, type: number, blanks_like: ["*Exempt*"] }
  note: { from: Note, type: text, optional: true }
derived: { kind: "'number'", direction: "'increase'", target: "10" }
entities:
  objective: { key: [goal], title: goal }
  key_result: { key: [title], title: title, metric_kind: kind, direction: direction, target: target, start_on: start,
    due_on: due, attributes: [note] }
  check_in: { key: [title, day], as_of: day, value: value }
"""
NAMES = ["Project", "Goal", "Start", "Due (latest\napproved)", "Day", "Value", "Unread"]
ROWS = [
    ["A", "G", "2026-01-01", "2026-12-31", "2026-03-31", "1", "x"],
    ["B", "G", "2026-01-01", "2026-12-31", "2026-03-31", "exempt, Section 43", ""],
    ["C", "H", "2026-01-01", "2026-06-30", "2026-03-31", "3", ""],
]


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    file = tmp_path_factory.mktemp("sources") / "projects.yaml"
    file.write_text(TEXT)
    loaded = load_mapping(file)
    assert isinstance(loaded, Mapping), loaded
    return loaded


def lying(rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    header, *lines = (list(line) for line in zip(["Name", *NAMES[1:]], *rows, strict=True))
    return header, lines


def loaded(mapping: Mapping, rows: Sequence[Sequence[str]]) -> MemorySource:
    header, lines = lying(rows)
    source = MemorySource(mapping, header)
    source.load(lines)
    return source


def test_the_same_comes_of_it_as_of_the_same_file_upright(projects: Mapping) -> None:
    upright = MemorySource(projects, NAMES)
    upright.load(ROWS)
    down = loaded(projects, ROWS)
    assert down.published.select(VERSION).equals(upright.published.select(VERSION))
    assert not projects.row_by_row, "what a line says depends on those beside it"


def test_lines_are_counted_and_those_that_nobody_reads_change_nothing(projects: Mapping) -> None:
    source = loaded(projects, ROWS)
    assert {name: count for name, count in source.applied[0].counts.items() if count} == {"new": 1, "unchanged": 5}
    _, lines = lying(ROWS)
    again = source.load(lines).counts
    assert (again["unchanged"], sum(again.values())) == (6, 6)
    lines[4][3] = "4"
    changed = source.load(lines).counts
    assert (changed["changed"], changed["unchanged"]) == (1, 5)


def test_a_cell_rejects_its_column_only_and_is_told_by_line_and_column(projects: Mapping) -> None:
    rows = [ROWS[0], [*ROWS[1][:3], "soon", *ROWS[1][4:]], [*ROWS[2][:3], "", "2026-13-01", *ROWS[2][5:]]]
    found = propose(raw_batch(lying(rows)[1], lying(rows)[0], "projects"), projects)
    assert found.wide["key_result.title"].to_list() == ["A"]
    assert [(one.row_num, one.reasons) for one in found.rejected] == [
        (3, ("not_a_date:due", "missing_value:due")),
        (4, ("not_a_date:day",)),
    ]
    assert found.rejected[0].detail["not_a_date:due"].startswith('column 3 ("B"): Due reads "soon"')
    assert found.left_out == 3


def test_a_project_without_a_name_is_told_of_the_first_line(projects: Mapping) -> None:
    rows = [ROWS[0], ["", *ROWS[1][1:]], ["", "", "", "", "", " ", "\u00a0"]]
    found = propose(raw_batch(lying(rows)[1], lying(rows)[0], "projects"), projects)
    (rejected,) = found.rejected
    assert (rejected.row_num, rejected.reasons) == (1, ("missing_value:title",))
    assert rejected.detail["missing_value:title"].startswith('column 3 (""): ')
    assert found.wide.select("row_num", "row:part").rows() == [(2, 2)], "a blank column is not there"


def test_of_columns_that_contradict_each_other_the_first_one_counts(projects: Mapping) -> None:
    other = [*ROWS[0][:5], "9", ROWS[0][6]]
    source = loaded(projects, [*ROWS, ROWS[0], other])
    (rejected,) = source.proposed[0].rejected
    assert (rejected.row_num, rejected.reasons) == (1, ("contradicts_earlier_row",))
    assert rejected.detail["contradicts_earlier_row"].startswith('column 6 ("A"): ')
    assert source.proposed[0].wide["check_in.value"].to_list() == [1.0, None, 3.0, 1.0]
    assert {name: count for name, count in source.applied[0].counts.items() if count} == {
        "rejected": 1,
        "new": 1,
        "unchanged": 4,
    }


def test_where_every_line_has_a_rejected_cell_the_second_tells_what_is_wrong_with_the_first(projects: Mapping) -> None:
    bad = [[*ROWS[1][:at], word, *ROWS[1][at + 1 :]] for at, word in ((1, ""), (2, "?"), (3, "?"), (4, "?"), (5, "?"))]
    source = loaded(projects, [ROWS[0], *bad])
    assert {one.row_num: one.reasons for one in source.proposed[0].rejected} == {
        2: ("missing_value:goal", "not_a_date:start"),
        3: ("not_a_date:due",),
        4: ("not_a_date:day",),
        5: ("not_a_number:value",),
    }
    assert source.proposed[0].wide.select("row_num", "row:part").rows() == [(1, 2)]
    counts = source.applied[0].counts
    assert {name: count for name, count in counts.items() if count} == {"rejected": 4, "new": 1, "unchanged": 1}


def test_a_file_of_one_line_is_used_whole_or_not_at_all(projects: Mapping) -> None:
    dated = projects.columns["day"].model_copy(update={"origin": "file:day", "also": ()})
    columns = {"title": projects.columns["title"], "value": projects.columns["value"], "day": dated}
    day = {"start": "day", "due": "day", "goal": "title"}
    mapping = projects.model_copy(update={"columns": columns, "derived": {**projects.derived, **day}})
    key_result = mapping.entities.key_result.model_copy(update={"attributes": ()})
    mapping = mapping.model_copy(update={"entities": mapping.entities.model_copy(update={"key_result": key_result})})
    good = propose(raw_batch([["Value", "1", "2"]], ["Name", "A", "B"], "projects"), mapping)
    assert (good.wide.height, good.rejected, good.left_out) == (2, [], 0)
    bad = propose(raw_batch([["Value", "1", "?"]], ["Name", "A", "B"], "projects"), mapping)
    assert bad.wide.is_empty()
    assert [(one.row_num, one.reasons) for one in bad.rejected] == [(1, ("not_a_number:value",))]
    assert bad.left_out == 0


def test_a_line_that_is_needed_and_not_there_rejects_all(projects: Mapping) -> None:
    header, lines = lying(ROWS)
    found = propose(raw_batch([line for line in lines if line[0] != "Day"], header, "projects"), projects)
    assert found.wide.is_empty()
    assert {one.reasons for one in found.rejected} == {("missing_line:day",)}
    assert len(found.rejected) == 5
    assert "has no line named Day" in found.rejected[0].detail["missing_line:day"]


def test_a_line_with_cells_missing_or_beyond_is_no_line(projects: Mapping) -> None:
    header, lines = lying(ROWS)
    wide = [*lines[:5], [*lines[5], "more"]]
    found = propose(raw_batch(wide, header, "projects"), projects)
    assert [(one.row_num, one.reasons) for one in found.rejected] == [(6, ("too_many_cells",))]
    assert (found.wide.height, found.left_out) == (3, 4)
    short = propose(raw_batch([*lines[:3], lines[3][:2], *lines[4:]], header, "projects"), projects)
    assert {one.row_num: one.reasons for one in short.rejected}[4] == ("missing_line:day",)
    assert short.wide.is_empty()


def test_a_file_that_was_cut_into_batches_is_not_guessed_at(projects: Mapping) -> None:
    header, lines = lying(ROWS)
    found = propose(replace(raw_batch(lines, header, "projects"), parts=2), projects)
    assert found.wide.is_empty()
    assert {one.reasons for one in found.rejected} == {("transposed_in_parts",)}
    assert "cut into 2" in found.rejected[0].detail["transposed_in_parts"]


def test_what_would_become_of_it_is_shown_by_columns(projects: Mapping) -> None:
    header, lines = lying(ROWS)
    shown = preview(projects, replace(raw_batch(lines, header, "projects"), ingested_at=INGESTED_AT), 2)
    assert (shown.transposed, shown.rows, shown.good) == (True, 6, 3)
    assert [(one["part"], one["key_result"]["title"]) for one in shown.records] == [(2, "A"), (3, "B")]


cells = st.sampled_from(["", "?", "2026-05-05", "2027-01-01", "7", "A", "Exempt", "\u00a0"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(cells, min_size=7, max_size=7), min_size=1, max_size=5), cut=st.integers(0, 6))
def test_whatever_the_cells_are_every_line_is_counted_once(projects: Mapping, rows: list[list[str]], cut: int) -> None:
    header, lines = lying([*ROWS, *rows])
    source = MemorySource(projects, header)
    for part in (lines, lines[:cut], lines):
        applied = source.load(part)
        assert sum(applied.counts.values()) == len(part)
        made = applied.published["row_num"].n_unique()
        assert applied.counts["new"] + applied.counts["changed"] == made, "as okr verify recounts it"
