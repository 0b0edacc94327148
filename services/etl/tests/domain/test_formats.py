"""The documented export formats: each sample is read by its mapping, cell by cell as worked out by hand."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from okr_common.paths import repository
from okr_common.sources import Mapping, load_mapping, load_sources
from okr_common.sources.draft import drafted
from okr_common.sources.language import PeriodBlock
from okr_etl.domain.batch import propose
from okr_etl.domain.check import trouble
from okr_etl.domain.people import hidden
from okr_etl.domain.periods import periods as periods_of
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
        {
            "key_result.direction": "stay_below",
            "check_in.value": 26.5,
            "check_in.progress": 0.0,
            "key_result.unit": "hours",
        },
        {"key_result.metric_kind": "boolean", "outcome.is_final": True, "outcome.resolution": "achieved"},  # final: ja
        {
            "key_result.title": "Savings, all teams",
            "key_result.baseline": -5000.0,  # (5,000)
            "key_result.target": 12_500.0,  # €12,500
            "check_in.value": -5000.0,  # -5'000
            "check_in.status": "not_started",
        },
        {
            "key_result.direction": "none",
            "key_result.target": None,
            "check_in.progress": None,
            "check_in.status": "paused",
        },
        {
            "key_result.start_on": date(2024, 2, 29),
            "key_result.target": 2000.0,  # 2k
            "check_in.value": 1500.0,
            "outcome.is_final": True,  # final: x
            "outcome.resolution": "partial",
        },
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
        {"key_result.start_on": date(2026, 1, 15), "check_in.progress": 1.2, "check_in.status": "achieved"},
        {
            "key_result.unit": "USD",
            "key_result.direction": "decrease",
            "key_result.baseline": 1050.5,
            "check_in.value": -50.0,  # ($50)
            "key_result.due_on": date(2026, 6, 30),
        },
        {"key_result.baseline": 12.0, "key_result.target": 40.0, "check_in.value": None, "check_in.progress": None},
        {
            "key_result.title": 'Fewer tickets, "no excuses"',
            "key_result.start_on": date(2024, 2, 29),
            "check_in.value": 1020.0,  # 1 020
            "check_in.progress": pytest.approx(-120 / 450),
        },
        {"objective.title": "Q2 2026", "key_result.unit": "%", "check_in.value": 100.0, "check_in.progress": 1.0},
        {"key_result.source_id": "G-10", "departments": "Growth; People", "check_in.status": "off_track"},
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
        {
            "key_result.title": "Renew contracts, all of them",
            "check_in.value": 0.0,
            "key_result.due_on": date(2026, 12, 31),
        },
        {
            "key_result.metric_kind": "milestone",
            "key_result.description": 'Report "B"',
            "key_result.due_on": date(2026, 2, 28),
            "check_in.progress": 1.0,
        },
        # the same name by the same owner, begun later
        {"key_result.source_id": "ada@example.com/Grow in Europe/2026-04-01", "check_in.progress": 0.125},
        {"check_in.value": -5.0, "check_in.progress": -0.05},
        {"check_in.value": 66.0, "check_in.progress": 0.66},  # 66 %
        {"key_result.start_on": date(2024, 2, 29), "check_in.value": 50.0, "categories": None},
        {
            "objective.title": "åse@example.com",
            "key_result.title": "Ørsted møte",
            "key_result.description": '=HYPERLINK("x")',
            "check_in.value": 33.3,
        },
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
        {
            "row_num": 4,
            "objective.title": "Answer, always",
            "key_result.title": "Within a day",
            "key_result.start_on": date(2026, 1, 5),  # 2026-01-05 08:30:00
            "check_in.value": 0.05,
            "check_in.status": "not_started",
        },
        {"row_num": 4, "key_result.title": "Within an hour", "check_in.value": 0.0, "check_in.as_of": TODAY},
        # as Bob's, and another one
        {"row_num": 5, "key_result.source_id": "ada@example.com/Ship faster/Release weekly", "check_in.progress": 0.5},
        {"row_num": 5, "key_result.title": "Two weeks' notice", "key_result.start_on": date(2024, 2, 29)},
        {"row_num": 5, "key_result.title": "No rollbacks", "check_in.value": 1.0, "priority": None},
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
        {
            "row_num": 8,
            "key_result.direction": "decrease",
            "check_in.progress": pytest.approx(10 / 9),
            "check_in.status": "achieved",  # Done
            "teams": "Alpha; Beta",
        },
        {
            "row_num": 9,
            "key_result.title": "Audits, passed",
            "key_result.description": 'Report "B"',
            "key_result.start_on": date(2026, 2, 28),
            "key_result.due_on": date(2026, 6, 30),  # 2026-H1
            "key_result.owner": None,
            "check_in.status": "on_track",  # ON TRACK
        },
        {
            "row_num": 10,
            "key_result.start_on": date(2026, 1, 1),  # FY26
            "key_result.due_on": date(2026, 6, 30),
            "key_result.target": 1_200_000.0,  # $1.2M
            "check_in.value": 12_500.5,
            "check_in.status": "dropped",  # Cancelled
        },
        {"row_num": 11, "objective.title": "Earn trust", "check_in.progress": pytest.approx(-1 / 3)},  # 3.10 is below 3
        {"row_num": 12, "key_result.baseline": -10.0, "check_in.value": None, "check_in.status": "at_risk"},  # at Risk
        {
            "row_num": 14,
            "objective.title": "Nobody's",  # 4 is the parent of 4.1, whatever its type
            "key_result.baseline": 5.0,
            "check_in.progress": pytest.approx(4 / 3),
            "key_result.due_on": date(2025, 12, 31),
        },
        {
            "row_num": 15,
            "key_result.title": "Partners, signed",  # KEY RESULT
            "key_result.start_on": date(2026, 12, 24),
            "check_in.progress": 1.0,
            "check_in.status": None,
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
        {"row_num": 6, "objective.title": "Be known", "check_in.value": 95.0, "check_in.status": "achieved"},  # Closed
        {
            "row_num": 7,
            "objective.title": "H1 2026",
            "key_result.target": -500.0,  # ($500)
            "check_in.value": 4750.0,
            "check_in.progress": 0.5,
            "key_result.due_on": date(2026, 6, 30),
        },
        {
            "row_num": 8,
            "key_result.title": 'Launch "Vienna"',
            "key_result.start_on": date(2024, 2, 29),
            "check_in.value": None,
            "check_in.status": "not_started",
        },
        {"row_num": 10, "check_in.value": 12.5, "check_in.progress": 1.25, "entity": "People"},
        {
            "row_num": 11,
            "key_result.direction": "decrease",
            "key_result.baseline": 1200.0,  # 1.2k
            "check_in.value": 1150.0,  # 1 150
            "check_in.progress": pytest.approx(50 / 600),
        },
        # nothing to move, and no word
        {"row_num": 12, "key_result.baseline": 9000.0, "check_in.progress": 0.0, "check_in.status": None},
        {
            "row_num": 13,
            "objective.title": "Be known",
            "key_result.due_on": date(2026, 6, 30),
            "check_in.progress": 0.4,
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
        {"objective.title": "Grow, everywhere", "check_in.progress": 0.0, "check_in.status": "at_risk", "team_size": 1},
        {
            "key_result.start_on": date(2024, 2, 29),
            "check_in.progress": pytest.approx(0.999),
            "check_in.status": "off_track",  # Delayed
            "team_size": 1000,
            "budget": 10_000_000.0,
        },
        {
            "check_in.value": 12.0,
            "check_in.status": "dropped",
            "priority": None,
            "effort_hours": None,
        },  # 12 %, Cancelled
        {"key_result.due_on": date(2026, 1, 1), "check_in.value": 33.333, "budget": 1000.0},  # in a day; 1e3
        {"key_result.title": 'Say "sorry" less', "check_in.status": "on_track", "budget": 500.25},  # ON_TRACK
        {"check_in.status": None, "check_in.status_raw": "Unheard of", "check_in.progress": 0.75},
        {
            "key_result.title": "Überstunden senken",
            "check_in.value": 100.0,
            "check_in.status": "achieved",
            "budget": None,
        },
    ],
    "oslo": [
        {
            "objective.title": "KPIs 2025",
            "key_result.source_id": "oslo/2025",
            "key_result.title": "oslo",
            "key_result.direction": "none",
            "key_result.due_on": date(2025, 12, 31),
            "check_in.as_of": date(2025, 11, 3),
            "check_in.value": 1180.0,
            "check_in.progress": None,
            "outcome.is_final": False,
        },
        {"check_in.value": 1204.5, "check_in.comment": "Flere brukere, også i helgene"},
        {"key_result.source_id": "oslo/2025", "check_in.as_of": date(2025, 12, 31)},
        {
            "key_result.source_id": "oslo/2026",
            "check_in.value": 0.0,
            "check_in.comment": 'Teller nullstilt, sa "drift"',
        },
        {"check_in.value": 0.25, "key_result.target": None},
        {"check_in.value": -3.0, "check_in.comment": "Korrigert\netter revisjon"},
        {"check_in.value": None, "check_in.comment": "Ingen måling"},
        {"check_in.value": 1e21, "check_in.comment": None},
        {"check_in.value": 1300.0, "check_in.comment": "=SUM(A1:A2)"},
        {"check_in.value": 1310.75, "check_in.source_id": "oslo/2026-02-28"},
        {"check_in.as_of": date(2028, 2, 29), "key_result.start_on": date(2028, 1, 1), "check_in.comment": "Skuddår"},
    ],
}


REJECTED = {"appfire_okr": [(13, ("missing_value:goal",))]}
"""A key result at the top of the tree has no objective."""
PENDING = {"viva_goals": [(9, "99")]}
"""No row 99 has come."""


@pytest.mark.parametrize("source", GOLDEN)
def test_each_row_of_a_sample(source: str) -> None:
    header, rows = content(source)
    found = proposed_of(source, header, rows, SAMPLES / f"{source}.csv")
    assert [(one.row_num, one.reasons) for one in found.rejected] == REJECTED.get(source, [])
    assert list(found.pending.iter_rows()) == PENDING.get(source, [])
    assert len(GOLDEN[source]) >= 10
    for cells, row in zip(GOLDEN[source], found.wide.iter_rows(named=True), strict=True):
        assert {name: row[name] for name in cells} == cells


@pytest.mark.parametrize("source", GOLDEN)
def test_a_sample_is_recognised_by_its_header_alone(source: str) -> None:
    header, _ = content(source)
    sources = load_sources(repository() / "configs" / "sources")
    assert sources.recognise("anywhere/export.csv", header).source == source
    assert trouble(shipped(source)) == []


def content(source: str, first: int | None = None) -> tuple[list[str], list[list[str]]]:
    """Header and rows, of a test that edits them the first few."""
    text = (SAMPLES / f"{source}.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return header, rows[:first]


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
        seen[source] = {one for owners in wide["owner"].drop_nulls() for one in owners.split("; ")}
        assert "example.com" not in wide.write_json()
    ada, bob = (hidden(f"{name}@example.com", b"a key of sixteen") for name in ("ada", "bob"))
    assert all({ada, bob} <= people for people in seen.values())


LEFT_OUT = {"appfire_okr": 4, "viva_goals": 2}


@pytest.mark.parametrize("source", GOLDEN)
def test_every_row_of_a_sample_is_counted_once(source: str) -> None:
    header, rows = content(source)
    memory = MemorySource(shipped(source), header)
    counts = memory.load(rows).counts
    assert sum(counts.values()) == len(rows)
    assert counts["unchanged"] == LEFT_OUT.get(source, 0)
    again = memory.load(rows).counts
    stays = {name: counts[name] for name in ("rejected", "pending")}
    assert {name: again[name] for name in stays} == stays
    assert again["unchanged"] == len(rows) - sum(stays.values())


def test_a_figure_out_of_range_and_a_wide_row_with_one_bad_part_are_rejected_whole() -> None:
    header, rows = content("legacy_okr", 3)
    rows[0][header.index("pct")] = "145"
    rows[1][header.index("team")] = "0"
    found = proposed_of("legacy_okr", header, rows, SAMPLES / "legacy_okr.csv")
    assert [one.reasons for one in found.rejected] == [("out_of_range:progress",), ("out_of_range:team_size",)]
    assert found.rejected[0].detail == {"out_of_range:progress": 'progress reads "145", outside of 0 to 100'}
    header, rows = content("culture_amp", 3)
    rows[2][header.index("key_result_1_completion")] = "7"
    rows[2][header.index("key_result_3_completion")] = "much"
    found = proposed_of("culture_amp", header, rows, SAMPLES / "culture_amp.csv")
    assert [(one.row_num, one.reasons) for one in found.rejected] == [(3, ("out_of_range:done", "not_a_number:done"))]
    assert found.wide["row_num"].to_list() == [1, 1, 2]


def test_a_column_that_the_header_lacks_is_blank_and_reads_no_other_cell() -> None:
    header, rows = content("legacy_okr", 3)
    shown = ["", *header, "prio"]  # as pandas writes its index; and a name that stands twice
    found = proposed_of("legacy_okr", shown, [["77", *row, "again"] for row in rows], SAMPLES / "legacy_okr.csv")
    assert found.rejected == []
    assert found.wide["timeline_days"].to_list() == [None] * 3
    assert found.wide["priority"].to_list() == ["High", "Medium", "Low"], "the first of two"
    header, rows = content("culture_amp", 3)
    found = proposed_of("culture_amp", ["", *header], [["7", *row] for row in rows], SAMPLES / "culture_amp.csv")
    assert found.wide["row_num"].to_list() == [1, 1, 2, 3, 3, 3], "no key results beyond those of the header"


def test_a_row_that_may_be_meant_is_rejected_and_not_left_out() -> None:
    header, rows = content("viva_goals", 5)
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


def edges(source: str, entity: str) -> dict[int, tuple[str | None, list[str], float | None]]:
    """Of each row of a sample: by which key its goal is known, the keys of those above it, and the weight."""
    header, rows = content(source)
    found = proposed_of(source, header, rows, SAMPLES / f"{source}.csv").wide
    told = found.select("row_num", f"{entity}.alignment").iter_rows()
    return {row: (one["key"], one["parents"], one["weight"]) for row, one in told}


def test_what_goals_contribute_to() -> None:
    viva = edges("viva_goals", "key_result")
    assert viva[3] == ("3", ["1", "4"], None), "of two parents both"
    assert viva[5] == ("5", [], None)
    assert edges("viva_goals", "objective")[2] == ("1", [], None), "the goal above row 2 is row 1, and nobody's"
    appfire = edges("appfire_okr", "key_result")
    assert appfire[2] == ("1.1", ["1"], 0.5)
    assert edges("appfire_okr", "objective")[6] == ("2.1", ["2"], None), "an objective below another one"
    assert edges("peoplebox", "key_result")[5] == ("5", ["2"], None)


@pytest.mark.parametrize(
    ("source", "periods"),
    [
        (
            "viva_goals",
            {
                ("H1 2026", "half", date(2026, 1, 1), date(2026, 6, 30)),
                ("Q1 2026", "quarter", date(2026, 1, 1), date(2026, 3, 31)),
                ("Q2 2026", "quarter", date(2026, 4, 1), date(2026, 6, 30)),
            },
        ),
        (
            "appfire_okr",
            {
                ("Q3 Y2025", "quarter", date(2025, 7, 1), date(2025, 9, 30)),
                ("Q4 Y2025", "quarter", date(2025, 10, 1), date(2025, 12, 31)),
                ("Q1 Y2026", "quarter", date(2026, 1, 1), date(2026, 3, 31)),
            },
        ),
        (
            "peoplebox",
            {
                ("H1 2026", "half", date(2026, 1, 1), date(2026, 6, 30)),
                ("Q1 2026", "quarter", date(2026, 1, 1), date(2026, 3, 31)),
                ("Q2 2026", "quarter", date(2026, 4, 1), date(2026, 6, 30)),
            },
        ),
    ],
)
def test_the_periods_of_a_sample(source: str, periods: set[tuple[object, ...]]) -> None:
    header, rows = content(source)
    found = proposed_of(source, header, rows, SAMPLES / f"{source}.csv").wide
    told = periods_of(found, shipped(source), source)
    assert set(told.select("label", "kind", "start_on", "end_on").iter_rows()) == periods


def test_a_file_whose_rows_give_the_days_of_a_period_is_read_whole() -> None:
    """The widest span is that of all its rows, also of those that the file before had."""
    mapping = shipped("mta_nyct")
    assert mapping.row_by_row

    def with_period(**days: str) -> Mapping:
        objective = mapping.entities.objective.model_copy(update={"period": PeriodBlock(label="agency", **days)})
        entities = mapping.entities.model_copy(update={"objective": objective})
        return mapping.model_copy(update={"entities": entities})

    assert with_period().row_by_row
    assert not with_period(start_on="as_of").row_by_row
    assert not with_period(end_on="as_of").row_by_row


@pytest.mark.parametrize("source", [one for one in GOLDEN if one not in {"viva_goals", "appfire_okr", "peoplebox"}])
def test_a_source_that_says_nothing_of_it_has_the_payloads_it_had(source: str) -> None:
    header, rows = content(source)
    found = proposed_of(source, header, rows, SAMPLES / f"{source}.csv").candidates
    assert not [text for text in found["payload"] if '"alignment"' in text or '"period"' in text]


def test_the_draft_of_a_wide_export_reads_each_key_result_as_the_shipped_mapping_does(tmp_path: Path) -> None:
    with (SAMPLES / "culture_amp.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    (tmp_path / "amp.yaml").write_text(drafted("amp", header, rows), encoding="utf-8")
    mapping = load_mapping(tmp_path / "amp.yaml")
    assert isinstance(mapping, Mapping)
    assert trouble(mapping) == []
    told = ["objective.title", "key_result.title", "check_in.value"]
    found, wanted = (propose(raw_batch(rows, header, one.name), one).wide for one in (mapping, shipped("culture_amp")))
    assert found.select(told).fill_null(0.0).rows() == wanted.select(told).rows(), "a blank is none done there"
    assert found.height > len(rows)


def test_the_draft_of_an_outline_reads_what_each_row_stands_below(tmp_path: Path) -> None:
    rows = [
        "Grow,ada,,",
        "  Signups,,2026-06-30,400",
        "    Of shops,,2026-06-30,30",
        "Ship,bob,,",
        "  Weekly,,2026-06-30,12",
    ]
    header, *cells = csv.reader(["Title,Owner,Due,Target", *rows])
    (tmp_path / "outline.yaml").write_text(drafted("outline", header, cells), encoding="utf-8")
    mapping = load_mapping(tmp_path / "outline.yaml")
    assert isinstance(mapping, Mapping)
    assert trouble(mapping) == []
    source = MemorySource(mapping, header)
    source.load(cells)
    found = source.proposed[-1].wide.select("objective.title", "key_result.title", "key_result.target").rows()
    assert found == [("Grow", "Signups", 400.0), ("Signups", "Of shops", 30.0), ("Ship", "Weekly", 12.0)]
