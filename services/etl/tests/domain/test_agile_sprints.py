"""Sprints on several boards: counts from the paper, and rows worked out by hand."""

import csv
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from okr_common.testing.development_data import DEVELOPMENT_DATA, needs_data
from okr_etl.domain.batch import Proposed, apply
from okr_etl.domain.versions import HELD_SCHEMA
from okr_etl.testing.shipped import proposed_of

pytestmark = [pytest.mark.data, needs_data]
FOLDER = DEVELOPMENT_DATA / "agile_sprints"
SPRINTS = {"apache": (348, 130), "jboss": (372, 195), "jira": (1873, 844)}
"""Project -> rows, and sprint ids among them."""
NAME, RIGHT_OF_NAME = 2, 16


@cache
def proposed(file: Path) -> Proposed:
    with file.open(encoding="cp1252", newline="") as stream:
        header, *rows = csv.reader(stream)
    mended = [[*row[:NAME], ",".join(row[NAME:-RIGHT_OF_NAME]), *row[-RIGHT_OF_NAME:]] for row in rows]
    return proposed_of("agile_sprints", header, mended, file)


@pytest.mark.parametrize("project", SPRINTS)
@pytest.mark.parametrize("percent", [0, 30, 50, 80])
def test_one_key_result_per_project_and_sprint(project: str, percent: int) -> None:
    rows, sprints = SPRINTS[project]
    found = proposed(FOLDER / f"{project}_iteration_{percent}.csv")
    counts = apply(found, pl.DataFrame(schema=HELD_SCHEMA), None).counts
    assert counts == {
        "rejected": 0,
        "pending": 0,
        "new": sprints,
        "changed": 0,
        "duplicate": rows - sprints,
        "unchanged": 0,
    }
    assert found.wide["outcome.is_final"].any() == (percent == 80)


GOLDEN: list[tuple[str, str, dict[str, Any]]] = [
    (
        "apache_iteration_30.csv",  # on board 35: 1 + 35 - 27 points committed, more than on the other three
        "apache/8",
        {
            "board": 35,
            "key_result.title": "Q2'14 Sprint 1",
            "key_result.target": 9.0,
            "key_result.start_on": date(1950, 2, 26),
            "key_result.due_on": date(1950, 3, 7),
            "check_in.as_of": date(1950, 2, 28),  # 30 % of 9 days
            "check_in.value": 0.0,
            "outcome.final_value": 14.0,
        },
    ),
    (
        "jboss_iteration_30.csv",  # boards 21 and 1302 have 18 points each: the first
        "jboss/341",
        {"board": 21, "key_result.target": 18.0, "outcome.final_value": 16.0, "check_in.progress": 0.0},
    ),
    (
        "jboss_iteration_80.csv",
        "jboss/341",
        {"check_in.value": 2.0, "outcome.final_value": 16.0, "outcome.resolution": "partial"},  # 16 of 18
    ),
]


@pytest.mark.parametrize(("name", "key", "cells"), GOLDEN, ids=[f"{name}-{key}" for name, key, _ in GOLDEN])
def test_rows_worked_out_by_hand(name: str, key: str, cells: dict[str, Any]) -> None:
    rows = proposed(FOLDER / name).wide.filter(pl.col("key_result.source_id") == key)
    assert rows.select(list(cells)).rows(named=True) == [cells]
