"""Jira issues with due dates: figures known from the paper, and rows worked out by hand."""

import csv
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from okr_common.testing.development_data import DEVELOPMENT_DATA, needs_data
from okr_etl.domain.batch import Proposed
from okr_etl.testing.shipped import proposed_of

pytestmark = [pytest.mark.data, needs_data]
FOLDER = DEVELOPMENT_DATA / "jira_due_dates"
ISSUES = {"apache": (6289, 2606), "duraspace": (3676, 970), "jboss": (3526, 1900), "jira": (4428, 1258)}
"""Project -> issues, and how many of them were late (delaydays > 0), by the csv module."""


@cache
def proposed(file: Path) -> Proposed:
    with file.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    return proposed_of("jira_due_dates", header, rows, file)


@pytest.mark.parametrize("project", ISSUES)
@pytest.mark.parametrize("moment", ["creation", "due", "discussion"])
def test_each_row_is_a_check_in_and_an_outcome(project: str, moment: str) -> None:
    issues, late = ISSUES[project]
    found = proposed(FOLDER / f"{project}_{moment}.csv")
    by_entity = dict(found.candidates.group_by("entity").len().iter_rows())
    assert (len(found.rejected), by_entity["check_in"], by_entity["outcome"]) == (0, issues, issues)
    assert found.wide["check_in.source_id"].n_unique() == issues
    assert found.wide["outcome.achieved"].value_counts().sort("outcome.achieved")["count"].to_list() == [
        late,
        issues - late,
    ]


GOLDEN: list[tuple[str, str, dict[str, Any]]] = [
    (
        "apache_creation.csv",
        "apache/DIR-1",
        {
            "objective.title": "apache, issues due in 2004",
            "key_result.start_on": date(2004, 1, 26),
            "key_result.due_on": date(2004, 3, 1),  # 35 days later, in a leap year
            "key_result.due_known": False,
            "check_in.as_of": date(2004, 1, 26),
            "check_in.value": None,
            "outcome.final_value": 1.0,
            "outcome.resolution": "achieved",
        },
    ),
    (
        "apache_discussion.csv",
        "apache/DIR-1",
        {
            "check_in.as_of": date(2004, 2, 16),
            "check_in.source_id": "apache/DIR-1/discussion",
            "key_result.due_known": None,
            "comments": 2,
        },
    ),
    (
        "duraspace_discussion.csv",
        "duraspace/FCREPO-68",
        {"check_in.as_of": date(2009, 2, 20), "key_result.due_on": date(2009, 5, 8), "workload": 0, "comments": 7},
    ),
    (
        "jboss_creation.csv",
        "jboss/JBAS-23",
        {
            "key_result.due_on": date(2004, 6, 30),
            "type": "Bug",
            "outcome.final_value": 0.0,  # 153 days late
            "outcome.resolution": "missed",
        },
    ),
    (
        "apache_creation.csv",
        "apache/DIRSERVER-10",
        {"key_result.due_on": date(2004, 1, 31), "priority": "Critical", "outcome.achieved": False},  # 72 days late
    ),
    (
        "apache_due.csv",
        "apache/OPENEJB-1",
        {"type": "NewFeature", "key_result.due_on": date(2006, 9, 25), "comments": 2, "outcome.achieved": True},
    ),
    (
        "apache_creation.csv",  # due on the day it was opened, done a day later
        "apache/DIR-10",
        {
            "key_result.start_on": date(2004, 2, 18),
            "key_result.due_on": date(2004, 2, 18),
            "reporter_reputation": 0.5,
            "outcome.resolution": "missed",
        },
    ),
    (
        "apache_due.csv",  # opened on a leap day, given its due date 210 days later
        "apache/CONNECTORS-418",
        {
            "objective.title": "apache, issues due in 2014",
            "key_result.start_on": date(2012, 2, 29),
            "check_in.as_of": date(2012, 9, 26),
            "key_result.due_on": date(2014, 12, 26),
            "check_in.source_id": "apache/CONNECTORS-418/due",
            "check_in.recorded_at": datetime(2012, 9, 26, tzinfo=UTC),
            "key_result.due_known": True,
        },
    ),
    (
        "duraspace_discussion.csv",
        "duraspace/HYDRA-750",
        {"key_result.due_on": date(2012, 3, 12), "reporter_reputation": 0.4, "priority": "Minor"},
    ),
    (
        "duraspace_discussion.csv",  # its discussion ends on the day it is due
        "duraspace/FCREPO-237",
        {"check_in.as_of": date(2008, 10, 24), "key_result.due_on": date(2008, 10, 24), "workload": 13, "comments": 1},
    ),
    (
        "jira_discussion.csv",
        "jira/CONF-1716",
        {
            "priority": None,  # NULL in the file
            "workload": 200,
            "check_in.as_of": date(2004, 8, 25),
            "key_result.due_on": date(2004, 8, 31),
        },
    ),
    (
        "jira_due.csv",
        "jira/CWD-882",
        {"key_result.start_on": date(2008, 2, 29), "key_result.due_on": date(2008, 3, 3), "outcome.final_value": 1.0},
    ),
]


@pytest.mark.parametrize(("name", "key", "cells"), GOLDEN, ids=[f"{name}-{key}" for name, key, _ in GOLDEN])
def test_rows_worked_out_by_hand(name: str, key: str, cells: dict[str, Any]) -> None:
    rows = proposed(FOLDER / name).wide.filter(pl.col("key_result.source_id") == key)
    assert rows.select(list(cells)).rows(named=True) == [cells]
