"""Sprints on several boards: counts from the paper, and rows worked out by hand."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from okr_common.testing.development_data import DEVELOPMENT_DATA, needs_data
from okr_etl.domain.batch import Proposed, apply
from okr_etl.domain.versions import HELD_SCHEMA
from okr_etl.testing import MemorySource, raw_batch
from okr_etl.testing.shipped import proposed_of, shipped

pytestmark = [pytest.mark.data, needs_data]
FOLDER = DEVELOPMENT_DATA / "agile_sprints"
SPRINTS = {"apache": (348, 130), "jboss": (372, 195), "jira": (1873, 844)}
"""Project -> rows, and sprint ids among them."""
NAME, RIGHT_OF_NAME = 2, 16


def mended(file: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows, the commas in names put back."""
    with file.open(encoding="cp1252", newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, [[*row[:NAME], ",".join(row[NAME:-RIGHT_OF_NAME]), *row[-RIGHT_OF_NAME:]] for row in rows]


@cache
def proposed(file: Path) -> Proposed:
    return proposed_of("agile_sprints", *mended(file), file)


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


def test_what_a_later_file_changes_of_a_sprint_is_known_while_it_goes_on() -> None:
    """Not at the end of the files before it, when all sprints are over."""
    memory: MemorySource | None = None
    for percent in (0, 30, 50, 80):
        header, rows = mended(FOLDER / f"apache_iteration_{percent}.csv")
        memory = memory or MemorySource(shipped("agile_sprints"), header)
        batch = raw_batch(rows, header, "agile_sprints", memory.head.position + 1)
        memory.take(replace(batch, path=f"apache_iteration_{percent}.csv"))
    assert memory is not None
    told = memory.published.filter(pl.col("entity") == "key_result", pl.col("revision") > 1)
    assert told.height > SPRINTS["apache"][1]
    due = pl.col("payload").str.json_path_match("$.due_on").str.to_date()
    assert told.filter(pl.col("knowledge_time").dt.date() > due).is_empty()


GOLDEN: list[tuple[str, str, dict[str, Any]]] = [
    (
        "apache_iteration_30.csv",  # on board 35: 1 + 35 - 27 points committed, more than on the other three
        "apache/8",
        {
            "board": 35,
            "key_result.owner": "apache, board 35",
            "key_result.title": "Q2'14 Sprint 1",
            "key_result.target": 9.0,
            "key_result.start_on": date(1950, 2, 26),
            "key_result.due_on": date(1950, 3, 7),
            "check_in.as_of": date(1950, 2, 28),  # 30 % of 9 days
            "check_in.recorded_at": datetime(1950, 2, 28, tzinfo=UTC),
            "check_in.value": 0.0,
            "outcome.final_value": 14.0,
        },
    ),
    (
        "jboss_iteration_30.csv",  # boards 21 and 1302 have 18 points each: the first
        "jboss/341",
        {
            "board": 21,
            "key_result.owner": "jboss, board 21",
            "key_result.target": 18.0,
            "outcome.final_value": 16.0,
            "check_in.progress": 0.0,
        },
    ),
    (
        "jboss_iteration_80.csv",
        "jboss/341",
        {"check_in.value": 2.0, "outcome.final_value": 16.0, "outcome.resolution": "partial"},  # 16 of 18
    ),
    (
        "apache_iteration_0.csv",  # board 35: 1 + 4 - 3
        "apache/8",
        {"board": 35, "key_result.target": 2.0, "check_in.as_of": date(1950, 2, 26), "outcome.final_value": 14.0},
    ),
    (
        "apache_iteration_50.csv",
        "apache/8",
        {"key_result.target": 9.0, "check_in.as_of": date(1950, 3, 2), "outcome.is_final": False},  # 4 of 9 days
    ),
    (
        "apache_iteration_80.csv",  # 1 + 37 - 28, and 4 more in the end
        "apache/8",
        {
            "key_result.target": 10.0,
            "check_in.as_of": date(1950, 3, 5),  # 7 of 9 days
            "outcome.final_value": 14.0,
            "outcome.resolution": "achieved",
            "outcome.is_final": True,
        },
    ),
    (
        "jboss_iteration_0.csv",  # a comma in its name that nobody quoted; boards 221 and 321 are alike: the first
        "jboss/1621",
        {
            "board": 221,
            "key_result.title": "Rel 5.0.0.Alpha2, 4.5.0.Alpha2",
            "key_result.target": 1.0,
            "key_result.start_on": date(1981, 1, 25),
            "key_result.due_on": date(1981, 1, 28),
            "outcome.final_value": 1.0,
        },
    ),
    (
        "jboss_iteration_0.csv",
        "jboss/2270",  # 2 + 14 - 2, and 4 more
        {
            "key_result.title": "Sprint_July7-11,2014",
            "key_result.target": 14.0,
            "check_in.value": 2.0,
            "check_in.progress": 2 / 14,
            "outcome.final_value": 18.0,
        },
    ),
    (
        "jira_iteration_30.csv",  # a character of DOS's end of file, twice, in its name
        "jira/148",
        {
            "board": 1013,
            "key_result.title": "fÄowertÄne",
            "key_result.target": 52.0,  # 67 + 2 - 17
            "key_result.start_on": date(1952, 11, 2),
            "check_in.as_of": date(1952, 11, 6),  # 4 of 14 days
            "check_in.value": 18.0,
            "outcome.final_value": 57.0,
        },
    ),
    (
        "apache_iteration_80.csv",  # all that was committed was taken out: there is no target
        "apache/1",
        {"board": 14, "key_result.target": None, "check_in.progress": None, "outcome.is_final": False},
    ),
    (
        "jira_iteration_80.csv",
        "jira/834",
        {"key_result.title": "Thunder 14", "check_in.value": 0.0, "outcome.final_value": 3.0, "outcome.achieved": True},
    ),
    (
        "jira_iteration_80.csv",  # on 21 boards, without a day or a point on any
        "jira/1",
        {"board": 43, "key_result.due_on": date(1950, 1, 8), "key_result.target": None, "outcome.is_final": False},
    ),
]


@pytest.mark.parametrize(("name", "key", "cells"), GOLDEN, ids=[f"{name}-{key}" for name, key, _ in GOLDEN])
def test_rows_worked_out_by_hand(name: str, key: str, cells: dict[str, Any]) -> None:
    rows = proposed(FOLDER / name).wide.filter(pl.col("key_result.source_id") == key)
    assert rows.select(list(cells)).rows(named=True) == [cells]
