"""Exports of groups, that are named in their first row only, and of outlines, whose rows are indented below others."""

from collections.abc import Sequence

GROUPED_HEADER = ["Objective", "Owner", "KR", "Day", "Target", "Value"]
GROUPED = """\
title: Goals with merged cells
kind: csv
clock: wall
recognise: { columns: [Objective, KR] }
columns:
  objective: { from: Objective, type: text, required: true }
  owner: { from: Owner, type: text, blanks: [TBD] }
  title: { from: KR, type: text, required: true }
  day: { from: Day, type: date, required: true }
  target: { from: Target, type: number }
  value: { from: Value, type: number }
rows: { fill_down: [objective, owner] }
derived: { kind: "'number'", direction: "'increase'", nothing: "0" }
entities:
  objective: { key: [objective], title: objective }
  key_result: { key: [objective, title], title: title, metric_kind: kind, direction: direction, baseline: nothing,
    target: target, start_on: day, due_on: day, owner: owner }
  check_in: { key: [objective, title, day], as_of: day, value: value }
"""


def grouped(objective: str, owner: str, title: str, value: str = "5") -> Sequence[str]:
    """A row of such a file."""
    return [objective, owner, title, "2026-01-31", "10", value]


INDENTED_HEADER = ["Title", "Owner", "Day", "Target", "Value"]
INDENTED = """\
title: Goals as an outline
kind: csv
clock: wall
recognise: { columns: [Title, Owner] }
columns:
  title: { from: Title, type: text, required: true }
  goal: { from: Title, type: text }
  leader: { from: Owner, type: text }
  day: { from: Day, type: date, required: true }
  target: { from: Target, type: number }
  value: { from: Value, type: number }
rows: { indented: { by: title, above: [goal, leader] }, only: target IS NOT NULL }
derived: { kind: "'number'", direction: "'increase'", nothing: "0", objective: "COALESCE(goal, 'nothing')" }
entities:
  objective: { key: [objective], title: objective }
  key_result: { key: [objective, title], title: title, metric_kind: kind, direction: direction, baseline: nothing,
    target: target, start_on: day, due_on: day, owner: leader }
  check_in: { key: [objective, title, day], as_of: day, value: value }
"""


def indented(title: str, owner: str = "", value: str = "") -> Sequence[str]:
    """A row of such a file; one with a value is a key result."""
    return [title, owner, "2026-01-31", "10" if value else "", value]
