"""What validation says of a file beside those its source had before."""

from typing import Any

import pytest

from okr_common.sources import Read
from okr_ingest_csv.domain.drift import header_drift
from okr_ingest_csv.domain.profile import Profile
from okr_ingest_csv.domain.quality import Former, Summary, findings_of, reason_to_stop

HEADER = ("id", "title", "due")
FORMERS = [Former(HEADER, rows, {2: 10}) for rows in (100, 90, 110)]


def file(**more: Any) -> Summary:  # noqa: ANN401 - whatever the field holds
    told: dict[str, Any] = {
        "header": HEADER,
        "header_line": 1,
        "encoding_guess": None,
        "rows": 100,
        "unreadable": {},
        "profile": Profile(blank={2: 10}),
    }
    return Summary(**{**told, **more})


def kinds(summary: Summary, formers: list[Former] = FORMERS, read: Read | None = None) -> dict[str, str | None]:
    return {one.kind: one.severity for one in findings_of(summary, formers, read or Read())}


def test_a_file_like_those_before_it_is_worth_no_word() -> None:
    assert kinds(file()) == {}
    assert kinds(file(), []) == {}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"rows": 49}, {"row_count": "warning"}),
        ({"rows": 201}, {"row_count": "warning"}),
        ({"duplicates": 1}, {"duplicate_records": "information"}),
        ({"header_line": 4}, {"title_lines": "information"}),
        ({"encoding_guess": "not UTF-8"}, {"guessed_encoding": "information"}),
        ({"profile": Profile(repaired=1)}, {"repaired_records": "warning"}),
        ({"profile": Profile(blank={1: 31})}, {"blank_cells": "warning"}),
        ({"profile": Profile(blank={1: 30})}, {}),
        ({"unreadable": {"nul": 25}}, {"unreadable_records": "warning"}),
        ({"unreadable": {"nul": 26}}, {"unreadable_records": "error"}),
        ({"unreadable": {"blank_line": 900}}, {}),
        ({"header": ("id", "Title", "due")}, {"columns_renamed": "warning"}),
        ({"header": ("id", "title")}, {"columns_removed": "warning"}),
        ({"header": (*HEADER, "note")}, {"columns_added": "information"}),
        ({"header": ("due", "title", "id")}, {"columns_reordered": "information"}),
        (
            {"header": ("id", "title", "due", "due", "")},
            {"header_names": "information"},
        ),
    ],
)
def test_each_thing_is_found_at_its_limit_and_not_before(more: dict[str, Any], found: dict[str, str]) -> None:
    profile = {} if "profile" in more or "header" not in more else {"profile": Profile()}
    assert kinds(file(**more, **profile)) == found


def test_a_column_that_is_wholly_blank_is_told_of_a_first_file_too() -> None:
    (one,) = findings_of(file(profile=Profile(blank={1: 100})), [], Read())
    assert (one.kind, one.column) == ("blank_cells", "title")


def test_the_source_says_how_bad_a_finding_is_and_an_error_stops_the_file() -> None:
    read = Read.model_validate({"findings": {"row_count": "error"}, "unreadable_limit": 0.5})
    found = findings_of(file(rows=10, unreadable={"nul": 9}), FORMERS, read)
    stop = reason_to_stop(found)
    assert stop is not None
    assert stop.kind == "row_count"
    assert kinds(file(rows=100, unreadable={"nul": 50}), read=read) == {"unreadable_records": "warning"}


def test_a_renamed_column_is_neither_gone_nor_new() -> None:
    found = header_drift(["id", "KR title", "owner"], ["id", "title", "weight"])
    assert [(one.kind, one.detail) for one in found] == [
        ("columns_renamed", "title is now KR title"),
        ("columns_added", "owner"),
        ("columns_removed", "weight"),
    ]
