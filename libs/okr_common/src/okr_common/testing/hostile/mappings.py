"""The sources that the hostile files belong to, as mappings."""

from collections.abc import Mapping

_TEMPLATE = """\
title: {title}
kind: csv
clock: wall
recognise: {recognise}
read: {read}
columns:
  id: {{ from: {id}, type: text, required: true }}
  title: {{ from: title, type: text }}
  kind: {{ from: kind, type: text, map: {{ n: number }} }}
  direction: {{ from: direction, type: text, map: {{ up: increase }} }}
  target: {{ from: {target}, type: number }}
  value: {{ from: value, type: number }}
  day: {{ from: day, type: date }}
  due: {{ from: {due}, type: date }}
entities:
  objective: {{ key: [id], title: title }}
  key_result:
    {{ key: [id], title: title, metric_kind: kind, direction: direction, target: target, start_on: day, due_on: due }}
  check_in: {{ key: [id, day], as_of: day, value: value }}
"""


def _mapping(title: str, due: str, *, read: str = "{}", recognise: str = "", **columns: str) -> str:
    """One that reads HEADER, but with its last column by a name of its own: thereby it is recognised."""
    told = {"id": "id", "target": "target", **columns}
    recognise = recognise or f"{{ columns: [id, title, {due}] }}"
    return _TEMPLATE.format(title=title, due=due, read=read, recognise=recognise, **told)


MAPPINGS: Mapping[str, str] = {
    "hostile_goals": _mapping("goals, recognised by their columns", "due"),
    "hostile_bare": _mapping(
        "goals without a header",
        "last_day",
        recognise='{ path: "*/bare-*.csv" }',
        read="{ names: [goal_id, title, kind, direction, target, value, day, last_day] }",
        id="goal_id",
    ),
    "hostile_declared": _mapping(
        "goals that are UTF-8, whatever their bytes look like",
        "deadline",
        recognise='{ path: "*/declared-*.csv" }',
        read="{ encoding: utf-8 }",
    ),
    "hostile_old": _mapping(
        "goals of a system that writes cp1252", "ends_on", read="{ encoding: cp1252, unreadable_limit: 1 }"
    ),
    "hostile_carets": _mapping(
        "goals with a delimiter that nobody would guess",
        "until",
        recognise='{ path: "*/carets-*.csv" }',
        read='{ delimiter: "^" }',
    ),
    "hostile_reports": _mapping(
        "goals below three lines of title",
        "finish",
        recognise='{ path: "*/report-*.csv" }',
        read="{ header_line: 4 }",
    ),
    "hostile_repaired": _mapping(
        "goals whose titles hold commas that nobody quoted",
        "done_by",
        read="{ repair: right_aligned, repair_column: title }",
    ),
    "hostile_strict": _mapping(
        "goals of which none may be damaged or repeated",
        "due_strictly",
        read="{ unreadable_limit: 0, findings: { duplicate_records: error } }",
    ),
    "hostile_plans": _mapping(
        "goals with a column that is spelt otherwise",
        "due",
        recognise="{ columns: [id, title, plan] }",
        target="targte",
    ),
    "hostile_left": _mapping("one of two sources for the same columns", "either"),
    "hostile_right": _mapping("the other of two sources for the same columns", "either"),
}
"""YAML by the name of the source. Files of a source with a path in `recognise` have names that begin accordingly."""


def header_of(due: str) -> tuple[str, ...]:
    """The columns of the source that calls its last one `due`."""
    return ("id", "title", "kind", "direction", "target", "value", "day", due)
