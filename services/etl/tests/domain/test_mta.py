"""The sample, figure by figure, and cells checked by hand in the file."""

from datetime import date
from typing import Any

import orjson
import polars as pl
import pytest
from pydantic import BaseModel

from okr_common.records import CheckInPayload, KeyResultPayload, ObjectivePayload, OutcomePayload
from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied, propose
from okr_etl.domain.check import trouble
from okr_etl.domain.entities import FIELDS
from okr_etl.testing import MemorySource, raw_batch

Table = tuple[list[str], list[list[str]]]
ONLY_WHERE_MAPPED = {"alignment", "period", "due_known"}
PAYLOADS: dict[str, type[BaseModel]] = {
    "objective": ObjectivePayload,
    "key_result": KeyResultPayload,
    "check_in": CheckInPayload,
    "outcome": OutcomePayload,
}


@pytest.fixture(scope="module")
def whole(mta: Mapping, mta_file: Table) -> Applied:
    return MemorySource(mta, mta_file[0]).load(mta_file[1])


def of(applied: Applied, entity: str) -> pl.DataFrame:
    return applied.published.filter(pl.col("entity") == entity)


def payload(applied: Applied, entity: str, source_id: str, revision: int = 1) -> dict[str, Any]:
    found = of(applied, entity).filter(source_id=source_id, revision=revision)["payload"]
    assert found.len() == 1
    content: dict[str, Any] = orjson.loads(found[0])
    return content


def test_polars_can_carry_the_mapping_out(mta: Mapping) -> None:
    assert trouble(mta) == []


def test_every_row_is_new_and_none_is_rejected(whole: Applied) -> None:
    assert whole.counts == {"rejected": 0, "pending": 0, "new": 9213, "changed": 0, "duplicate": 0, "unchanged": 0}


@pytest.mark.parametrize(
    ("entity", "count"), [("objective", 22), ("key_result", 814), ("check_in", 9213), ("outcome", 635)]
)
def test_entities(whole: Applied, entity: str, count: int) -> None:
    assert of(whole, entity)["entity_id"].n_unique() == count


def test_indicators(whole: Applied) -> None:
    assert of(whole, "key_result")["source_id"].str.split("/").list.first().n_unique() == 86


def test_outcomes_reached(whole: Applied) -> None:
    achieved = [orjson.loads(text)["achieved"] for text in of(whole, "outcome")["payload"]]
    assert (len(achieved), sum(achieved)) == (635, 112)


def test_a_target_of_zero_is_no_target(mta: Mapping, mta_file: Table) -> None:
    wide = propose(raw_batch(mta_file[1], mta_file[0], "mta_nyct"), mta).wide
    without = wide.filter(pl.col("key_result.target").is_null())
    assert (without.height, set(without["target"])) == (823, {0.0})
    assert without["check_in.progress"].null_count() == 823
    assert not without["outcome.is_final"].any()


def test_targets_move_within_the_year(whole: Applied) -> None:
    targets = (
        of(whole, "key_result")
        .sort("revision")
        .select("entity_id", pl.col("payload").str.json_path_match("$.target").alias("target"))
    )
    by_key_result = targets.group_by("entity_id").agg(
        "target", pl.col("target").drop_nulls().n_unique().alias("figures")
    )
    assert by_key_result.filter(pl.col("target").list.len() > 1).height == 104, "changes from and to none count"
    assert by_key_result.filter(pl.col("figures") > 1).height == 55, "figures only"


def test_nobody_without_a_direction_is_judged(whole: Applied) -> None:
    directions = [orjson.loads(text)["direction"] for text in of(whole, "key_result")["payload"]]
    assert "none" in directions
    wanted = {orjson.loads(row["payload"])["direction"]: row["entity_id"] for row in of(whole, "key_result").to_dicts()}
    judged = {orjson.loads(text)["key_result_id"] for text in of(whole, "outcome")["payload"]}
    assert wanted["none"] not in judged


def test_payloads_are_the_records_of_okr_common(whole: Applied) -> None:
    for entity, model in PAYLOADS.items():
        named = [name for name in model.model_fields if name not in ONLY_WHERE_MAPPED]
        assert tuple(named) == FIELDS[entity]
        for text in of(whole, entity)["payload"]:
            model.model_validate_json(text)


def test_versions_stand_in_knowledge_time_order(whole: Applied) -> None:
    published = whole.published
    assert published["seq"].to_list() == list(range(1, published.height + 1))
    assert published["knowledge_time"].is_sorted()
    december = published.filter(pl.col("knowledge_time").dt.date() == pl.date(2016, 12, 31))
    assert december["order"].is_sorted()


def test_cells_checked_by_hand(whole: Applied) -> None:
    lost_time = payload(whole, "key_result", "100360/2008")
    assert lost_time["title"] == "Employee Lost Time and Restricted Duty Rate", "the outer blank of the file is gone"
    assert (lost_time["direction"], lost_time["target"], lost_time["unit"]) == ("stay_below", 2.37, None)
    assert (lost_time["start_on"], lost_time["due_on"]) == ("2008-01-01", "2008-12-31")
    assert lost_time["attributes"] == {"indicator": "100360", "parent": "0", "category": "Safety Indicators"}
    january = payload(whole, "check_in", "100360/2008-01")
    assert (january["as_of"], january["value"], january["progress"]) == ("2008-01-31", 1.93, 1.0)
    assert payload(whole, "check_in", "100360/2008-02")["as_of"] == "2008-02-29"
    objective = payload(whole, "objective", "Safety Indicators/2008")
    assert objective["title"] == "NYC Transit, Safety Indicators 2008"


GOLDEN: dict[str, dict[str, Any]] = {
    "100360/2008-01": {"check_in.as_of": date(2008, 1, 31), "check_in.value": 1.93, "check_in.progress": 1.0},
    "100360/2008-02": {"check_in.as_of": date(2008, 2, 29), "check_in.value": 1.99, "outcome.is_final": False},
    "100360/2008-12": {"check_in.value": 2.34, "key_result.target": 2.37, "outcome.resolution": "achieved"},
    # a target of 0 is none
    "100360/2011-01": {"check_in.value": 3.49, "key_result.target": None, "check_in.progress": None},
    "100360/2018-01": {  # the last month there is
        "key_result.source_id": "100360/2018",
        "check_in.value": 3.51,
        "check_in.progress": 0.0,  # above 3.39
        "outcome.is_final": False,
    },
    "67816/2009-12": {
        "key_result.title": "Mean Distance Between Failures - Subways",
        "key_result.direction": "stay_above",
        "key_result.target": 145_000.0,
        "check_in.value": 153_201.0,
        "outcome.is_final": True,
        "outcome.achieved": True,
    },
    "103929/2008-01": {"check_in.value": 130_687_792.0, "key_result.target": 129_482_000.0, "check_in.progress": 1.0},
    # just on the target
    "304471/2014-12": {
        "check_in.value": 96.5,
        "key_result.target": 96.5,
        "key_result.unit": "%",
        "outcome.achieved": True,
    },
    "391690/2009-06": {"check_in.as_of": date(2009, 6, 30), "check_in.value": 86.2, "key_result.target": None},
    "374956/2008-01": {
        "key_result.title": "Bus Passenger Wheelchair Lift Usage - NYCT Bus",  # a blank before it
        "key_result.direction": "none",
        "parent": "374952",
        "check_in.value": 78_259.0,
        "check_in.progress": None,
    },
}


@pytest.mark.parametrize("key", GOLDEN)
def test_rows_worked_out_by_hand(mta: Mapping, mta_file: Table, key: str) -> None:
    wide = propose(raw_batch(mta_file[1], mta_file[0], "mta_nyct"), mta).wide
    assert wide.filter(pl.col("check_in.source_id") == key).select(list(GOLDEN[key])).rows(named=True) == [GOLDEN[key]]


def test_odd_blanks_of_a_description_are_cleaned(mta: Mapping, mta_file: Table) -> None:
    header, rows = mta_file
    wide = propose(raw_batch(rows, header, "mta_nyct"), mta).wide
    assert any("\u00a0" in row[header.index("DESCRIPTION")] for row in rows)
    assert not wide["description"].str.contains("\u00a0").any()


def test_the_same_file_again_changes_nothing(memory: MemorySource, mta_file: Table) -> None:
    memory.load(mta_file[1])
    again = memory.load(mta_file[1])
    assert again.published.is_empty()
    assert again.counts["unchanged"] == 9213


@pytest.mark.parametrize("year", ["0", "-5"])
def test_a_year_before_all_years_is_rejected_with_its_reason(memory: MemorySource, mta_file: Table, year: str) -> None:
    header, rows = mta_file
    strange = [*rows[0][:10], year, *rows[0][11:]]
    memory.load([strange, rows[1]])
    (rejected,) = memory.proposed[0].rejected
    assert rejected.row_num == 1
    assert {reason.partition(":")[0] for reason in rejected.reasons} == {"date_out_of_range"}
    assert header[10] == "PERIOD_YEAR"
