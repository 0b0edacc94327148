"""A mapping that is right loads; one that is wrong says where and what, and stops only itself."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from okr_common.paths import repository
from okr_common.sources import Mapping, SourceProblem, SourcesFolder, load_mapping, load_sources, paths, reading

SHIPPED = repository() / "configs" / "sources"

GOOD = """\
title: Goals
kind: csv
clock: wall
recognise: { columns: [Id, Goal] }
columns:
  id: { from: Id, type: text, required: true }
  goal: { from: Goal, type: text, required: true }
  target: { from: Target, type: number }
  value: { from: Value, type: number }
  day: { from: Day, type: date }
derived:
  direction: "'increase'"
  kind: "'number'"
entities:
  objective: { key: [id], title: goal }
  key_result: { key: [id], title: goal, metric_kind: kind, direction: direction, target: target, start_on: day,
    due_on: day }
  check_in: { key: [id], as_of: day, value: value }
"""


def write(folder: Path, text: str, name: str = "goals") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str) -> list[SourceProblem]:
    loaded = load_mapping(write(folder, text))
    assert not isinstance(loaded, Mapping), "expected problems"
    return loaded


def test_every_shipped_mapping_is_in_order() -> None:
    sources = load_sources(SHIPPED)
    assert sources.problems == ()
    assert "mta_nyct" in sources.mappings


def test_a_source_is_named_by_its_file(tmp_path: Path) -> None:
    loaded = load_mapping(write(tmp_path, GOOD))
    assert isinstance(loaded, Mapping)
    assert loaded.name == "goals"
    assert problems(tmp_path, "name: other\n" + GOOD)[0].message == "a source is named by its file: this one is goals"


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        (
            "required: true }",
            "requird: true }",
            (6, "columns.id.requird"),
            'unknown key "requird"; did you mean "required"?',
        ),
        ("clock: wall", "clok: wall", (3, "clok"), 'unknown key "clok"; did you mean "clock"?'),
        ("clock: wall", "clock: sun", (3, "clock"), 'one of data, wall is wanted here, not "sun"'),
        ("type: number }", "type: numbr }", (8, "columns.target.type"), 'not "numbr"; did you mean "number"?'),
        ("clock: wall", "", (1, "clock"), "this key is missing"),
        ("from: Goal, type: text, req", "type: text, req", (7, "columns.goal.from"), "this key is missing"),
        ("from: Goal,", "from: ,", (7, "columns.goal.from"), "a text is wanted here, and nothing stands here"),
        ("title: Goals", "title: 2026", (1, "title"), "a text is wanted here, not 2026"),
        (
            "kind: csv",
            "kind: csv\nread: { header_line: two }",
            (3, "read.header_line"),
            'a whole number is wanted here, not "two"',
        ),
        (
            "kind: csv",
            "kind: csv\nread: { header_line: 0 }",
            (3, "read.header_line"),
            "1 is the least that may stand here, not 0",
        ),
        ("kind: csv", "kind: csv\nread: { delimiter: ';;' }", (3, "read.delimiter"), "one character is wanted here"),
        (
            "kind: csv",
            "kind: csv\nread: { repair: left }",
            (3, "read.repair"),
            "right_aligned is all that may stand here",
        ),
        (
            "required: true }",
            "required: maybe }",
            (6, "columns.id.required"),
            'true or false is wanted here, not "maybe"',
        ),
        (
            "key: [id], title: goal }",
            "key: [], title: goal }",
            (15, "entities.objective.key"),
            "nothing is listed here",
        ),
        (
            "title: goal, metric",
            "title: gaol, metric",
            (16, "entities.key_result.title"),
            'no column "gaol"; did you mean "goal"?',
        ),
        ("value: value", "value: goal", (18, "entities.check_in.value"), "value is a number, but column goal is text"),
        (
            "due_on: day",
            "due_on: day, due_known: goal",
            (17, "entities.key_result.due_known"),
            "due_known is a boolean",
        ),
        ("as_of: day", "as_of: id", (18, "entities.check_in.as_of"), "as_of is a date, but column id is text"),
        (
            "direction: direction",
            "direction: goal",
            (16, "entities.key_result.direction"),
            "needs a map whose words are among",
        ),
        ("recognise: { columns: [Id, Goal] }", "recognise: {}", (4, "recognise"), "name columns or a path"),
        (
            "recognise: { columns: [Id, Goal] }",
            "recognise: { columns: Id }",
            (4, "recognise.columns"),
            "a list is wanted here, as [one, another]",
        ),
        ("recognise: { columns: [Id, Goal] }", "", (2, "kind"), 'a source of kind csv needs the block "recognise"'),
        ("kind: csv", "kind: api", (2, "kind"), 'a source of kind api needs the block "api"'),
        ("kind: csv", "kind: csv\nabsent: remove", (3, "absent.then"), "one of keep, close, delete is wanted here"),
        (
            "kind: csv",
            "kind: csv\nabsent: { then: close, at_most: 20 }",
            (3, "absent.at_most"),
            "1 is the most that may stand here, not 20",
        ),
        ("kind: csv", "kind: csv\nabsent: { at_most: 0.5 }", (3, "absent.at_most"), "say which one with then"),
        ("  kind: \"'number'\"", "  goal: \"'number'\"", (13, "derived.goal"), "is a column already"),
        ("Value, type: number", "Value, type: number, map: { a: b }", (9, "columns.value.map"), "only text has a map"),
        (
            "from: Day, type: date",
            "from: Day, type: date, format: x",
            (10, "columns.day.format"),
            'did you mean "formats"?',
        ),
        (
            "Day, type: date",
            "Day, type: date, formats: [nonsense]",
            (10, "columns.day.formats"),
            "is no strftime format",
        ),
        ("Day, type: date", "Day, type: date, formats: [period]", (10, "columns.day.formats"), "edge (start or end)"),
        ("Day, type: date", "Day, type: date, edge: end", (10, "columns.day.formats"), "go together"),
        (
            "Day, type: date",
            "Day, type: date, time_zone: Europe/Zurch",
            (10, "columns.day.time_zone"),
            'did you mean "Europe/Zurich"?',
        ),
        (
            "Goal, type: text",
            'Goal, type: text, decimal: ","',
            (7, "columns.goal.decimal"),
            "only number, integer columns",
        ),
        ("Value, type: number", "Value, type: number, person: true", (9, "columns.value.person"), "only text columns"),
        ("Goal, type: text", "Goal, type: text, markup: latex", (7, "columns.goal.markup"), "one of html, mentions"),
        (
            "Goal, type: text",
            'Goal, type: text, separator: "; "',
            (7, "columns.goal.separator"),
            "no letter, digit, _ or blank",
        ),
        (
            "Goal, type: text",
            "Goal, type: text, separator: x",
            (7, "columns.goal.separator"),
            "no letter, digit, _ or blank",
        ),
        (
            "Goal, type: text",
            'Goal, type: text, map: { a: b }, separator: ";"',
            (7, "columns.goal.separator"),
            "one word",
        ),
        ("Goal, type: text", "Goal, type: text, map: { a: b }, person: true", (7, "columns.goal.person"), "one word"),
        (
            "from: Goal, type: text",
            "from: Id, type: text, person: true",
            (7, "columns.goal.person"),
            "id reads Id, too",
        ),
        (
            "Goal, type: text",
            "Goal, type: text, map: { a: b }, unknown: warn",
            (7, "columns.goal.unknown"),
            "status_raw",
        ),
        ("from: Goal, type", "from: file:nme, type", (7, "columns.goal.from"), "file:name, file:folder"),
        (
            "columns: [Id, Goal] }",
            "columns: [Id] }\nrows: { transposed: Id }",
            (4, "recognise.path"),
            "say a path, too",
        ),
        (
            "columns: [Id, Goal] }",
            'columns: [Id], path: "*" }\nrows: { transposed: Id, repeat: 3 }',
            (5, "rows.transposed"),
            "goes with neither repeat nor choose",
        ),
        ("title: Goals", "title: [", (3, ""), "not YAML"),
        ("kind: csv", "kind: csv\nkind: csv", (3, ""), '"kind" stands here twice'),
        ("kind: csv", "kind: &k csv\nclock: *k", (2, ""), "anchors and aliases"),
        ("  id: {", "  Id!: {", (6, "columns.Id!"), "a name of small letters, digits and _"),
    ],
)
def test_what_is_wrong_is_told_by_file_line_and_key(
    tmp_path: Path, old: str, new: str, place: tuple[int, str], message: str
) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    told = [problem for problem in found if message in problem.message]
    assert told, [str(problem) for problem in found]
    assert (told[0].line, told[0].key) == place
    assert str(told[0]).startswith(f"{tmp_path / 'goals.yaml'}:{place[0]}: ")


@pytest.mark.parametrize(
    "text", ["", "[]", "just words", "- a\n- b", "\x00", "? [a]\n: b", "a: &x [*x]", "x: " + "[" * 3000]
)
def test_nonsense_is_a_problem_not_a_crash(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_bytes_that_are_not_utf8_are_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "goals.yaml"
    file.write_bytes(b"title: \xff\xfe")
    loaded = load_mapping(file)
    assert not isinstance(loaded, Mapping)
    assert "UTF-8" in loaded[0].message


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_crashes_the_loader(tmp_path: Path, content: object) -> None:
    import yaml  # noqa: PLC0415 - only this test writes YAML

    assert load_mapping(write(tmp_path, yaml.safe_dump({"title": "x", "columns": content, "entities": content})))


def test_a_broken_mapping_stops_only_its_own_source(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "good")
    write(tmp_path, GOOD.replace("clock", "clok"), "bad")
    sources = load_sources(tmp_path)
    assert list(sources.mappings) == ["good"]
    assert {problem.source for problem in sources.problems} == {"bad"}
    assert sources.problems_of("good") == ()
    assert sources.problems_of("bad")


def test_words_of_data_stay_words(tmp_path: Path) -> None:
    text = GOOD.replace(
        "from: Goal, type: text", "from: Goal, type: text, blanks: [no, off, 2017-01-31], map: { yes: ja, N: nein }"
    )
    loaded = load_mapping(write(tmp_path, text))
    assert isinstance(loaded, Mapping)
    assert loaded.columns["goal"].blanks == ("no", "off", "2017-01-31")
    assert loaded.columns["goal"].map == {"yes": "ja", "N": "nein"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("fill_down: [gaol]", 'there is no column "gaol"; did you mean "goal"?'),
        ("fill_down: [zzz]", 'there is no column "zzz"; declare it under columns'),
        ("fill_down: [goal, goal]", "a column stands in it twice"),
        ("fill_down: [day]", "day reads file:day; name a column with one cell of its own in each row"),
        ("fill_down: [target], repeat: 2", "target reads Target {n}; name a column with one cell"),
        ("fill_down: [goal], parent: { key: id, columns: { above: goal } }", "fill_down goes without parent"),
        ("fill_down: [goal], transposed: Id", "fill_down goes without transposed"),
        ("fill_down: [goal], indented: { by: goal, above: [id] }", "goal is told by how rows are indented"),
    ],
)
def test_what_cannot_be_filled_down(tmp_path: Path, rows: str, message: str) -> None:
    text = GOOD.replace("from: Day", "from: 'file:day'")
    text = text.replace("from: Target", "from: 'Target {n}'") if "repeat" in rows else text
    found = [one for one in problems(tmp_path, text + f"rows: {{ {rows} }}\n") if one.key == "rows.fill_down"]
    assert [one.line for one in found] == [19]
    assert message in found[0].message


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{ by: goal, above: [gaol] }", 'there is no column "gaol"; did you mean "goal"?'),
        ("{ by: goal, above: [goal] }", "a column stands in it twice"),
        ("{ by: goal, above: [id] }, transposed: Id", "indented goes without transposed"),
    ],
)
def test_what_is_not_indented(tmp_path: Path, block: str, message: str) -> None:
    found = [one.message for one in problems(tmp_path, GOOD + f"rows: {{ indented: {block} }}\n")]
    assert any(one.startswith(message) for one in found), found


def test_the_hash_follows_meaning_not_layout(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        loaded = load_mapping(write(tmp_path, text))
        assert isinstance(loaded, Mapping)
        return loaded.hash

    same = GOOD.replace("title: Goals", "# a comment\ntitle: 'Our goals'").replace(
        "value: value }", "value: value, comment: null }"
    )
    assert digest(same) == digest(GOOD)
    assert digest(GOOD.replace("clock: wall", "clock: data")) != digest(GOOD)
    reordered = GOOD.replace(
        """  direction: "'increase'"\n  kind: "'number'"\n""", """  kind: "'number'"\n  direction: "'increase'"\n"""
    )
    assert reordered != GOOD
    assert digest(reordered) != digest(GOOD), "derived columns are computed in their order"


def test_a_mended_mapping_is_seen_without_a_restart(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("clock", "clok"))
    folder = SourcesFolder(tmp_path)
    assert folder.current().problems_of("goals")
    assert folder.current() is folder.current(), "nothing changed, nothing is read"
    write(tmp_path, GOOD + "\n")
    assert list(folder.current().mappings) == ["goals"]


def test_a_file_that_is_still_empty_is_no_broken_mapping(tmp_path: Path) -> None:
    (tmp_path / "goals.yaml").touch()
    folder = SourcesFolder(tmp_path)
    with capture_logs() as logged:
        current = folder.current()
    assert (current.mappings, current.problems) == ({}, ())
    assert [(one["event"], one["log_level"], one["source"]) for one in logged] == [("empty_mapping", "info", "goals")]
    write(tmp_path, GOOD)
    assert list(folder.current().mappings) == ["goals"]
    write(tmp_path, "\n")
    assert folder.current().problems_of("goals"), "something stands there, and it is no mapping"


def test_what_editors_leave_and_links_that_lead_nowhere_stop_nobody(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    (tmp_path / ".#goals.yaml").symlink_to("somebody@somewhere.4711")
    (tmp_path / ".goals.yaml").write_text("half a line")
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")
    current = SourcesFolder(tmp_path).current()
    assert list(current.mappings) == ["goals"]
    assert [(problem.source, problem.message) for problem in current.problems] == [
        ("gone", "cannot be read as UTF-8 text: it is no file")
    ]


API = (
    GOOD.replace("kind: csv", "kind: api")
    .replace(
        "recognise: { columns: [Id, Goal] }\n",
        """\
api:
  base_url: http://127.0.0.1:9
  path: /v1/check_ins
  records: data.items
  object_id: id
  cursor: { next: paging.next, parameter: cursor }
  token_file: /run/secrets/token
""",
    )
    .replace("from: Goal", "from: goal.title")
    .replace("from: Target", "from: 'widgets[type=PROGRESS].endValue'")
    .replace("from: Value", "from: check_ins.score")
    .replace("from: Day", "from: 'file:day'")
    + "rows: { each: check_ins }\n"
)


def test_an_api_source_reads_paths(tmp_path: Path) -> None:
    loaded = load_mapping(write(tmp_path, API))
    assert isinstance(loaded, Mapping), loaded
    assert loaded.api is not None
    assert loaded.api.requests_per_second == 5.0
    assert loaded.columns["goal"].origin == "goal.title"
    how = reading(loaded)
    one = {
        "Id": 7,
        "goal": {"title": "Grow"},
        "widgets": [{"type": "LABELS", "endValue": 1}, {"type": "PROGRESS", "endValue": 40}],
        "check_ins": [{"score": 1.5}, {}],
    }
    around = {"id": "7", "goal": "Grow", "target": "40"}
    assert how.rows(one) == [around | {"value": "1.5"}, around | {"value": None}], "the day is told by the fetch"
    assert how.rows({"check_ins": []}) == how.rows({}) == how.rows(None) == []


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("goal.title", "goal..title", (13, "columns.goal.from"), '"goal..title" is no path; paths look like'),
        ("goal.title", "goal.title.", (13, "columns.goal.from"), "is no path"),
        ("goal.title", "'goal[].title'", (13, "columns.goal.from"), "is no path"),
        ("goal.title", "'goal[1]title'", (13, "columns.goal.from"), "is no path"),
        ("type=PROGRESS", "type", (14, "columns.target.from"), "is no path"),
        ("type=PROGRESS]", "type=PROGRESS", (14, "columns.target.from"), "is no path"),
        ("file:day", "file:name", (16, "columns.day.from"), "of an API only file:day, the day of the fetch"),
        ("each: check_ins", "each: 'check_ins['", (25, "rows.each"), "is no path"),
        (
            "rows: { each: check_ins }",
            "rows: { parent: { key: goal, of: goal, columns: { above: goal } } }\nabsent: close",
            (26, "absent"),
            "so parents are not known",
        ),
        ("rows: {", "rows: { fill_down: [goal],", (25, "rows.fill_down"), "only files have fill_down"),
        (
            "each: check_ins",
            "each: checkins",
            (25, "rows.each"),
            "no column reads an element of it; begin their `from`",
        ),
        ("each: check_ins", "each: check_ins, repeat: 3", (25, "rows.repeat"), "go together"),
        ("rows:", "choose: { per: [id], most: value }\nrows:", (25, "choose"), "use one of both"),
        ("each: check_ins", "eech: check_ins", (25, "rows.eech"), 'did you mean "each"?'),
    ],
)
def test_a_path_that_is_none_is_told_by_file_line_and_key(
    tmp_path: Path, old: str, new: str, place: tuple[int, str], message: str
) -> None:
    assert old in API
    found = problems(tmp_path, API.replace(old, new))
    told = [problem for problem in found if message in problem.message]
    assert told, [str(problem) for problem in found]
    assert (told[0].line, told[0].key) == place


def test_a_file_holds_no_lists(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, GOOD + "rows: { each: Goal }\n")
    assert (told.key, told.line) == ("rows.each", 19)
    assert "there is repeat" in told.message


def test_an_element_may_be_picked_beside_the_one_that_is_the_row(tmp_path: Path) -> None:
    loaded = load_mapping(write(tmp_path, API.replace("widgets[type=PROGRESS].endValue", "check_ins[0].score")))
    assert isinstance(loaded, Mapping), loaded
    rows = reading(loaded).rows({"check_ins": [{"score": 1}, {"score": 2}]})
    assert [(row["target"], row["value"]) for row in rows] == [("1", "1"), ("1", "2")]


@given(
    st.text(alphabet="ab.[]=0 '", max_size=12),
    st.recursive(
        st.none() | st.integers() | st.text(alphabet="ab", max_size=2),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
        max_leaves=8,
    ),
)
def test_a_path_reads_any_object_or_is_none(path: str, one: object) -> None:
    try:
        wanted = paths.steps(path)
    except ValueError:
        return
    found = paths.as_text(paths.at(one, wanted))
    assert found is None or isinstance(found, str)


def test_what_is_no_page_of_text_is_a_problem_and_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "endless.yaml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"#" * 2_000_000)
    told = {problem.source: problem.message for problem in load_sources(tmp_path).problems}
    assert all("it is no file" in told[name] for name in ("endless", "pipe"))
    assert "larger than" in told["huge"]
