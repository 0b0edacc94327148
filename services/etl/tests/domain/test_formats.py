"""The documented export formats: each sample is read by its mapping, cell by cell as worked out by hand."""

import csv
import io
from datetime import date
from typing import Any

import pytest

from okr_common.paths import repository
from okr_common.sources import load_sources
from okr_etl.domain.check import trouble
from okr_etl.testing import INGESTED_AT
from okr_etl.testing.shipped import proposed_of, shipped

SAMPLES = repository() / "samples" / "formats"
TODAY = INGESTED_AT.date()
GOLDEN: dict[str, list[dict[str, Any]]] = {
    "okr_template": [
        {
            "objective.title": "Grow in Europe",
            "key_result.source_id": "KR1",
            "key_result.unit": "customers",
            "key_result.owner": "growth",
            "key_result.due_on": date(2026, 6, 30),
            "check_in.as_of": date(2026, 2, 28),
            "check_in.value": 180.0,
            "check_in.progress": 80 / 300,
            "check_in.status": "on_track",
            "outcome.is_final": False,
        },
        {"check_in.value": 1410.0, "outcome.is_final": True, "outcome.resolution": "achieved"},
        {
            "key_result.direction": "decrease",
            "check_in.value": 3.4,  # written 3.4 %
            "check_in.progress": pytest.approx(0.8),
            "outcome.resolution": "partial",
        },
        {"key_result.baseline": None, "check_in.progress": 1.0, "outcome.is_final": False},
        {"key_result.metric_kind": "milestone", "check_in.status": "at_risk", "check_in.status_raw": "At Risk"},
    ],
    "peoplebox": [
        {"objective.title": "Q1 2026", "key_result.source_id": "G-1", "check_in.progress": 0.4, "key_result.unit": "%"},
        {
            "key_result.start_on": date(2026, 1, 1),
            "key_result.due_on": date(2026, 3, 31),
            "check_in.as_of": TODAY,
            "check_in.status": "at_risk",  # Behind
        },
        {
            "key_result.metric_kind": "currency",
            "key_result.unit": "EUR",
            "key_result.baseline": 10_000.0,
            "key_result.target": 1_200_000.0,
            "check_in.value": 250_000.0,
            "check_in.status": "off_track",  # At risk, the worst word here
        },
        {"key_result.metric_kind": "boolean", "check_in.value": 0.0, "check_in.status": "not_started"},
    ],
    "betterworks": [
        {
            "key_result.title": "Grow in Europe",
            "key_result.description": "Be where our customers are,\nnot only where we are",
            "key_result.owner": None,
            "check_in.progress": 0.4,
            "categories": "growth;europe",
        },
        {"key_result.metric_kind": "milestone", "check_in.value": 0.0},  # blank
        {"check_in.progress": pytest.approx(1.045), "check_in.as_of": TODAY},
    ],
}


@pytest.mark.parametrize("source", GOLDEN)
def test_each_row_of_a_sample(source: str) -> None:
    header, rows = content(source)
    found = proposed_of(source, header, rows, SAMPLES / f"{source}.csv")
    assert found.rejected == []
    for cells, row in zip(GOLDEN[source], found.wide.iter_rows(named=True), strict=True):
        assert {name: row[name] for name in cells} == cells


@pytest.mark.parametrize("source", GOLDEN)
def test_a_sample_is_recognised_by_its_header_alone(source: str) -> None:
    header, _ = content(source)
    sources = load_sources(repository() / "configs" / "sources")
    assert sources.recognise("anywhere/export.csv", header).source == source
    assert trouble(shipped(source)) == []


def content(source: str) -> tuple[list[str], list[list[str]]]:
    text = (SAMPLES / f"{source}.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return header, rows
