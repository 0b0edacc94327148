"""The documented answers of five goal tools: each page leads to the next as its API asks, and holds what is read."""

import json

import pytest

from okr_common.paths import repository
from okr_common.sources import ApiBlock, Mapping, load_mapping
from okr_ingest_api.domain.objects import read_objects
from okr_ingest_api.domain.paging import Page, query, read_page
from okr_ingest_api.domain.shape import shape_of

CURSORS: dict[str, list[str | None]] = {
    "asana_goals": ["eyJuZXh0IjoiMTAwNyJ9", None],
    "gitlab_work_items": ['{"after":"eyJpZCI6IjQ1In0"}', None],
    "lattice": ["goal_07", None],
    "quantive": [None],
    "tability": [None],
}
PARAMETERS = {"asana_goals": "offset", "gitlab_work_items": "variables", "lattice": "startingAfter"}


def mapping_of(source: str) -> Mapping:
    loaded = load_mapping(repository() / "configs" / "sources" / f"{source}.yaml")
    assert isinstance(loaded, Mapping), loaded
    return loaded


def api_of(source: str) -> ApiBlock:
    api = mapping_of(source).api
    assert api is not None
    return api


def pages_of(source: str) -> list[Page]:
    files = sorted((repository() / "samples" / "formats").glob(f"{source}_[0-9].json"))
    return [read_page(file.read_bytes(), api_of(source)) for file in files]


@pytest.mark.parametrize("source", CURSORS)
def test_each_page_leads_to_the_next_until_the_last(source: str) -> None:
    assert [page.following for page in pages_of(source)] == CURSORS[source]
    api = api_of(source)
    assert not api.enabled
    assert query(api, None) == api.parameters
    for cursor in filter(None, CURSORS[source]):
        assert query(api, cursor) == {**api.parameters, PARAMETERS[source]: cursor}


@pytest.mark.parametrize("source", CURSORS)
def test_each_record_has_its_own_id_and_the_fields_that_are_read(source: str) -> None:
    records = [one for page in pages_of(source) for one in page.records]
    rows, unreadable = read_objects(records, api_of(source))
    assert (len(rows), unreadable) == (len(records), [])
    assert len({row.object_id for row in rows}) == len(records)
    shape = shape_of(records, mapping_of(source))
    assert (dict(shape.unknown), dict(shape.gone)) == ({}, {})


def test_a_renamed_field_of_a_list_is_told_with_the_nearest_key() -> None:
    outcomes = [one for page in pages_of("tability") for one in page.records]
    for one in outcomes:
        one["checkins"] = [{"checkin_id" if key == "id" else key: it[key] for key in it} for it in one["checkins"]]
    gone = shape_of(outcomes, mapping_of("tability")).gone
    assert gone == {"check_in": "none of 15 objects has checkins.id (the nearest key is checkins.checkin_id)"}
    assert not shape_of([one | {"checkins": []} for one in outcomes], mapping_of("tability")).gone, "nothing to miss"


def test_a_full_page_of_quantive_asks_for_what_was_created_from_its_last_goal_on() -> None:
    goals = [{"id": str(number), "dateCreated": f"2026-01-01T00:00:{number:02}Z"} for number in range(100)]
    full = read_page(json.dumps({"items": goals}).encode(), api_of("quantive"))
    assert full.following == '{"dateCreated":{"$gte":"2026-01-01T00:00:99Z"}}'
    assert read_page(json.dumps({"items": goals[:99]}).encode(), api_of("quantive")).following is None
    assert read_page(b'{"items": []}', api_of("quantive")).following is None
