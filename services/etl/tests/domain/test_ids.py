"""Ids are those that anybody can derive with the standard library."""

from uuid import uuid5

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from okr_common.events import NAMESPACE
from okr_etl.domain.ids import content_hashes, entity_ids


@given(st.lists(st.text()))
def test_entity_ids_are_uuid5(source_ids: list[str]) -> None:
    made = entity_ids("mta_nyct", "key_result", pl.Series(source_ids, dtype=pl.String))
    assert made.to_list() == [str(uuid5(NAMESPACE, f"mta_nyct/key_result/{each}")) for each in source_ids]


@given(st.lists(st.text()))
def test_equal_content_has_an_equal_hash(payloads: list[str]) -> None:
    hashes = content_hashes(pl.Series(payloads, dtype=pl.String)).to_list()
    assert len(set(hashes)) == len(set(payloads))
    assert len(hashes) == len(payloads)
