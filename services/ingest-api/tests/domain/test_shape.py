"""Fetched objects beside the mapping."""

from typing import Any

from okr_common.paths import repository
from okr_common.sources import Mapping, load_mapping
from okr_common.testing.check_ins import check_ins
from okr_ingest_api.domain.shape import shape_of


def example() -> Mapping:
    loaded = load_mapping(repository() / "configs" / "sources" / "tability_example.yaml")
    assert isinstance(loaded, Mapping), loaded
    return loaded


def test_the_example_reads_what_the_documented_fields_hold() -> None:
    shape = shape_of(check_ins(3, 4), example())
    assert shape.rows == 12
    assert (dict(shape.blank), dict(shape.unknown), dict(shape.gone)) == ({}, {}, {})


def test_blanks_and_unknown_words_are_counted() -> None:
    objects = check_ins(1, 3)
    objects[0]["confidence"] = "Purple"
    objects[1]["score"] = None
    shape = shape_of(objects, example())
    assert shape.as_json() == {"rows": 3, "blank": {"value": 1}, "unknown_words": {"status": ["Purple"]}}
    assert not shape.gone


def test_a_renamed_field_is_told_with_the_nearest_key() -> None:
    objects: list[dict[str, Any]] = check_ins(1, 2)
    for one in objects:
        one["outcome"]["from_value"] = one["outcome"].pop("from")
    gone = shape_of(objects, example()).gone
    assert gone == {"baseline": "none of 2 objects has outcome.from (the nearest key is outcome.from_value)"}


def test_nothing_new_has_no_shape() -> None:
    assert not shape_of([], example()).gone
