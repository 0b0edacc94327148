"""Cells become typed rows, or are rejected with every reason and a sentence for each."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from okr_common.sources import Mapping, load_mapping
from okr_etl.domain.batch import Proposed, propose
from okr_etl.domain.check import trouble
from okr_etl.domain.reasons import CODES
from okr_etl.testing import raw_batch

HEADER = ["Id", "Goal", "Kind", "Start", "Due", "Seen", "Target", "Count", "Value"]
COLUMNS = """\
columns:
  id: { from: Id, type: text, required: true }
  goal: { from: Goal, type: text, required: true, blanks: [TBD] }
  direction: { from: Kind, type: text, required: true, map: { up: increase, down: decrease } }
  start: { from: Start, type: date, required: true, formats: ["%d.%m.%Y", "%Y-%m-%d"] }
  due: { from: Due, type: date, required: true }
  seen: { from: Seen, type: timestamp }
  target: { from: Target, type: number }
  count: { from: Count, type: integer }
  value: { from: Value, type: number }
derived:
  unit_kind: "'number'"
  day: DATE(CONCAT('2017-01-', count))
entities:
  objective: { key: [id], title: goal, due_on: due }
  key_result: { key: [id], title: goal, metric_kind: unit_kind, direction: direction, target: target, start_on: start,
    due_on: due, attributes: [count, goal] }
  check_in: { key: [id, count], as_of: day, recorded_at: seen, value: value }
"""
CSV = "title: Goals\nkind: csv\nclock: wall\nrecognise: { columns: [Id] }\n" + COLUMNS
API = """\
title: Goals
kind: api
clock: wall
api: { base_url: "http://127.0.0.1:9", path: /x, records: data, object_id: Id, cursor: { next: next, parameter: c } }
""" + COLUMNS.replace("from: Goal", "from: goal.title")
GOOD = {
    "Id": "7",
    "Goal": "Grow",
    "Kind": "up",
    "Start": "01.01.2017",
    "Due": "2017-12-31",
    "Seen": "2017-01-31T10:00:00+02:00",
    "Target": "100",
    "Count": "31",
    "Value": "12.5",
}


def mapping_of(folder: Path, text: str) -> Mapping:
    file = folder / "goals.yaml"
    file.write_text(text, encoding="utf-8")
    loaded = load_mapping(file)
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    return loaded


@pytest.fixture
def goals(tmp_path: Path) -> Mapping:
    return mapping_of(tmp_path, CSV)


def proposed(mapping: Mapping, *rows: dict[str, str]) -> Proposed:
    return propose(raw_batch([list((GOOD | row).values()) for row in rows], HEADER, mapping.name), mapping)


def test_a_good_row(goals: Mapping) -> None:
    wide = proposed(goals, {}).wide.to_dicts()[0]
    assert str(wide["key_result.start_on"]) == "2017-01-01", "the first format that fits"
    assert wide["check_in.recorded_at"].isoformat() == "2017-01-31T08:00:00+00:00"
    assert wide["row.time"] == wide["check_in.recorded_at"] == wide["check_in.held_from"], "when it was written down"
    assert wide["check_in.source_id"] == "7/31"


@pytest.mark.parametrize(
    ("wrong", "reasons", "sentence"),
    [
        ({"Id": " \u00a0"}, ["missing_value:id"], "Id is blank; a value is needed"),
        ({"Goal": "TBD"}, ["missing_value:goal"], "Goal is blank; a value is needed"),
        ({"Kind": "sideways"}, ["unknown_word:direction"], 'Kind reads "sideways"; the mapping knows up, down'),
        ({"Kind": "Up"}, ["unknown_word:direction"], 'Kind reads "Up"; the mapping knows up, down'),
        ({"Target": "1,5"}, ["not_a_number:target"], 'Target reads "1,5"; numbers look like 1234.5, 1 234.5 or (500)'),
        ({"Target": "NaN"}, ["not_a_number:target"], 'Target reads "NaN"; numbers look like 1234.5, 1 234.5 or (500)'),
        ({"Target": "inf"}, ["not_a_number:target"], 'Target reads "inf"; numbers look like 1234.5, 1 234.5 or (500)'),
        ({"Count": "3.5"}, ["not_an_integer:count"], 'Count reads "3.5"; whole numbers look like 12 or -3'),
        (
            {"Start": "2017-02-30"},
            ["not_a_date:start"],
            'Start reads "2017-02-30"; dates look like %d.%m.%Y or %Y-%m-%d',
        ),
        ({"Seen": "noon"}, ["not_a_timestamp:seen"], 'Seen reads "noon"; timestamps look like 2017-01-31T12:00:00Z'),
        ({"Due": "soon"}, ["not_a_date:due"], 'Due reads "soon"; dates look like 2017-01-31'),
        ({"Due": "0017-12-31"}, ["date_out_of_range:due"], "Due gives 0017-12-31, outside 1900-01-01 to 2199-12-31"),
        ({"Due": "2016-12-31"}, ["due_before_start"], "it is due on 2016-12-31, before it starts on 2017-01-01"),
        ({"Count": "32"}, ["not_derivable:day"], "DATE(CONCAT('2017-01-', count)): "),
        ({"Count": ""}, ["missing_value:count"], "Count is blank"),
        ({"Goal": "x" * 300_001}, ["row_too_long"], "larger than a message may be"),
        (
            {"Id": "", "Target": "x", "Count": "y"},
            ["missing_value:id", "not_a_number:target", "not_an_integer:count"],
            "",
        ),
    ],
)
def test_a_wrong_row_has_all_its_reasons(
    goals: Mapping, wrong: dict[str, str], reasons: list[str], sentence: str
) -> None:
    found = proposed(goals, {}, wrong, {}).rejected
    assert [rejected.row_num for rejected in found] == [2]
    assert sorted(found[0].reasons) == sorted(reasons)
    assert sentence in found[0].detail[reasons[0]]
    assert all(reason.split(":")[0] in CODES for reason in found[0].reasons)


def test_a_derived_figure_that_is_no_number_is_told_and_not_left_blank(tmp_path: Path) -> None:
    share = CSV.replace("derived:", 'derived:\n  share: "value / target"').replace("value: value }", "value: share }")
    assert trouble(mapping_of(tmp_path, share)) == []
    none, some = {"Target": "0"}, {"Target": "0", "Value": "0"}
    said = proposed(mapping_of(tmp_path, share), {}, none, some, {"Target": ""})
    assert [(one.row_num, one.reasons) for one in said.rejected] == [(row, ("not_derivable:share",)) for row in (2, 3)]
    assert (
        "value / target: gives inf, which is no number; divide by NULLIF"
        in said.rejected[0].detail["not_derivable:share"]
    )
    assert said.wide["check_in.value"].to_list() == [0.125, None], "what is blank stays blank"


def test_a_blank_row_has_one_reason(goals: Mapping) -> None:
    blank, noted = dict.fromkeys(GOOD, " "), {**dict.fromkeys(GOOD, ""), "Target": "x"}
    found = proposed(goals, {}, blank, noted).rejected
    lacking = ("id", "goal", "direction", "start", "due", "count")
    assert [one.row_num for one in found] == [2, 3]
    assert found[0].reasons == ("blank_row",)
    assert set(found[1].reasons) == {*(f"missing_value:{name}" for name in lacking), "not_a_number:target"}
    assert found[0].detail == {"blank_row": "all cells that the mapping reads are blank; delete the row"}


@pytest.mark.parametrize(
    "text", ["due - start", "INTERVAL '1 day'", "STRING_TO_ARRAY(goal, 'a')", "CAST(goal AS BLOB)"]
)
@pytest.mark.parametrize("place", ["key: [id, day]", "attributes: [day, goal]", "due_on: due, unit: day"])
def test_what_no_text_can_hold_is_found_before_a_batch(tmp_path: Path, text: str, place: str) -> None:
    used = COLUMNS.replace("DATE(CONCAT('2017-01-', count))", text).replace("as_of: day", "as_of: due")
    former = {"key: [id, day]": "key: [id, count]", "attributes: [day, goal]": "attributes: [count, goal]"}
    used = used.replace(
        former.get(place, "due_on: due, attributes"), place if place in former else f"{place}, attributes"
    )
    assert place in used
    (wrong,) = trouble(mapping_of(tmp_path, CSV.replace(COLUMNS, used)))
    assert wrong.startswith("derived.day: ")
    assert "needs what text can hold, but this gives " in wrong


def test_a_duration_may_stand_between_two_expressions(tmp_path: Path) -> None:
    between = COLUMNS.replace("derived:\n", "derived:\n  lasts: due - start\n")
    mapping = mapping_of(tmp_path, CSV.replace(COLUMNS, between))
    assert trouble(mapping) == []
    found = proposed(mapping, {}, {"Due": "2016-12-31"})
    assert found.wide.height == 1
    assert [one.reasons for one in found.rejected] == [("due_before_start",)]


def test_rows_of_another_width(goals: Mapping) -> None:
    row = list(GOOD.values())
    rows = [row[:-1], row, [*row, "", " "], [*row, "", "x"], []]
    found = propose(raw_batch(rows, HEADER, goals.name), goals)
    assert {rejected.row_num: rejected.reasons[0] for rejected in found.rejected} == {
        1: "too_few_cells",
        4: "too_many_cells",
        5: "too_few_cells",
    }
    assert found.rejected[0].detail["too_few_cells"] == "the row has 8 cells, fewer than the header"
    assert found.wide["row_num"].to_list() == [2, 3]


def test_a_batch_without_a_good_row(goals: Mapping) -> None:
    for rows in ([], [["x"]], [list((GOOD | {"Count": "32"}).values())]):
        found = propose(raw_batch(rows, HEADER, goals.name), goals)
        assert (len(found.rejected), found.candidates.height, found.times.newest) == (len(rows), 0, None)


def test_one_bad_date_does_not_cost_the_others(goals: Mapping) -> None:
    rows = [{"Id": str(number), "Count": "32" if number in {3, 17, 18} else "31"} for number in range(1, 41)]
    found = proposed(goals, *rows)
    assert [rejected.row_num for rejected in found.rejected] == [3, 17, 18]
    assert found.wide.height == 37


def test_the_header_decides_where_a_column_is(goals: Mapping) -> None:
    header = [" Extra ", *reversed(HEADER), "Id"]
    row = ["?", *reversed(GOOD.values()), "second Id"]
    found = propose(raw_batch([row], header, goals.name), goals)
    assert found.wide["objective.source_id"].to_list() == ["7"]


def test_an_object_of_an_api_is_read_by_keys_and_paths(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, API)
    item = {**GOOD, "goal": {"title": "Grow"}, "Target": 100, "Count": 31, "Value": 12.5, "Seen": None}
    found = propose(raw_batch([item, {"Id": 8}], [], mapping.name), mapping)
    wide = found.wide.to_dicts()[0]
    assert (wide["objective.title"], wide["key_result.target"], wide["check_in.value"]) == ("Grow", 100.0, 12.5)
    assert "missing_value:goal" in found.rejected[0].reasons


NESTED = API.replace("from: Count,", "from: 'seen[kind=weekly].counts.n',").replace(
    "from: Value,", "from: 'seen[0].v',"
)
LISTS = (
    API.replace("from: Count,", "from: weeks.n,").replace("from: Value,", "from: weeks.done.v,")
    + "rows: { each: weeks }\n"
)


def objects(folder: Path, text: str, *items: dict[str, object]) -> Proposed:
    mapping = mapping_of(folder, text)
    assert trouble(mapping) == []
    known = {name: value for name, value in GOOD.items() if name not in {"Count", "Value"}} | {
        "goal": {"title": "Grow"}
    }
    return propose(raw_batch([known | item for item in items], [], mapping.name), mapping)


def test_an_element_of_a_list_is_found_by_its_place_or_by_a_word(tmp_path: Path) -> None:
    weekly = {"kind": "weekly", "counts": {"n": 31}}
    seen = [{"kind": "daily", "v": 2.5}, "odd", weekly, {"kind": "weekly", "counts": {"n": 7}}]
    found = objects(tmp_path, NESTED, {"seen": seen}, {"seen": [weekly]}, {"seen": {"0": weekly}}, {"seen": None}, {})
    assert found.wide.select("count", "check_in.value").rows() == [(31, 2.5), (31, None)]
    assert [one.row_num for one in found.rejected] == [3, 4, 5]
    assert found.rejected[0].detail["missing_value:count"].startswith("seen[kind=weekly].counts.n is blank")


def test_each_element_of_a_list_is_a_row_with_what_stands_around_it(tmp_path: Path) -> None:
    weeks = [{"n": 30, "done": {"v": 1}}, {"n": 31, "done": None}]
    items = ({"weeks": weeks}, {"weeks": []}, {"weeks": None}, {}, {"weeks": {"n": 29}})
    found = objects(tmp_path, LISTS, *items)
    assert found.rejected == []
    assert found.wide.select("row_num", "objective.title", "count", "check_in.value").rows() == [
        (1, "Grow", 30, 1.0),
        (1, "Grow", 31, None),
        (5, "Grow", 29, None),  # one alone
    ]
    assert found.left_out == 3


def test_one_bad_element_rejects_its_object_and_no_other(tmp_path: Path) -> None:
    found = objects(tmp_path, LISTS, {"weeks": [{"n": 30}, {"n": "x"}, 7, None]}, {"weeks": [{"n": 31}]})
    assert [(one.row_num, one.reasons) for one in found.rejected] == [
        (1, ("not_an_integer:count", "missing_value:count"))
    ]
    assert found.wide["row_num"].to_list() == [2]


def test_of_a_wide_row_each_wrong_cell_is_told_under_its_own_heading(tmp_path: Path) -> None:
    text = CSV.replace("from: Target,", 'from: "KR{n} Target",').replace("from: Count,", 'from: "KR{n} Count",')
    header = [name for name in HEADER if name not in {"Target", "Count"}]
    header += [f"KR{number} {name}" for number in (1, 2, 3) for name in ("Target", "Count")]
    row = GOOD | {"Id": "", "KR1 Target": "x", "KR1 Count": "1", "KR2 Target": "5", "KR2 Count": "2"}
    row |= {"KR3 Target": "y", "KR3 Count": ""}
    mapping = mapping_of(tmp_path, text + "rows: { repeat: 3 }\n")
    found = propose(raw_batch([[row[name] for name in header]], header, "goals"), mapping).rejected
    assert [one.row_num for one in found] == [1]
    figures = "numbers look like 1234.5, 1 234.5 or (500); where a comma is part of them, say `decimal` in the mapping"
    assert found[0].detail == {
        "missing_value:id": "Id is blank; a value is needed",
        "not_a_number:target": f'KR1 Target reads "x"; {figures}; KR3 Target reads "y"; {figures}',
        "missing_value:count": "KR3 Count is blank; a value is needed",
    }


def test_what_nests_deeper_than_anybody_reads_is_rejected_and_stops_nothing(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, API)
    batch = raw_batch([{}, {}], [], mapping.name)
    deep = batch.rows.with_columns(cells=pl.Series(["[" * 5000 + "]" * 5000, "{}"]))
    found = propose(replace(batch, rows=deep), mapping)
    assert [one.row_num for one in found.rejected] == [1, 2]


def test_nuls_are_left_out(goals: Mapping) -> None:
    wide = proposed(goals, {"Goal": "Gr\0ow\\u0000 \\\0"}).wide
    assert wide["objective.title"].to_list() == ["Grow\\u0000 \\"]


def test_keys_of_several_parts_do_not_run_into_each_other(goals: Mapping) -> None:
    ids = proposed(goals, {"Id": "a/b"}, {"Id": "a%2Fb"}).wide["check_in.source_id"].to_list()
    assert ids == ["a%2Fb/31", "a%252Fb/31"]


def test_attributes_keep_their_kind(goals: Mapping) -> None:
    payload = proposed(goals, {}).candidates.filter(entity="key_result")["payload"][0]
    assert payload.endswith('"attributes":{"count":31.0,"goal":"Grow"}}')


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "DATE(CONCAT('2017-01-', count))",
            "DATE(CONCAT('2017-01-', cuont))",
            'derived.day: there is no column "cuont"; did you mean "count"?',
        ),
        ("DATE(CONCAT('2017-01-', count))", "NO_SUCH(count)", "derived.day: there is no function NO_SUCH; docs"),
        ("DATE(CONCAT('2017-01-', count))", "DAT(count)", "derived.day: there is no function DAT; did you mean DATE?"),
        ("'number'", "gaol", 'derived.unit_kind: there is no column "gaol"; did you mean "goal"?'),
        ("'number'", "row_num_", 'derived.unit_kind: there is no column "row_num_"; declare it under columns, or'),
        ("'number'", "goal ||", "derived.unit_kind: goal || is no expression; look for"),
        ("'number'", "'number", "derived.unit_kind: it cannot be read: Unterminated string literal"),
        ("DATE(CONCAT('2017-01-', count))", "count +", "derived.day: "),
        ("CONCAT('2017-01-', count)", "CONCAT('2017-01-', MAX(count))", "derived.day: MAX looks at other rows"),
        ("'number'", "STRING_AGG(goal, ',')", "derived.unit_kind: STRING_AGG looks at other rows"),
        ("'number'", r"\"max\"(goal)", 'derived.unit_kind: "MAX" looks at other rows'),
        ("'number'", "FIRST/* */(goal)", "derived.unit_kind: an expression holds no remark"),
        ("'number'", "CAST(NOW() AS VARCHAR)", "derived.unit_kind: NOW is another time whenever the row is read"),
        ("'number'", "CAST(CURRENT_DATE AS VARCHAR)", "derived.unit_kind: CURRENT_DATE is another time"),
        ("DATE(CONCAT('2017-01-', count))", "count", "derived.day: as_of needs a date, but this gives Int64"),
        (
            "due_on: due, attr",
            "due_on: due, due_known: day, attr",
            "derived.day: due_known needs true or false, but this",
        ),
        ("'number'", "1", "derived.unit_kind: metric_kind needs a word, but this gives"),
    ],
)
def test_an_expression_that_cannot_be_computed_is_told_before_any_row(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert trouble(mapping_of(tmp_path, CSV)) == []
    found = trouble(mapping_of(tmp_path, CSV.replace(old, new)))
    assert found
    assert told in found[0]


@pytest.mark.parametrize("written", ["%Q", "%Y-%m", "%H:%M"])
def test_a_format_that_is_none_is_told_before_any_row(tmp_path: Path, written: str) -> None:
    [told] = trouble(mapping_of(tmp_path, CSV.replace("%d.%m.%Y", written)))
    assert told.startswith(f"columns.start.formats: {written} does not read back")


def test_names_that_etl_needs_are_taken(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, CSV.replace("  seen: {", "  row_num: {").replace("recorded_at: seen, ", ""))
    assert trouble(mapping) == ["row_num: etl itself uses this name; call the column otherwise"]


def test_when_an_outcome_is_final_must_be_true_or_false(tmp_path: Path) -> None:
    outcome = "  outcome: { source: { when: count, known_at: day } }\n"
    assert trouble(mapping_of(tmp_path, CSV + outcome)) == [
        "entities.outcome.source.when: must be true or false, but gives Int64"
    ]


def test_a_final_row_says_since_when_it_is_known(tmp_path: Path) -> None:
    """One that does not would stop its batch at the database, and its source for ever."""
    outcome = "  outcome: { source: { when: value >= 0, known_at: seen } }\n"
    mapping = mapping_of(tmp_path, CSV + outcome)
    assert trouble(mapping) == []
    blank = {**GOOD, "Seen": ""}
    proposed = propose(raw_batch([list(GOOD.values()), list(blank.values())], HEADER, "goals"), mapping)
    (rejected,) = proposed.rejected
    assert (rejected.row_num, rejected.reasons) == (2, ("missing_value:seen",))


@pytest.mark.parametrize("start", ["0000-01-01", "-0005-01-01"])
def test_a_date_that_python_does_not_have_is_out_of_range_as_any_other(tmp_path: Path, start: str) -> None:
    """Told of as a Python date it would stop its source for ever."""
    proposed = propose(raw_batch([list({**GOOD, "Start": start}.values())], HEADER, "goals"), mapping_of(tmp_path, CSV))
    (rejected,) = proposed.rejected
    assert {reason.partition(":")[0] for reason in rejected.reasons} <= {"date_out_of_range", "not_a_date"}
