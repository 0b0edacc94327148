"""The documented export formats: each sample is read by its mapping, cell by cell as worked out by hand."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from okr_common.paths import repository
from okr_common.sources import Mapping, load_mapping, load_sources
from okr_etl.domain.batch import propose
from okr_etl.domain.check import trouble
from okr_etl.domain.people import hidden
from okr_etl.testing import INGESTED_AT, MemorySource, raw_batch
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
            "key_result.owner": "ada@example.com; bob@example.com",
        },
        {
            "tags": "growth; sales",
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
            "categories": "europe; growth",
        },
        {"key_result.metric_kind": "milestone", "check_in.value": 0.0},  # blank
        {"check_in.progress": pytest.approx(1.045), "check_in.as_of": TODAY},
    ],
    "culture_amp": [
        {
            "row_num": 1,
            "objective.title": "Grow in Europe",
            "key_result.title": "Open three offices",
            "key_result.start_on": date(2026, 1, 5),
            "key_result.due_on": date(2026, 6, 30),
            "check_in.progress": 0.65,
            "check_in.status": "on_track",
        },
        {"row_num": 1, "key_result.title": "Sign 20 partners", "check_in.progress": 0.25},
        {"row_num": 2, "key_result.title": "Release weekly", "check_in.value": 1.0, "check_in.status": "achieved"},
        {"row_num": 3, "key_result.title": "Fill six posts", "check_in.status": "at_risk", "priority": "low"},
        {"row_num": 3, "key_result.title": "Onboard all", "check_in.value": 0.0},  # blank
        {"row_num": 3, "key_result.title": "Keep all, for a year", "check_in.value": 0.0},
    ],
    "appfire_okr": [
        {
            "row_num": 2,
            "objective.title": "Grow in Europe",
            "key_result.title": "Paying customers",
            "key_result.start_on": date(2025, 7, 15),
            "key_result.due_on": date(2025, 9, 15),
            "key_result.owner": "ada@example.com",
            "key_result.description": "As billing counts them, ask @Ada",
            "check_in.progress": 80 / 300,
            "check_in.status": "on_track",
        },
        {
            "row_num": 3,
            "objective.title": "Grow in Europe",
            "key_result.direction": "decrease",
            "key_result.start_on": date(2025, 7, 1),  # Q3 Y2025
            "key_result.due_on": date(2025, 9, 30),
            "check_in.progress": 0.4,
            "check_in.status": "at_risk",  # AT RISK
        },
        {
            "row_num": 6,
            "objective.title": "Fewer surprises",  # 2.1, not 2
            "key_result.description": "All teams,\nfrom merge to customer",
            "key_result.due_on": date(2025, 12, 31),
            "check_in.progress": 0.0,
            "check_in.status": "not_started",  # not Started
        },
    ],
    "viva_goals": [
        {
            "row_num": 2,
            "objective.title": "Grow in Europe",
            "key_result.unit": "customers",
            "key_result.owner": "ada@example.com; bob@example.com",
            "check_in.progress": 80 / 300,
            "check_in.status": "at_risk",  # Behind
        },
        {
            "row_num": 3,
            "objective.title": "Grow in Europe",  # the first of two parents
            "key_result.start_on": date(2026, 1, 15),
            "check_in.progress": 0.4,
            "check_in.status": "off_track",
        },
        {
            "row_num": 5,
            "objective.title": "Q1 2026",  # nobody above it
            "key_result.target": 12_500.0,
            "check_in.progress": pytest.approx(8000 / 11500),
        },
    ],
    "legacy_okr": [
        {
            "objective.title": "Grow in Europe",
            "key_result.owner": "E01",
            "check_in.progress": 0.455,
            "check_in.status": "on_track",  # In Progress
            "team_size": 6,
            "budget": 25_000.0,
        },
        {"check_in.value": 100.0, "check_in.status": "achieved", "timeline_days": None},
        {"check_in.value": None, "check_in.progress": None, "check_in.status": "not_started"},
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


def test_one_person_is_one_hash_in_the_exports_of_all_tools(tmp_path: Path) -> None:
    """As docs/adding-a-source.md has it for people: one key more in the column of the owner."""
    seen: dict[str, set[str]] = {}
    for source, column in {
        "peoplebox": "Owner Emails",
        "viva_goals": "Owner Email",
        "betterworks": "owner_email",
    }.items():
        text = (repository() / "configs" / "sources" / f"{source}.yaml").read_text(encoding="utf-8")
        file = tmp_path / f"{source}.yaml"
        file.write_text(text.replace(f"from: {column}, type: text", f"from: {column}, type: text, person: true"))
        mapping = load_mapping(file)
        assert isinstance(mapping, Mapping)
        header, rows = content(source)
        wide = propose(raw_batch(rows, header, source), mapping, b"a key of sixteen").wide
        seen[source] = {one for owners in wide["owner"] for one in owners.split("; ")}
        assert "example.com" not in wide.write_json()
    ada, bob = (hidden(f"{name}@example.com", b"a key of sixteen") for name in ("ada", "bob"))
    assert all({ada, bob} <= people for people in seen.values())


LEFT_OUT = {"appfire_okr": 3, "viva_goals": 2}


@pytest.mark.parametrize("source", GOLDEN)
def test_every_row_of_a_sample_is_counted_once(source: str) -> None:
    header, rows = content(source)
    memory = MemorySource(shipped(source), header)
    counts = memory.load(rows).counts
    assert sum(counts.values()) == len(rows)
    assert counts["unchanged"] == LEFT_OUT.get(source, 0)
    again = memory.load(rows).counts
    assert again["unchanged"] == len(rows)


def test_a_figure_out_of_range_and_a_wide_row_with_one_bad_part_are_rejected_whole() -> None:
    header, rows = content("legacy_okr")
    rows[0][header.index("pct")] = "145"
    rows[1][header.index("team")] = "0"
    found = proposed_of("legacy_okr", header, rows, SAMPLES / "legacy_okr.csv")
    assert [one.reasons for one in found.rejected] == [("out_of_range:progress",), ("out_of_range:team_size",)]
    assert found.rejected[0].detail == {"out_of_range:progress": 'progress reads "145", outside of 0 to 100'}
    header, rows = content("culture_amp")
    rows[2][header.index("key_result_1_completion")] = "7"
    rows[2][header.index("key_result_3_completion")] = "much"
    found = proposed_of("culture_amp", header, rows, SAMPLES / "culture_amp.csv")
    assert [(one.row_num, one.reasons) for one in found.rejected] == [(3, ("out_of_range:done", "not_a_number:done"))]
    assert found.wide["row_num"].to_list() == [1, 1, 2]


def test_a_column_that_the_header_lacks_is_blank_and_reads_no_other_cell() -> None:
    header, rows = content("legacy_okr")
    shown = ["", *header, "prio"]  # as pandas writes its index; and a name that stands twice
    found = proposed_of("legacy_okr", shown, [["77", *row, "again"] for row in rows], SAMPLES / "legacy_okr.csv")
    assert found.rejected == []
    assert found.wide["timeline_days"].to_list() == [None] * 3
    assert found.wide["priority"].to_list() == ["High", "Medium", "Low"], "the first of two"
    header, rows = content("culture_amp")
    found = proposed_of("culture_amp", ["", *header], [["7", *row] for row in rows], SAMPLES / "culture_amp.csv")
    assert found.wide["row_num"].to_list() == [1, 1, 2, 3, 3, 3], "no key results beyond those of the header"


def test_a_row_that_may_be_meant_is_rejected_and_not_left_out() -> None:
    header, rows = content("viva_goals")
    rows[1][header.index("Target Value")] = "4OO"
    rows[2] = rows[2][:5]
    found = proposed_of("viva_goals", header, rows, SAMPLES / "viva_goals.csv")
    assert [(one.row_num, one.reasons[0]) for one in found.rejected] == [
        (2, "not_a_number:target"),
        (3, "too_few_cells"),
    ]
    assert (found.left_out, found.wide.height) == (2, 1)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("only: target IS", "only: tagret IS"), "rows.only: "),
        (("only: target IS NOT NULL", "only: target = MAX(target)"), "rows.only: MAX looks at other rows"),
        (("only: target IS NOT NULL", "only: target"), "rows.only: must be true or false"),
    ],
)
def test_an_expression_for_the_rows_is_checked_when_the_mapping_is_read(
    tmp_path: Path, edit: tuple[str, str], said: str
) -> None:
    text = (repository() / "configs" / "sources" / "viva_goals.yaml").read_text(encoding="utf-8")
    file = tmp_path / "viva_goals.yaml"
    file.write_text(text.replace(*edit))
    loaded = load_mapping(file)
    assert isinstance(loaded, Mapping)
    assert any(line.startswith(said) for line in trouble(loaded)), trouble(loaded)


def test_a_choice_among_rows_and_several_check_ins_of_one_are_not_for_one_mapping(tmp_path: Path) -> None:
    text = (repository() / "configs" / "sources" / "culture_amp.yaml").read_text(encoding="utf-8")
    file = tmp_path / "culture_amp.yaml"
    file.write_text(text + "choose: { per: [owner], most: done }\n")
    loaded = load_mapping(file)
    assert isinstance(loaded, list)
    assert "use one of both" in str(loaded[0])
