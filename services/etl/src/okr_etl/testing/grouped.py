"""Exports of grouped cells: what is wanted, and by whom, stands in the first row of its group only."""

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
