"""A first mapping for a file nobody has mapped yet: from its header, by the words exports use, and from its cells."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from string import Template

from okr_common.sources import draft_groups, draft_outline, draft_wide, lying
from okr_common.sources.draft_texts import example, text_column

FIELDS: Mapping[str, tuple[str, ...]] = {
    "objective": (
        *("objective", "objective title", "goal", "goal title", "obj", "project", "category", "main"),
        *("ziel", "\u00fcbergeordnetes ziel", "bereich", "objectif", "objetivo"),
    ),
    "title": (
        "key result",
        "key result title",
        "kr",
        "title",
        "name",
        "summary",
        "metric",
        "indicator",
        "kpi",
        "measure",
        "schl\u00fcsselergebnis",
        "schl\u00fcssel ergebnis",
        "kennzahl",
        "indicateur",
        "indicador",
    ),
    "baseline": (
        "baseline",
        "starting value",
        "start value",
        "initial value",
        "initial",
        "starting amount",
        "from",
        "ausgangswert",
        "startwert",
    ),
    "target": (
        "target",
        "target value",
        "goal value",
        "end value",
        "ending amount",
        "target number",
        "to",
        "zielwert",
        "soll",
    ),
    "value": (
        "current value",
        "current",
        "actual",
        "value",
        "progress",
        "score",
        "current amount",
        "completion",
        "now",
        "istwert",
        "ist wert",
        "ist",
    ),
    "start": (
        "start date",
        "start",
        "start on",
        "starts on",
        "begin",
        "expected start date",
        "created",
        "beginn",
        "startdatum",
    ),
    "due": (
        "due date",
        "due",
        "due on",
        "due at",
        "end date",
        "end",
        "deadline",
        "expected end date",
        "finish",
        "f\u00e4llig",
        "f\u00e4llig am",
        "ende",
        "enddatum",
    ),
    "day": (
        "date",
        "day",
        "as of",
        "check in date",
        "updated",
        "updated at",
        "last update",
        "timestamp",
        "reported",
        "stichtag",
        "stand",
        "stand vom",
        "datum",
    ),
    "period": (
        *(
            "time period",
            "period",
            "quarter",
            "cycle",
            "goal cycle",
            "okr cycle",
            "planning cycle",
            "timeframe",
            "time frame",
        ),
        *(
            "session",
            "okr period",
            "reporting period",
            "interval",
            "zeitraum",
            "quartal",
            "zyklus",
            "p\u00e9riode",
            "trimestre",
        ),
    ),
    "owner": ("owner", "owner email", "owners", "owner emails", "assignee", "responsible", "verantwortlich"),
    "unit": ("unit", "units", "metric type", "currency"),
    "status": ("status", "progress status", "health", "rag", "state"),
    "id": ("id", "row id", "key", "goal id", "issue key", "order", "number"),
}
"""Of each field the words that exports head it with, the surest first (docs: the exports of nine vendors)."""
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y-%m-%d %H:%M:%S", "%d %b %Y")
_NEARLY_ALL = 0.9
"""So many cells of a column must be dates for it to hold dates."""
_MOST = 0.7
"""So many cells of a line or column are of one kind, where words stand for some."""
_DOUBT = 1_000
"""A shortened name comes behind all that are whole."""
_FIGURES, _DAYS = {"baseline", "target", "value"}, {"start", "due", "day"}
_LABEL = re.compile(r"(?i)(?:^|[^a-z0-9])(?:[qh]\d|\dq\d{2}|fy|gj)|^20\d\d")
_EDGES = {"start": "start", "due": "end"}
_SERIAL = re.compile(r"[2-6]\d{4}([.,]\d+)?")
"""A day from 1954 to 2091, as spreadsheets count them."""
_COMMA_LAST = re.compile(r"\d,\d{1,2}\D*$|\.\d{3},")
_FIGURE = re.compile(r"[+-]?[\d.,'\s]*\d\s*[%\u20ac$\u00a3kKM]?")
_POINT_LAST = re.compile(r",\d{3}(\.|\D*$)|\d\.\d{1,2}\D*$")
_MISSING = {
    "start": "DATE('2026-01-01')",
    "due": "DATE('2026-12-31')",
    "baseline": '"0"',
    "target": '"100"',
    "value": '"0"',
}
_DRAFT = Template("""\
# A draft from the header of a file. Mend it line by line, first where a `?` stands.
# What comes of it is shown by: okr sources check FILE --source $name
title: $title
kind: csv
clock: wall # or `data`, if the file is history and its newest row tells what today is

recognise: { $recognised } # what tells these files from others

columns:
$columns
$rows
derived:
$derived

entities:
  objective: { key: [$objective_key], title: $objective$period }$doubt
  key_result: { key: [$key], title: $key_result, metric_kind: kind, direction: direction, baseline: baseline,
    target: target, start_on: start, due_on: due$more }
  check_in: { key: [$key, $day], as_of: $day, value: value$status }
  outcome: { due: { grace_days: 3 } } # ? or, if a row says it: { source: { when: done = 'yes', known_at: $day } }
# Not used: $unused
$others""")


def found_in(header: Sequence[str]) -> dict[str, str]:
    """Which column seems to hold which field; each column at most one.

    >>> found_in(["Goal", "KR", "Target Value", "Due"])
    {'objective': 'Goal', 'title': 'KR', 'target': 'Target Value', 'due': 'Due'}
    """
    names = [name for name in header if name.strip()]
    pairs = [
        (doubt + rank, field, name)
        for doubt, plain in ((0, _plain), (_DOUBT, _shortened))
        for field, words in FIELDS.items()
        for rank, word in enumerate(words)
        for name in names
        if plain(name) == word
    ]
    taken: dict[str, str] = {}
    for _, field, name in sorted(pairs, key=lambda pair: pair[0]):
        if field not in taken and name not in taken.values():
            taken[field] = name
    return {field: taken[field] for field in FIELDS if field in taken}


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", name).lower().split())


def _of_key_result(name: str) -> str:
    """Without the number, and what is numbered.

    >>> _of_key_result("key_result_{n}_target"), _of_key_result("KR Title {n}"), _of_key_result("KR{n}")
    ('target', 'title', 'kr')
    """
    plain = _plain(name.replace("{n}", " "))
    heads = (word for word in sorted(FIELDS["title"], key=len, reverse=True) if plain.startswith(f"{word} "))
    return plain.removeprefix(next(heads, "")).strip()


def _of_key_results(names: Sequence[str]) -> dict[str, str]:
    """Which of these numbered columns holds which field of key results."""
    told = {_of_key_result(name): name for name in reversed(names)}
    return {
        field: told[column] for field, column in found_in(list(told)).items() if field not in {"objective", "period"}
    }


def _shared(found: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """What stands once for all key results of a row: the objective may be called by a word for key results."""
    plain = [name for name in names if "{n}" not in name]
    told = found_in(plain)
    called = {"objective": told["title"]} if "title" in told and "objective" not in told else {}
    told = {field: name for field, name in {**told, **called}.items() if field not in found and field != "id"}
    return {field: {**told, **found}[field] for field in FIELDS if field in told or field in found}


def _shortened(name: str) -> str:
    r"""Without what it says in brackets, on further lines, or before a dash.

    >>> _shortened("Project - Start Date\n(latest approved)"), _shortened("Target (EUR)")
    ('start date', 'target')
    """
    return _plain(re.split(r"[(\[\n]", name.strip())[0].split(" - ")[-1])


def drafted(name: str, header: Sequence[str], rows: Sequence[Sequence[str]], file: str = "*.csv") -> str:
    """The text of `configs/sources/<name>.yaml`; what nobody can tell from the file has a question mark.

    `file`: how it is called, by which a file that lies on its side is known.
    """
    lies = lying.lies(header, rows, _is_typed, lambda names: len(found_in(names)))
    corner = header[0] if header else ""
    header, rows = lying.upright(header, rows) if lies else (header, rows)
    wide = None if lies else draft_wide.gathered(header, rows, _of_key_results)
    header, rows = (wide.header, wide.rows) if wide else (header, rows)
    found = _shared(_of_key_results([name for name in header if "{n}" in name]), header) if wide else found_in(header)
    found = _meant(found, header, rows)
    outline = None if lies or wide else draft_outline.outlined(found, header, rows)
    if outline:
        found = {"title": outline, **{field: column for field, column in found.items() if column != outline}}
    if lies and not {"objective", "title"} & found.keys():
        found["title"] = corner
    key_result = "title" if "title" in found else "objective"
    objective = "objective" if outline or "objective" in found else key_result
    period = ["period"] if "period" in found else []
    known = {*found, *(field for field, _ in _from_labels(found, _cells_of(found, "period", header, rows)))}
    return _DRAFT.substitute(
        name=name,
        title=name.replace("_", " "),
        recognised=f"columns: [{', '.join(_quoted(name.replace('{n}', '1')) for name in list(found.values())[:4])}]"
        if found and not lies
        else f'path: "{lying.glob(file)}"',
        rows=f"\nrows: {{ transposed: {_quoted(corner)} }} # its first column holds what others have in the header\n"
        if lies
        else f"\nrows: {{ repeat: {wide.repeat} }} # ? so many key results at most stand side by side\n"
        if wide
        else draft_outline.rows_block(found, header, rows)
        if outline
        else draft_groups.rows_block(found, header, rows),
        columns="\n".join([*_columns(found, header, rows), *(_above(outline) if outline else ())]),
        derived="\n".join(_derived(known, _percent(found, header, rows))),
        objective=objective,
        objective_key=", ".join([objective, *period]),
        period=", period: { label: period }" if period else "",
        doubt=_one_for_both(found) if objective == key_result else "",
        key_result=key_result,
        key="id" if "id" in found else ", ".join(dict.fromkeys([objective, key_result, *period])),
        day="day" if "day" in found else "today",
        more="".join(f", {field}: {field}" for field in ("owner", "unit") if field in found),
        status=", status_raw: status" if "status" in found else "",
        others="".join(_others(found, header, rows)),
        unused=", ".join(" ".join(one.split()) for one in header if one not in found.values()) or "nothing",
    )


def _one_for_both(found: Collection[str]) -> str:
    """Where one column stands for the objective and its key result: which of them nobody found."""
    if "title" in found:
        return (
            " # ? no column is called like an objective, so each key result is one of its own: name the column, if any"
        )
    return " # ? no column is called like a key result, so each objective has one of its name" if found else ""


def _columns(found: Mapping[str, str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    cells = {field: _cells(rows, header.index(column)) for field, column in found.items()}
    number = _number([cell for field in _FIGURES & found.keys() for cell in cells[field]])
    for field, column in found.items():
        yield _column(field, column, cells[field], number)
    for field, edge in _from_labels(found, cells.get("period", ())):
        read = f"{_quoted(found['period'])}, type: date, formats: [period], edge: {edge}"
        yield f"  {field}: {{ from: {read} }} # ? as its label says"
    if "day" not in found:
        yield '  today: { from: "file:day", type: date } # ? the day the file came: no column is called like one'


def _above(outline: str) -> Iterator[str]:
    """The text of the row that a row stands below."""
    yield f"  objective: {{ from: {_quoted(outline)}, type: text }} # of the row above that is indented less"


def _others(found: Mapping[str, str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """How the columns that nobody knows could be read."""
    for place, column in enumerate(header):
        if column.strip() and column not in found.values():
            cells = _cells(rows, place)
            read = (
                _date(cells)
                if _fitting("day", cells)
                else _number(cells)
                if _figures(cells)
                else text_column(column, cells)
            )
            yield f"#   ...: {{ from: {_quoted(column)}, {read} }} # {example(column, cells)}\n"


def _meant(found: dict[str, str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """A column called like a period that holds days is the day, where no other one is."""
    name = found.get("period")
    if name is None or "day" in found or not _fitting("day", _cells(rows, header.index(name))):
        return found
    return {("day" if field == "period" else field): column for field, column in found.items()}


def _from_labels(found: Mapping[str, str], labels: Sequence[str]) -> list[tuple[str, str]]:
    """Which of the days that no column holds a period's label tells, and by which of its edges."""
    told = sum(bool(_LABEL.search(label)) for label in labels)
    if not labels or told < _NEARLY_ALL * len(labels):
        return []
    return [(field, edge) for field, edge in _EDGES.items() if field not in found]


def _is_typed(cells: Sequence[str]) -> bool:
    """Most are dates, or figures."""
    figures = sum(bool(_FIGURE.fullmatch(cell)) for cell in cells)
    days = max(sum(_is_date(cell, written) for cell in cells) for written in _DATES)
    return bool(cells) and max(figures, days) >= _MOST * len(cells)


def _figures(cells: Sequence[str]) -> bool:
    return bool(cells) and all(_FIGURE.fullmatch(cell) for cell in cells)


def _cells_of(found: Mapping[str, str], field: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return _cells(rows, header.index(found[field])) if field in found else []


def _cells(rows: Sequence[Sequence[str]], place: int) -> list[str]:
    return [row[place].strip() for row in rows if place < len(row) and row[place].strip()]


def _derived(found: Collection[str], percent: bool) -> Iterator[str]:  # noqa: FBT001 - private
    if not {"objective", "title"} & set(found):
        yield "  objective: \"'everything'\" # ? no column was found for what is wanted"
    kind = "percentage" if percent else "number"
    yield f"  kind: \"'{kind}'\" # ? or number, percentage, currency, boolean, milestone, ordinal"
    if {"baseline", "target"} <= set(found):
        yield "  direction: CASE WHEN target >= baseline THEN 'increase' ELSE 'decrease' END"
    else:
        yield "  direction: \"'increase'\" # ? or decrease, stay_above, stay_below, stay_between, none"
    for field, value in _MISSING.items():
        if field not in found:
            yield f"  {field}: {value} # ? no column was found"


def _percent(found: Mapping[str, str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Most figures of the value or target are written with a percent sign."""
    places = [header.index(found[field]) for field in ("value", "target") if field in found]
    cells = [cell for place in places for cell in _cells(rows, place)]
    return sum("%" in cell for cell in cells) * 2 > len(cells)


def _column(field: str, column: str, cells: Sequence[str], number: str) -> str:
    required = ", required: true" if field in {"objective", "title", "id"} else ""
    read = _day(field, cells) if field in _DAYS else number if field in _FIGURES else text_column(column, cells)
    doubt = _doubt(cells, read) if field in _DAYS else ""
    return f"  {field}: {{ from: {_quoted(column)}, {read}{required} }} # {doubt}{example(column, cells)}"


def _doubt(cells: Sequence[str], read: str) -> str:
    """What only a person can tell of a column of days: which one is the month, or how they are written at all."""
    if {"%d/%m/%Y", "%m/%d/%Y"} <= set(_fitting("day", cells)):
        return "? or the month first; "
    if read == "type: date" and sum(_is_iso(cell) for cell in cells) < _NEARLY_ALL * len(cells):
        return "? these are no days in one of the usual ways: say `formats`, and as `blanks` words for none; "
    return ""


def _number(cells: Sequence[str]) -> str:
    """Of all figures together: one exporter writes them all in one way."""
    commas = sum(bool(_COMMA_LAST.search(cell)) for cell in cells)
    points = sum(bool(_POINT_LAST.search(cell)) for cell in cells)
    if not any("," in cell for cell in cells):
        return "type: number"
    return f'type: number, decimal: "{"," if commas > points else "."}"'


def _day(field: str, cells: Sequence[str]) -> str:
    """Of a column that is called like a day, which may hold labels of periods, or the numbers of a spreadsheet."""
    if cells and not _fitting("day", cells):
        if sum(bool(_LABEL.search(cell)) for cell in cells) >= _NEARLY_ALL * len(cells):
            return f"type: date, formats: [period], edge: {_EDGES.get(field, 'end')}"
        if sum(bool(_SERIAL.fullmatch(cell)) for cell in cells) >= _NEARLY_ALL * len(cells):
            return "type: date, formats: [excel]"
    return _date(cells)


def _date(cells: Sequence[str]) -> str:
    fits = _fitting("day", cells)
    return f'type: date, formats: ["{fits[0]}"]' if fits and fits[0] != "%Y-%m-%d" else "type: date"


def _fitting(field: str, cells: Sequence[str]) -> list[str]:
    """The ways of writing a date in which the most cells can be read, and nearly all: a date may be mistyped."""
    if field not in _DAYS:
        return []
    read = {written: sum(_is_date(cell, written) for cell in cells) for written in _DATES}
    most = max(read.values())
    return [written for written in _DATES if read[written] == most] if most and most >= _NEARLY_ALL * len(cells) else []


def _is_date(text: str, written: str) -> bool:
    try:
        datetime.strptime(text, written)  # noqa: DTZ007 - whether it can be read is all that is asked
    except ValueError:
        return False
    return True


def _is_iso(text: str) -> bool:
    """Whether it is a day, or one with a time, as a mapping without `formats` reads it."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _quoted(text: str) -> str:
    return '"' + text.strip().replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
