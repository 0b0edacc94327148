"""The documented answers of five goal tools: each record of a sample is read by its mapping, as worked out by hand."""

import json
from datetime import UTC, date, datetime
from typing import Any

import jmespath
import pytest

from okr_common.paths import repository
from okr_etl.domain.batch import Proposed, propose
from okr_etl.domain.check import trouble
from okr_etl.domain.periods import periods as periods_of
from okr_etl.testing import INGESTED_AT, MemorySource, raw_batch
from okr_etl.testing.shipped import shipped

SAMPLES = repository() / "samples" / "formats"
TODAY = INGESTED_AT.date()
QUARTER = (date(2026, 1, 1), date(2026, 3, 31))
ROWS = {"asana_goals": 13, "gitlab_work_items": 12, "lattice": 13, "quantive": 6, "tability": 8}
LEFT_OUT = {"asana_goals": 1, "gitlab_work_items": 1, "lattice": 2, "quantive": 2, "tability": 1}
"""Records that hold no key result, or none that anybody means to reach."""
REJECTED: dict[str, list[tuple[int, set[str]]]] = {
    "asana_goals": [(13, {"missing_value:start_on", "missing_value:due_on"})],
    "gitlab_work_items": [(10, {"missing_value:due_on"})],
    "lattice": [(11, {"missing_value:due_on"})],
    "quantive": [],
    "tability": [(7, {f"missing_value:{name}" for name in ("plan", "goal", "start", "finish")})],
}
GOLDEN: dict[str, list[dict[str, Any]]] = {
    "asana_goals": [
        {
            "row_num": 2,
            "objective.source_id": "9001",
            "objective.title": "Q1 FY26",
            "objective.due_on": date(2026, 3, 31),
            "key_result.source_id": "1002",
            "key_result.title": "Paying customers",
            "key_result.description": "As billing counts them.\nAsk @Ada before changing.",
            "key_result.metric_kind": "number",
            "key_result.unit": None,
            "key_result.owner": "501",
            "key_result.start_on": date(2026, 1, 1),
            "key_result.due_on": date(2026, 3, 31),
            "check_in.source_id": "1002/2026-01-01",
            "check_in.as_of": TODAY,
            "check_in.recorded_at": None,
            "check_in.progress": 80 / 300,
            "check_in.status": "on_track",  # green
            "check_in.status_raw": "green",
            "outcome.is_final": False,
        },
        {  # fractions: 0.05, 0.03, 0.034
            "key_result.direction": "decrease",
            "key_result.unit": "%",
            "key_result.baseline": 5.0,
            "key_result.target": 3.0,
            "check_in.value": 3.4,
            "check_in.progress": pytest.approx(0.8),
            "check_in.status": "at_risk",  # yellow; the update says it, too
        },
        {
            "key_result.metric_kind": "currency",
            "key_result.unit": "EUR",
            "key_result.target": 1_200_000.0,
            "check_in.value": 250_000.5,
            "check_in.status": "off_track",  # red
            "team": None,
            "progress_source": "external",
        },
        {
            "objective.source_id": "none",
            "objective.title": "No time period",
            "key_result.owner": None,
            "check_in.value": 7.0,  # 0.07, without 7.000000000000001
            "check_in.status": None,
        },
        {
            "check_in.status": "achieved",
            "outcome.is_final": True,
            "outcome.resolution": "achieved",  # 21 of 20
            "outcome.held_from": datetime(2026, 3, 30, tzinfo=UTC),  # the update that closed it
        },
        {
            "check_in.status": "partial",
            "outcome.resolution": "partial",  # 40 of 50
            "outcome.held_from": INGESTED_AT,  # its last update is older than its end
        },
        {"check_in.status": "missed", "outcome.is_final": True, "outcome.resolution": "missed"},
        {"row_num": 9, "check_in.status": "dropped", "outcome.is_final": False},
        {"check_in.value": None, "key_result.start_on": QUARTER[0], "key_result.due_on": QUARTER[1]},  # its period's
        {
            "key_result.start_on": date(2026, 1, 1),  # its period's
            "key_result.due_on": date(2026, 2, 28),  # its own
            "check_in.status": "paused",  # on_hold, said by its update alone
            "check_in.status_raw": "on_hold",
        },
        {"key_result.baseline": -10.0, "check_in.progress": pytest.approx(-2.5 / 45)},
    ],
    "gitlab_work_items": [
        {
            "row_num": 2,
            "objective.source_id": "gid://gitlab/WorkItem/40",
            "objective.title": "Grow in Europe",
            "key_result.source_id": "gid://gitlab/WorkItem/41",
            "key_result.description": "As billing counts them. /cc @ada @bob",
            "key_result.owner": "ada",
            "key_result.metric_kind": "number",
            "key_result.unit": None,
            "key_result.start_on": date(2026, 1, 1),
            "key_result.due_on": date(2026, 3, 31),
            "check_in.as_of": date(2026, 2, 27),
            "check_in.recorded_at": datetime(2026, 2, 27, 10, 30, tzinfo=UTC),
            "check_in.value": 180.0,
            "check_in.progress": 80 / 300,
            "check_in.status": "on_track",
            "outcome.is_final": False,
        },
        {
            "key_result.owner": "bob",  # the first of two
            "key_result.direction": "decrease",
            "check_in.progress": 0.4,
            "check_in.status": "at_risk",
            "check_in.status_raw": "needsAttention",
        },
        {
            "key_result.owner": None,
            "key_result.metric_kind": "percentage",
            "key_result.unit": "%",
            "key_result.target": 100.0,
            "check_in.value": 25.0,
            "check_in.status": "off_track",  # at risk, the worst word here
        },
        {"objective.title": "Release weekly", "key_result.start_on": date(2025, 12, 18)},  # nobody above; created then
        {
            "check_in.as_of": date(2026, 3, 20),
            "check_in.recorded_at": datetime(2026, 3, 21, 7, tzinfo=UTC),
            "outcome.is_final": True,
            "outcome.resolution": "achieved",
            "outcome.held_from": datetime(2026, 3, 20, tzinfo=UTC),
        },
        {
            "check_in.as_of": date(2026, 4, 1),  # no day of its progress
            "outcome.resolution": "missed",  # 20 of 50
            "outcome.held_from": datetime(2026, 4, 1, tzinfo=UTC),  # closed, and nobody says when
        },
        {"check_in.value": 0.0, "check_in.status": None},
        {
            "row_num": 9,
            "objective.title": "Availability",  # without the widget that tells what is above
            "key_result.owner": None,
            "check_in.progress": pytest.approx(0.5),
            "check_in.status": None,
        },
        {"row_num": 11, "check_in.progress": pytest.approx(-2.5 / 45)},
        {
            "key_result.description": None,
            "check_in.value": 80.0,  # the 8 of nowhere to nowhere is not read
            "check_in.as_of": date(2026, 1, 31),
        },
    ],
    "lattice": [
        {
            "row_num": 2,
            "objective.source_id": "goal_01",
            "objective.title": "Lattice goal goal_01",
            "key_result.source_id": "goal_02",
            "key_result.description": "New and extended contracts; ask @Ada.",
            "key_result.metric_kind": "percentage",
            "key_result.unit": "%",
            "key_result.target": 20.0,
            "key_result.owner": None,
            "key_result.start_on": date(2026, 1, 1),
            "key_result.due_on": date(2026, 3, 31),
            "check_in.as_of": date(2026, 2, 20),
            "check_in.recorded_at": datetime(2026, 2, 20, 9, tzinfo=UTC),  # 1771578000
            "check_in.progress": 0.625,
            "check_in.status": "on_track",
            "outcome.is_final": False,
            "level": "Company",
        },
        {
            "key_result.metric_kind": "currency",
            "key_result.unit": "USD",
            "check_in.value": 2500.75,
            "check_in.status": "at_risk",  # Progressing is yellow
            "check_in.status_raw": "Progressing",
        },
        {"key_result.direction": "decrease", "check_in.progress": 11 / 15, "check_in.status": "off_track"},
        {
            "key_result.metric_kind": "boolean",
            "key_result.baseline": 0.0,
            "key_result.target": 1.0,
            "check_in.value": None,
            "check_in.status": "not_started",  # NotUpdated
            "outcome.is_final": False,
        },
        {
            "check_in.recorded_at": datetime(2026, 4, 2, 9, tzinfo=UTC),
            "outcome.is_final": True,
            "outcome.resolution": "achieved",  # 21 of 20
            "outcome.held_from": datetime(2026, 4, 2, tzinfo=UTC),
        },
        {"row_num": 7, "outcome.resolution": "missed", "outcome.is_final": True},
        {"check_in.status": "dropped", "check_in.status_raw": "Progressing", "outcome.is_final": False},  # archived
        {
            "row_num": 10,  # the draft before it is left out
            "objective.source_id": "goal_10",
            "objective.title": "Answer every review",  # nobody above it
            "key_result.start_on": date(2025, 12, 1),
            "check_in.value": None,
        },
        {"key_result.baseline": None, "key_result.target": None, "check_in.value": 7.5, "check_in.progress": None},
        {"key_result.baseline": -10.0, "check_in.value": -12.5, "check_in.status": "off_track"},
    ],
    "quantive": [
        {
            "row_num": 1,
            "objective.source_id": "65b000000000000000000001",
            "objective.title": "Grow in Europe",
            "objective.description": "With @Ada Example and her team",
            "key_result.source_id": "65a000000000000000000001",
            "key_result.title": "Paying customers",
            "key_result.owner": "64b000000000000000000001",
            "key_result.start_on": date(2026, 1, 1),
            "key_result.due_on": date(2026, 3, 31),  # 23:59:59
            "check_in.source_id": "65a000000000000000000001/2026-01-01",
            "check_in.as_of": TODAY,
            "check_in.progress": 80 / 300,
            "check_in.confidence": 0.7,
            "check_in.comment": "Two large ones are near. @Bob knows more.",
            "check_in.status": None,
        },
        {"row_num": 1, "key_result.direction": "decrease", "check_in.progress": 0.4, "check_in.comment": None},
        {
            "row_num": 1,
            "key_result.direction": "stay_above",
            "key_result.inclusive": False,
            "check_in.value": 99.9,
            "check_in.progress": 0.0,  # on the target is not above it
            "check_in.confidence": None,
        },
        {"row_num": 2, "key_result.direction": "stay_below", "check_in.progress": 1.0},
        {"row_num": 2, "check_in.progress": 1.25, "check_in.confidence": 1.0},
        {"row_num": 2, "check_in.progress": pytest.approx(-2.5 / 45), "check_in.confidence": 0.0},
        {"row_num": 5, "key_result.due_on": date(2025, 12, 31), "check_in.progress": 1.0, "outcome.is_final": False},
        {"row_num": 5, "check_in.value": None, "check_in.progress": None},
        {"row_num": 6, "key_result.description": "From merge to customer", "check_in.progress": 0.0},
        {"row_num": 6, "check_in.progress": 0.0},  # from 1 to 1 there is no way
        {"row_num": 6, "key_result.target": None, "check_in.value": 3.0, "check_in.progress": None},
    ],
    "tability": [
        {
            "row_num": 1,
            "objective.title": "Company OKRs 2026 Q1",
            "key_result.source_id": "0c000000-0001",
            "key_result.metric_kind": "number",
            "key_result.due_on": date(2026, 3, 31),
            "check_in.source_id": "c0ffee00-0001",
            "check_in.as_of": date(2026, 1, 12),
            "check_in.recorded_at": datetime(2026, 1, 12, 9, 30, tzinfo=UTC),
            "check_in.value": 30.0,
            "check_in.status": "on_track",
            "check_in.comment": "A good start, thanks to @Ada Example",
        },
        {"row_num": 1, "check_in.value": 35.0, "check_in.status": "at_risk"},  # posted as 5 more
        {
            "check_in.as_of": date(2026, 1, 26),
            "check_in.recorded_at": datetime(2026, 1, 28, 16, tzinfo=UTC),  # two days later
            "check_in.value": 34.5,
            "check_in.status": "off_track",
        },
        {"check_in.progress": 0.75, "check_in.status": None, "check_in.status_raw": None},
        {
            "row_num": 2,
            "key_result.metric_kind": "percentage",
            "key_result.unit": "%",
            "key_result.direction": "decrease",
            "check_in.progress": pytest.approx(-0.1),  # worse than at the start
        },
        {"check_in.value": 3.4, "check_in.progress": pytest.approx(0.8)},
        {"check_in.progress": pytest.approx(1.05), "check_in.comment": "Done, and to stay"},
        {"row_num": 4, "check_in.value": 0.0, "check_in.status": "at_risk"},
        {"row_num": 4, "check_in.status": "dropped", "check_in.status_raw": "red"},  # archived, said by the newest
        {"row_num": 5, "key_result.unit": "$", "check_in.progress": pytest.approx(0.4), "check_in.status": "at_risk"},
        {"row_num": 5, "check_in.value": 1_310_000.0, "check_in.status": "achieved"},
        {"row_num": 6, "key_result.target": None, "key_result.direction": "increase", "check_in.progress": None},
        {"row_num": 8, "check_in.value": None, "check_in.comment": "Figures come on Friday"},
        {"row_num": 8, "check_in.value": 2.0, "key_result.owner": "3e000000-0001"},
    ],
}


@pytest.mark.parametrize("source", GOLDEN)
def test_each_record_of_a_sample(source: str) -> None:
    assert trouble(shipped(source)) == []
    found = read(source, records(source))
    assert [(one.row_num, set(one.reasons)) for one in found.rejected] == REJECTED[source]
    for cells, row in zip(GOLDEN[source], found.wide.iter_rows(named=True), strict=True):
        assert {name: row[name] for name in cells} == cells


@pytest.mark.parametrize("source", GOLDEN)
def test_every_record_of_a_sample_is_counted_once(source: str) -> None:
    wanted = records(source)
    memory = MemorySource(shipped(source), [])
    counts = memory.load(wanted).counts
    assert sum(counts.values()) == len(wanted) == ROWS[source]
    assert (counts["unchanged"], counts["rejected"]) == (LEFT_OUT[source], len(REJECTED[source]))
    again = memory.load(wanted).counts
    assert again["unchanged"] + again["rejected"] == len(wanted)


@pytest.mark.parametrize(
    ("source", "edit", "told"),
    [
        ("asana_goals", {"status": "blue"}, 'status reads "blue"; the mapping knows green, yellow, red'),
        ("lattice", {"status": "Perhaps"}, "the mapping knows NotUpdated, OnTrack, Progressing, OffTrack"),
        ("lattice", {"amountType": "Euro"}, "the mapping knows Percent, Dollar, Digit, Binary"),
        ("gitlab_work_items", {"widgets": [{"type": "HEALTH_STATUS", "healthStatus": "fine"}]}, "knows onTrack"),
        ("quantive", {"metrics": [{"id": "1", "targetOperator": "near"}]}, "the mapping knows increase, decrease"),
        ("tability", {"checkins": [{"id": "1", "confidence": "grey"}]}, "the mapping knows green, yellow, red"),
    ],
)
def test_an_unknown_word_is_a_rejection_that_names_the_known_ones(
    source: str, edit: dict[str, object], told: str
) -> None:
    one = next(one for one in records(source) if read(source, [one]).wide.height)
    (rejected,) = read(source, [one | edit]).rejected
    assert any(told in sentence for sentence in rejected.detail.values()), rejected.detail
    assert any(reason.startswith("unknown_word:") for reason in rejected.reasons)


ABOVE: dict[str, dict[int, tuple[str, list[str]]]] = {
    "lattice": {
        2: ("goal_02", ["goal_01"]),
        3: ("goal_03", ["goal_01"]),  # of a department
        5: ("goal_05", ["goal_01"]),  # yes or no, and of one person
        7: ("goal_07", ["goal_01"]),  # ended
        8: ("goal_08", ["goal_01"]),  # archived
        10: ("goal_10", []),  # nobody above it
        13: ("goal_13", ["goal_01"]),
    },
    "gitlab_work_items": {
        2: ("gid://gitlab/WorkItem/41", ["gid://gitlab/WorkItem/40"]),
        5: ("gid://gitlab/WorkItem/44", []),  # the widget tells of nobody above
        6: ("gid://gitlab/WorkItem/45", ["gid://gitlab/WorkItem/40"]),  # closed
        9: ("gid://gitlab/WorkItem/48", []),  # without the widget
        12: ("gid://gitlab/WorkItem/51", ["gid://gitlab/WorkItem/40"]),
    },
}


@pytest.mark.parametrize("source", ABOVE)
def test_what_the_goals_of_a_sample_contribute_to(source: str) -> None:
    wide = read(source, records(source)).wide.rows_by_key("row_num", named=True, unique=True)
    for row, (key, above) in ABOVE[source].items():
        told, objective = wide[row]["key_result.alignment"], wide[row]["objective.alignment"]
        assert (told["key"], told["parents"], told["kind"], told["weight"]) == (key, above, "contributes", None)
        assert (objective["key"], objective["parents"]) == (above[0] if above else key, []), "the list tells no more"


@pytest.mark.parametrize(
    ("source", "periods"),
    [
        ("asana_goals", {("Q1 FY26", "quarter", *QUARTER)}),
        (
            "quantive",
            {
                ("65c000000000000000000000", "other", date(2025, 10, 1), date(2025, 12, 31)),
                ("65c000000000000000000001", "other", *QUARTER),
            },
        ),
        ("tability", {("Company OKRs 2026 Q1", "other", *QUARTER)}),
        ("lattice", set()),
        ("gitlab_work_items", set()),
    ],
)
def test_the_periods_of_a_sample(source: str, periods: set[tuple[object, ...]]) -> None:
    told = periods_of(read(source, records(source)).wide, shipped(source), source)
    assert (
        set(told.select("label", "kind", "start_on", "end_on").iter_rows()) == periods if periods else told.is_empty()
    )


def test_a_check_in_more_is_the_only_news_of_its_outcome() -> None:
    outcome = records("tability")[0]
    memory = MemorySource(shipped("tability"), [])
    memory.load([outcome])
    more = outcome["checkins"][-1] | {"id": "c0ffee00-9999", "checkin_date": "2026-02-09T00:00:00.000Z", "score": 99.0}
    news = memory.load([outcome | {"checkins": [*outcome["checkins"], more]}]).published
    assert news.select("entity", "revision").rows() == [("check_in", 1)]
    assert json.loads(news["payload"][0])["value"] == 99.0


def test_an_outcome_that_is_archived_takes_nothing_back_of_what_its_check_ins_said() -> None:
    outcome = records("tability")[3]
    memory = MemorySource(shipped("tability"), [])
    memory.load([outcome | {"archived": False}])
    news = memory.load([outcome]).published
    assert news.select("entity", "revision").rows() == [("check_in", 2)]
    assert json.loads(news["payload"][0])["status"] == "dropped"


def read(source: str, found: list[Any]) -> Proposed:
    return propose(raw_batch(found, [], source), shipped(source))


def records(source: str) -> list[dict[str, Any]]:
    """Of all pages of a sample, in order."""
    api = shipped(source).api
    assert api is not None
    pages = sorted(SAMPLES.glob(f"{source}_[0-9].json"))
    return [one for page in pages for one in jmespath.search(api.records, json.loads(page.read_bytes()))]
