"""Measures what columns cost: `make bench-columns`. The same rows under a mapping of 8 columns and one of 40.

From raw rows to the text that COPY takes, in this process: what grows with columns. No figure is a test.
"""

import os
import platform
import statistics
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from report import by_rows

from okr_common.errors import PermanentError
from okr_common.sources import Mapping, load_mapping
from okr_etl.domain.batch import RawBatch, apply, propose
from okr_etl.domain.entities import ENTITIES
from okr_etl.domain.versions import HELD_SCHEMA
from okr_etl.store import tables

ROWS = 50_000
"""A batch."""
ROUNDS = 7
FIRST_DAY = date(2026, 1, 5)
OWN = ("Goal", "Key result", "Start", "Due", "Day", "From", "To", "Value")
MORE = [*["number"] * 12, *["date"] * 6, *["text"] * 8, *["boolean"] * 3, *["integer"] * 3]
"""The types of the 32 columns that the wider file has beside `OWN`."""
TYPES = {kind: f"type: {kind}" for kind in MORE} | {
    kind: f'type: {kind}, decimal: "."' for kind in ("number", "integer")
}
CELLS = {"number": "1,234.56", "date": "2026-03-31", "text": "north, second team", "boolean": "yes", "integer": "1,204"}
MAPPING = """
title: Goals
kind: csv
clock: wall
recognise: {{ columns: [Goal] }}
columns:
  goal: {{ from: Goal, type: text }}
  title: {{ from: Key result, type: text }}
  start: {{ from: Start, type: date }}
  due: {{ from: Due, type: date }}
  day: {{ from: Day, type: date }}
  baseline: {{ from: From, type: number }}
  target: {{ from: To, type: number }}
  value: {{ from: Value, type: number }}
{more}
derived: {{ kind: "'number'", direction: "'increase'" }}
entities:
  objective: {{ key: [goal], title: goal }}
  key_result: {{ key: [goal, title], title: title, metric_kind: kind, direction: direction, baseline: baseline,
    target: target, start_on: start, due_on: due }}
  check_in: {{ key: [goal, title, day], as_of: day, value: value }}
"""


def mapping(folder: Path, more: list[str]) -> Mapping:
    """One with `OWN` and columns of these types. Raises PermanentError where it is wrong."""
    text = "\n".join(f"  more_{place}: {{ from: More {place}, {TYPES[kind]} }}" for place, kind in enumerate(more))
    file = folder / "goals.yaml"
    file.write_text(MAPPING.format(more=text))
    loaded = load_mapping(file)
    if isinstance(loaded, list):
        raise PermanentError("broken_mapping", "; ".join(map(str, loaded)))
    return loaded


def batch(more: list[str], rows: int) -> RawBatch:
    """Weekly check-ins of many key results."""
    told = [CELLS[kind] for kind in more]
    cells = [orjson.dumps([*_own(row), *told]).decode() for row in range(rows)]
    frame = pl.DataFrame({"row_num": range(1, rows + 1), "cells": cells})
    header = [*OWN, *(f"More {place}" for place in range(len(more)))]
    return RawBatch("goals", 1, 1, "file/1", datetime(2026, 4, 1, tzinfo=UTC), header, frame)


def _own(row: int) -> list[str]:
    key_result, week = divmod(row, 12)
    day = FIRST_DAY + timedelta(weeks=week)
    return [
        f"Goal {key_result // 4}",
        f"Key result {key_result}",
        "2026-01-01",
        "2026-03-31",
        f"{day}",
        "0",
        "100",
        f"{week * 8.5}",
    ]


def seconds(raw: RawBatch, how: Mapping) -> float:
    """Processor time of one batch, all of whose rows are new."""
    began = time.process_time()
    proposed = propose(raw, how)
    assert not proposed.rejected, proposed.rejected[0]  # noqa: S101 - rows that are set aside cost something else
    applied = apply(proposed, pl.DataFrame(schema=HELD_SCHEMA), None)
    tables.as_csv(tables.entity_versions(raw, applied, 1, 1))
    for entity in ENTITIES:
        tables.as_csv(tables.current(entity, raw, proposed, applied, how))
    return time.process_time() - began


def measured(folder: Path, rows: int) -> dict[str, Any]:
    """The median of some rounds of each, taken in turn."""
    narrow, wide = (batch(more, rows) for more in ([], MORE))
    few, many = mapping(folder, []), mapping(folder, MORE)
    rounds = [(seconds(narrow, few), seconds(wide, many)) for _ in range(ROUNDS)]
    of_few, of_many = (statistics.median(times) for times in zip(*rounds, strict=True))
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "rows": rows,
        "columns_8_rows_per_second": rows / of_few,
        f"columns_{len(OWN) + len(MORE)}_rows_per_second": rows / of_many,
        "ratio": of_many / of_few,
    }


if __name__ == "__main__":
    by_rows(__doc__, ROWS, measured)
