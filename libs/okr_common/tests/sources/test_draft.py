"""A draft is a mapping that loads, with each column where the field's words say it belongs."""

import csv
from pathlib import Path

import pytest

from okr_common.paths import repository
from okr_common.sources import Mapping, load_mapping, missing_columns
from okr_common.sources.draft import drafted, found_in

PEOPLEBOX = [
    *("Row ID", "Parent Row IDs", "Goal Title", "Owner Emails", "Goal Cycle", "Goal Type", "Start Date", "End Date"),
    *("Starting Value", "Target Value", "Current Value", "Progress Status"),
]
APPFIRE = [
    *("Order", "Type", "Summary", "Status", "Period", "Owner", "Expected start date", "Expected end date"),
    *("Start value", "Current value", "Target value", "Description"),
]
GERMAN = ["Goal", "KR", "Start", "Due", "Day", "From", "To", "Value", "Done"]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (
            PEOPLEBOX,
            {"objective": "Goal Title", "baseline": "Starting Value", "target": "Target Value",
             "value": "Current Value", "start": "Start Date", "due": "End Date", "period": "Goal Cycle",
             "owner": "Owner Emails",
             "status": "Progress Status", "id": "Row ID"},
        ),
        (
            APPFIRE,
            {"title": "Summary", "baseline": "Start value", "target": "Target value", "value": "Current value",
             "start": "Expected start date", "due": "Expected end date", "period": "Period", "owner": "Owner",
             "status": "Status", "id": "Order"},
        ),
        (
            GERMAN,
            {"objective": "Goal", "title": "KR", "baseline": "From", "target": "To", "value": "Value", "start": "Start",
             "due": "Due", "day": "Day"},
        ),
        (["a", "", "b"], {}),
    ],
)  # fmt: skip
def test_columns_are_found_by_the_words_of_the_field(header: list[str], found: dict[str, str]) -> None:
    assert found_in(header) == found


ROW = ["Grow", 'Sign: "ups"', "01.01.2026", "30.06.2026", "31.01.2026", "1.100,5", "400", "150", ""]


@pytest.mark.parametrize(
    ("header", "rows"),
    [(GERMAN, [ROW]), (PEOPLEBOX, []), (APPFIRE, [["1"] * len(APPFIRE)]), (["x", "goal\nline"], [["1", "2"]])],
)
def test_every_draft_in_which_a_column_was_found_loads(
    tmp_path: Path, header: list[str], rows: list[list[str]]
) -> None:
    file = tmp_path / "drafted.yaml"
    file.write_text(drafted("drafted", header, rows), encoding="utf-8")
    loaded = load_mapping(file)
    if found_in(header):
        assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    else:
        assert not isinstance(loaded, Mapping), "nothing tells these files from others"


def test_formats_and_decimal_marks_are_told_from_the_cells(tmp_path: Path) -> None:
    file = tmp_path / "drafted.yaml"
    file.write_text(drafted("drafted", GERMAN, [ROW]), encoding="utf-8")
    loaded = load_mapping(file)
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    assert loaded.columns["due"].formats == ("%d.%m.%Y",)
    assert loaded.columns["baseline"].decimal == ","
    assert loaded.columns["target"].decimal == ",", "one exporter writes all figures in one way"


def test_a_date_that_may_be_read_twice_is_asked_about() -> None:
    assert "? or the month first; for example 03/04/2026" in drafted("x", ["Goal", "Due"], [["a", "03/04/2026"]])
    assert "month first" not in drafted("x", ["Goal", "Due"], [["a", "31/03/2026"], ["b", "30/04/2026"]])


def test_a_german_header_is_known_and_the_other_columns_are_shown_as_they_could_be_read(tmp_path: Path) -> None:
    header = [
        "Bereich",
        "Kennzahl",
        "Beginn",
        " F\u00e4llig ",
        "Ausgangswert",
        "Zielwert",
        "Istwert",
        "Notiz",
        "Geplant",
        "Aufwand",
    ]
    row = ["Vertrieb", "Umsatz", "01.01.2026", "31.12.2026", "0", "1.000,5", "250", "eilt", "01.03.2026", "12,5"]
    text = drafted("drafted", header, [row])
    (tmp_path / "drafted.yaml").write_text(text, encoding="utf-8")
    loaded = load_mapping(tmp_path / "drafted.yaml")
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    assert (loaded.columns["due"].origin, loaded.columns["target"].decimal) == ("F\u00e4llig", ",")
    assert '#   ...: { from: "Geplant", type: date, formats: ["%d.%m.%Y"] } # for example 01.03.2026' in text
    assert '#   ...: { from: "Aufwand", type: number, decimal: "," } # for example 12,5' in text


def test_days_may_be_labels_or_the_numbers_of_a_spreadsheet() -> None:
    text = drafted(
        "x", ["Goal", "Due Date", "Last update"], [["Grow", "Q3 2025", "45292"], ["Run", "Q4 2025", "45200.5"]]
    )
    assert 'due: { from: "Due Date", type: date, formats: [period], edge: end }' in text
    assert 'day: { from: "Last update", type: date, formats: [excel] }' in text


def test_words_of_german_headers_are_known() -> None:
    header = ["Übergeordnetes Ziel", "Schlüssel-Ergebnis (KR)", "Startwert", "Ist-Wert", "Fällig am", "Stand vom"]
    assert [*found_in(header)] == ["objective", "title", "baseline", "value", "due", "day"]


def test_a_file_without_a_known_column_is_known_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(drafted("x", ["a"], [["1"]], "numbers.csv"), encoding="utf-8")
    assert 'recognise: { path: "' in file.read_text(encoding="utf-8")
    assert isinstance(load_mapping(file), Mapping), load_mapping(file)


def test_figures_with_a_percent_sign_are_percentages() -> None:
    assert "'percentage'" in drafted("x", ["Goal", "Value"], [["a", "12%"], ["b", "40 %"]])
    assert "'number'" in drafted("x", ["Goal", "Value"], [["a", "12"], ["b", "40 %"]])


TOOL = ["Goal", "Owner Emails", "Tags", "Notes", "Said", "Target", "Reviewer email", "Contact"]
ROWS = [
    [
        "Grow",
        "ada@example.com\nbob@example.com",
        "growth; europe",
        "<p>R&amp;D</p>",
        "ask @[Ada](7)",
        "1",
        "",
        "eve@example.com",
    ],
    ["Ship", "ada@example.com", "", "", "a; b", "2", "", ""],
]


def test_people_lists_and_markup_are_told_from_headers_and_cells(tmp_path: Path) -> None:
    text = drafted("drafted", TOOL, ROWS)
    for line in (
        '  owner: { from: "Owner Emails", type: text, separator: "\\n", person: true } # ? a hash',
        '#   ...: { from: "Tags", type: text, separator: ";" } # for example growth; europe',
        '#   ...: { from: "Notes", type: text, markup: html } # for example <p>R&amp;D</p>',
        '#   ...: { from: "Said", type: text, markup: mentions } # for example ask @[Ada](7)',
        '#   ...: { from: "Reviewer email", type: text, person: true } # ? a hash',
        '#   ...: { from: "Contact", type: text, person: true } # ? a hash',
    ):
        assert f"\n{line}" in text
    assert "@example.com" not in text, "nobody is shown"
    (tmp_path / "drafted.yaml").write_text(text, encoding="utf-8")
    loaded = load_mapping(tmp_path / "drafted.yaml")
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    assert (loaded.people, loaded.columns["owner"].separator) == (["owner"], "\n")


def test_a_period_is_told_by_its_labels_and_tells_the_days_that_no_column_has(tmp_path: Path) -> None:
    text = drafted(
        "drafted", ["Goal", "KR", "Quarter", "Target"], [["a", "b", "Q3 2025", "4"], ["a", "c", "FY24 H2", "5"]]
    )
    (tmp_path / "drafted.yaml").write_text(text, encoding="utf-8")
    loaded = load_mapping(tmp_path / "drafted.yaml")
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    assert loaded.entities.objective.period is not None
    assert loaded.entities.objective.period.label == "period"
    assert (loaded.entities.objective.key, loaded.entities.key_result.key[-1]) == (("objective", "period"), "period")
    assert (loaded.columns["start"].origin, loaded.columns["start"].edge, loaded.columns["due"].edge) == (
        *("Quarter", "start", "end"),
    )
    assert "start:" not in text.split("derived:")[1].split("entities:")[0]


@pytest.mark.parametrize(
    "name", ["Time Period", "Cycle", "Timeframe", "Goal cycle", "OKR period", "Session", "Quartal"]
)
def test_the_words_for_periods(name: str) -> None:
    assert found_in(["Goal", name])["period"] == name


def test_a_period_that_holds_days_is_the_day() -> None:
    text = drafted("x", ["Goal", "Period"], [["a", "2026-01-31"], ["a", "2026-02-28"]])
    assert '  day: { from: "Period", type: date }' in text
    assert "label: period" not in text


LYING = ["Field", "Signups", "Visits"]
LINES = [["Target", "400", "5,000"], ["Current value", "150", "4,100"], ["Due date", "30.06.2026", "31.12.2026"]]
UNKNOWN = [["Frist (geplant)", "30.06.2026", "31.12.2026"], ["Budget in Mio", "4", "7"], ["Chef", "ada", "bob"]]


@pytest.mark.parametrize("lines", [LINES, UNKNOWN])
def test_a_file_that_lies_on_its_side_is_drafted_so(tmp_path: Path, lines: list[list[str]]) -> None:
    text = drafted("drafted", LYING, lines, "goals_2026.csv")
    (tmp_path / "drafted.yaml").write_text(text, encoding="utf-8")
    loaded = load_mapping(tmp_path / "drafted.yaml")
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    assert loaded.rows.transposed == "Field"
    assert loaded.columns["title"].origin == "Field"
    assert loaded.recognise is not None
    assert loaded.recognise.path == "*goals_????.csv"
    assert lines is UNKNOWN or {"target", "value", "due"} <= loaded.columns.keys()


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (GERMAN, [ROW, ROW]),
        (["Goal", "Jan", "Feb"], [["a", "1", "2"], ["b", "3", "4"]]),
        (["a", "b"], [["x", "y"], ["z", "w"]]),
    ],
)
def test_a_file_that_stands_is_not_turned(header: list[str], rows: list[list[str]]) -> None:
    assert "transposed" not in drafted("x", header, rows)


def test_the_british_file_of_2014_is_turned_and_its_prose_names_are_known(tmp_path: Path) -> None:
    with (repository() / "samples" / "uk_gmpp" / "uk_2014.csv").open(encoding="cp1252", newline="") as file:
        header, *rows = csv.reader(file)
    (tmp_path / "drafted.yaml").write_text(drafted("drafted", header, rows, "uk_2014.csv"), encoding="utf-8")
    loaded = load_mapping(tmp_path / "drafted.yaml")
    assert isinstance(loaded, Mapping), [str(problem) for problem in loaded]
    assert loaded.rows.transposed == "Project name"
    assert loaded.columns["start"].origin.startswith("Project - Start Date")


def test_one_mistyped_date_does_not_hide_how_the_others_are_written() -> None:
    days = [[f"{day:02}.03.2026"] for day in range(1, 21)]
    formats = '  day: { from: "Updated", type: date, formats: ["%d.%m.%Y"] }'
    assert formats in drafted("mistyped", ["Updated"], [*days, ["30.02.2026"]])
    assert formats not in drafted("words", ["Updated"], [*days, *[["soon"]] * 5]), "these are no dates"


@pytest.mark.parametrize(
    ("cells", "asked"),
    [
        (["13.01.2026", "14.01.2026", "not set"], True),
        (["13 janv. 2026"], True),
        (["02/03/2026"], True),
        (["13/03/2026"], False),
        (["2026-01-13"], False),
        (["2026-01-13T10:00:00Z"], False),
        (["45658"], False),
        (["Q1 2026"], False),
        ([], False),
    ],
)
def test_where_only_a_person_can_tell_how_days_are_written_a_question_mark_stands(
    *, cells: list[str], asked: bool
) -> None:
    text = drafted("days", ["Due"], [[cell] for cell in cells])
    assert [" # ? " in line for line in text.splitlines() if line.startswith("  due: {")] == [asked]


@pytest.mark.parametrize(
    ("rows", "block"),
    [
        (["Grow,ada,a", ",,b", ",bob,c", "Ship,,d", ",,e"], "fill_down: [objective, owner]"),
        (["Grow,,", ",ada,a", ",ada,b", "Ship,,", ",bob,c"], "fill_down: [objective], only: title IS NOT NULL"),
        (["Grow,ada,a", ",,b", "Ship,bob,c", ",,d"], "fill_down: [objective, owner]"),
        (["Grow,ada,a", ",,b", "Ship,bob,c"], None),
        (["Grow,ada,a", "Grow,,b", "Grow,,c"], None),
        ([",ada,a", ",ada,b", "Grow,,c"], None),
        ([], None),
    ],
)
def test_groups_that_are_named_once_are_filled_down(tmp_path: Path, rows: list[str], block: str | None) -> None:
    text = drafted("goals", ["Objective", "Owner", "KR"], [row.split(",") for row in rows])
    (tmp_path / "goals.yaml").write_text(text)
    assert isinstance(load_mapping(tmp_path / "goals.yaml"), Mapping), text
    assert [line for line in text.splitlines() if line.startswith("rows:")] == (
        [f"rows: {{ {block} }} # ? blank cells are those of the row above"] if block else []
    )


CULTURE_AMP = [
    *("email", "name", "title", "created_at", "due_at", "priority", "status", "completion", "key_result_1_title"),
    *("key_result_1_completion", "key_result_2_title", "key_result_2_completion"),
]
AMP_ROWS = list(
    csv.reader(
        [
            "ada@example.com,Ada,Grow,2026-01-05,2026-06-30,high,ongoing,0.45,Open offices,0.65,Sign partners,0.25",
            "bob@example.com,Bob,Ship,2026-01-05,2026-06-30,,ongoing,0.1,Release weekly,0.5,,",
        ]
    )
)
SHEET = [
    *("ID", "Objective", "Due", "KR1", "KR1 Target", "KR1 Actual", "KR2", "KR2 Target", "KR2 Actual"),
    *("KR3", "Q1", "Q2"),
]
SHEET_ROWS = [["1", "Grow", "30.06.2026", "Signups", "1.000,5", "400", "Visits", "5", "4", "", "x", "y"]]
LAST = ["Goal", "KR Title 1", "KR Value 1", "KR Title 2", "KR Value 2"]


@pytest.mark.parametrize(
    ("header", "rows", "repeat", "origins"),
    [
        (
            CULTURE_AMP,
            AMP_ROWS,
            2,
            {
                "objective": "title",
                "title": "key_result_{n}_title",
                "value": "key_result_{n}_completion",
                "due": "due_at",
            },
        ),
        (SHEET, SHEET_ROWS, 3, {"objective": "Objective", "title": "KR{n}", "target": "KR{n} Target", "due": "Due"}),
        (LAST, [], 2, {"objective": "Goal", "title": "KR Title {n}", "value": "KR Value {n}"}),
    ],
)
def test_key_results_side_by_side_are_drafted_as_rows_of_their_own(
    tmp_path: Path, header: list[str], rows: list[list[str]], repeat: int, origins: dict[str, str]
) -> None:
    text = drafted("wide", header, rows)
    (tmp_path / "wide.yaml").write_text(text, encoding="utf-8")
    loaded = load_mapping(tmp_path / "wide.yaml")
    assert isinstance(loaded, Mapping), (text, [str(problem) for problem in loaded])
    assert loaded.rows.repeat == repeat
    assert {name: loaded.columns[name].origin for name in origins} == origins
    assert loaded.entities.key_result.key == ("objective", "title"), "what has one id are the key results of a row"
    assert missing_columns(loaded, header) == []
    assert loaded.recognise is not None
    assert {*loaded.recognise.columns} <= {*header}


@pytest.mark.parametrize(
    "header",
    [
        ["Goal", "KR", "Value 1", "Value 2"],
        ["KPI", "Target", "Q1", "Q2", "Q3", "Q4"],
        ["Objective", "Owner 1", "Owner 2", "KR", "Value"],
        ["KR 1", "KR 1 Value"],
        ["Name 1", "Name 2", "Value"],
    ],
)
def test_other_numbers_in_a_header_are_no_key_results(header: list[str]) -> None:
    assert "repeat" not in drafted("x", header, [["1"] * len(header)])


OUTLINE = ["Title", "Owner", "Due", "Target", "Value"]
LEVELS = [
    ["Grow", "ada", "", "", ""],
    ["  Signups", "", "30.06.2026", "400", "150"],
    ["\u00a0\u00a0Visits", "", "30.06.2026", "5", "4"],
    ["Ship", "bob", "", "", ""],
]


@pytest.mark.parametrize("name", ["Title", "Goal"])
def test_an_outline_is_drafted_with_what_each_row_stands_below(tmp_path: Path, name: str) -> None:
    text = drafted("outline", [name, *OUTLINE[1:]], LEVELS)
    (tmp_path / "outline.yaml").write_text(text, encoding="utf-8")
    loaded = load_mapping(tmp_path / "outline.yaml")
    assert isinstance(loaded, Mapping), (text, [str(problem) for problem in loaded])
    assert loaded.rows.indented is not None
    assert (loaded.rows.indented.by, loaded.rows.indented.above) == ("title", ("objective",))
    assert loaded.rows.only == "target IS NOT NULL"
    assert (loaded.columns["title"].origin, loaded.columns["objective"].origin) == (name, name)
    assert not loaded.columns["objective"].required, "a row at the top stands below none"
    assert loaded.entities.key_result.key == ("objective", "title")


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        (["Title", "Value"], ["Grow", "Ship"]),
        (["Title", "Value"], [" Grow", " Ship"]),
        (["Objective", "KR", "Value"], ["Grow", "  Ship"]),
    ],
)
def test_rows_that_are_not_indented_below_others_are_no_outline(header: list[str], cells: list[str]) -> None:
    assert "indented" not in drafted("x", header, [[cell, *["1"] * (len(header) - 1)] for cell in cells])


@pytest.mark.parametrize(
    ("header", "doubt"),
    [
        (
            ["Theme", "KR", "Target", "Due"],
            "no column is called like an objective, so each key result is one of its own",
        ),
        (["Goal", "Target", "Due"], "no column is called like a key result, so each objective has one of its name"),
        (["Goal", "KR", "Target"], None),
    ],
)
def test_where_one_column_stands_for_objective_and_key_result_the_draft_asks(
    header: list[str], doubt: str | None
) -> None:
    text = drafted("drafted", header, [["Grow", "Signups", "5", "2026-01-01"][: len(header)]])
    (line,) = [line for line in text.splitlines() if line.startswith("  objective: { key")]
    assert (f"# ? {doubt}" in line) if doubt else ("?" not in line)
