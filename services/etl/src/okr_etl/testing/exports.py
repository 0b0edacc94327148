"""Five sources, large and small, live and past, whose exports are made by code: the same ones from the same seed."""

import csv
import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

HEADER = ["goal", "team", "target", "value", "other", "day", "start", "due", "said"]
MAPPING = """
title: goals of the {name}
kind: csv
clock: {clock}
recognise: {{ path: "*/{name}-*.csv" }}
columns:
  goal: {{ from: goal, type: text, required: true }}
  team: {{ from: team, type: text, required: true }}
  target: {{ from: target, type: number }}
  value: {{ from: value, type: number }}
  other: {{ from: other, type: number }}
  day: {{ from: day, type: date, required: true }}
  start: {{ from: start, type: date, required: true }}
  due: {{ from: due, type: date, required: true }}
  said: {{ from: said, type: timestamp }}
derived: {{ kind: "'number'", direction: "'increase'", nothing: "0" }}
entities:
  objective: {{ key: [team], title: team }}
  key_result: {{ key: [goal], title: goal, metric_kind: kind, direction: direction, baseline: nothing, target: target,
    start_on: start, due_on: due }}
  check_in: {{ key: [goal, day], as_of: day, value: value{recorded} }}
{outcome}
"""
FINAL = "  outcome: { source: { when: day + INTERVAL '10 days' = due, known_at: day } }"
DUE = "  outcome: { due: { grace_days: 3 } }"
RECORDED = ", recorded_at: said"
CHECK_INS = 6
QUARTERS = 6
FIRST_DAY = date(2024, 1, 1)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a source differs from the others: its mapping, its share of a load, and whether its exports are full."""

    clock: str
    share: float
    outcome: str = ""
    recorded: str = ""
    is_full: bool = False

    def mapping(self, name: str) -> str:
        """As YAML. It recognises files whose names begin with the source's."""
        return MAPPING.format(name=name, clock=self.clock, outcome=self.outcome, recorded=self.recorded)


SOURCES = {
    "works": Kind("data", 0.5, FINAL),
    "yards": Kind("data", 0.4, DUE),
    "shops": Kind("wall", 0.04, is_full=True),
    "farms": Kind("data", 0.04, FINAL, RECORDED),
    "ports": Kind("data", 0.02, DUE, is_full=True),
}


@dataclass
class Exports:
    """The files of one source."""

    kind: Kind
    chance: random.Random
    goals: int = 0
    rows: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def next(self, count: int) -> list[list[str]]:
        """About so many new rows; some former ones that changed, some twice, some rejected or contradicting others."""
        former, new = list(self.rows), list(self._new(max(1, count // CHECK_INS)))
        changed = [self._changed(key) for key in self.chance.sample(former, len(former) // 20)]
        told = list(self.rows.values()) if self.kind.is_full else [*changed, *new]
        twice = self.chance.sample(told, len(told) // 50)
        wrong = [[*row[:3], self.chance.choice(["much", "131"]), *row[4:]] for row in told[::97]]
        return [*told, *twice, *wrong]

    def _new(self, goals: int) -> Iterator[list[str]]:
        for number in range(self.goals, self.goals + goals):
            start = FIRST_DAY + timedelta(days=90 * (number % QUARTERS))
            target = self.chance.choice(["90", "100"])
            for step in range(CHECK_INS):
                yield self._row(number, start, start + timedelta(days=14 * step), target, step + 1)
        self.goals += goals

    def _row(self, number: int, start: date, day: date, target: str, steps: int) -> list[str]:
        figures = [str(steps * self.chance.choice([12, 20])) for _ in ("value", "other")]
        said = f"{day}T{self.chance.randint(6, 20):02}:00:00Z"
        due = start + timedelta(days=80)
        row = [f"g{number}", f"t{number % 7}", target, *figures, str(day), str(start), str(due), said]
        self.rows[row[0], row[5]] = row
        return row

    def _changed(self, key: tuple[str, str]) -> list[str]:
        """Another value, written down later on its day."""
        row = self.rows[key]
        said = f"{row[8][:11]}{int(row[8][11:13]):02}:{int(row[8][14:16]) + 1:02}:00Z"
        self.rows[key] = [*row[:3], str(self.chance.randint(1, 130)), *row[4:8], said]
        return self.rows[key]


def encoded(rows: Sequence[Sequence[str]]) -> bytes:
    """As a file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER, *rows])
    return text.getvalue().encode()
