"""From bytes to records, rows, news, and the next page."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_common.errors import PermanentError
from okr_common.sources import ApiBlock, Cursor
from okr_ingest_api.domain.answers import AskAgainError
from okr_ingest_api.domain.objects import news, read_objects
from okr_ingest_api.domain.paging import Page, query, read_page
from okr_ingest_api.domain.requests import Request, begins_anew, following, request_id

API = ApiBlock(
    base_url="http://127.0.0.1:9",
    path="/v1/things",
    parameters={"limit": "2"},
    records="data.items",
    object_id="ids.own",
    cursor=Cursor(next="paging.next", parameter="after"),
)
REQUEST = Request(
    request="r",
    source="things",
    run_id=UUID(int=1),
    state="fetching",
    cursor="c1",
    not_before=None,
    pages=1,
    batches=1,
    rows=2,
    unchanged=0,
    unreadable=0,
    rewinds=0,
    reason=None,
    detail=None,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    ended_at=None,
)


def body(records: object, following: object = None) -> bytes:
    return json.dumps({"data": {"items": records}, "paging": {"next": following}}).encode()


def test_a_page_is_its_records_and_the_next_cursor() -> None:
    assert read_page(body([{"a": 1}], "c2"), API) == Page([{"a": 1}], "c2")
    assert read_page(body([], 7), API) == Page([], "7")
    assert read_page(body([], ""), API).following is None
    assert read_page(b'{"data": {"items": []}}', API).following is None


def test_the_list_may_be_the_whole_answer() -> None:
    assert read_page(b'[{"id": 1}]', API.model_copy(update={"records": "@"})) == Page([{"id": 1}], None)


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_a_cut_body_is_asked_for_again(cut: int) -> None:
    with pytest.raises(AskAgainError, match="cut"):
        read_page(body([{"a": 1}])[:-cut], API)


@pytest.mark.parametrize("text", [b"", b"<html>", b"\xff\xfe", b'{"a": NaN}'])
def test_what_is_no_json_is_asked_for_again(text: bytes) -> None:
    with pytest.raises(AskAgainError):
        read_page(text, API)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"items": [], "paging": {}}', "it has items, paging"),
        (body({"a": 1}), "no list"),
        (b"3", "no object"),
        (body([], {"x": 1}), "no text"),
        (b"[" * 100_000, "deeper"),
    ],
)
def test_an_answer_of_another_shape_says_what_it_has(text: bytes, says: str) -> None:
    with pytest.raises(PermanentError, match=says) as raised:
        read_page(text, API)
    assert raised.value.reason == "wrong_page"


def test_a_mapping_with_a_broken_path_is_to_be_mended() -> None:
    with pytest.raises(PermanentError, match=r"api\.records") as raised:
        read_page(b"{}", API.model_copy(update={"records": "data[["}))
    assert raised.value.reason == "broken_mapping"


def test_the_first_page_is_asked_for_without_a_cursor() -> None:
    assert query(API, None) == {"limit": "2"}
    assert query(API, "c2") == {"limit": "2", "after": "c2"}


def test_a_row_is_the_object_whatever_the_order_of_its_keys() -> None:
    rows, unreadable = read_objects(
        [{"ids": {"own": 7}, "b": "ü", "a": None}, {"a": None, "b": "ü", "ids": {"own": "7"}}], API
    )
    assert not unreadable
    assert [row.object_id for row in rows] == ["7", "7"]
    assert rows[0].cells == '{"a":null,"b":"ü","ids":{"own":7}}'
    same, _ = read_objects([{"a": None, "b": "ü", "ids": {"own": 7}}], API)
    assert same[0].row_hash == rows[0].row_hash != rows[1].row_hash


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (3, "not_an_object"),
        (None, "not_an_object"),
        ({"a": 1}, "no_object_id"),
        ({"ids": {"own": True}}, "no_object_id"),
        ({"ids": {"own": " "}}, "no_object_id"),
        ({"ids": {"own": "x" * 501}}, "no_object_id"),
        ({"ids": {"own": 1}, "a": "nul \x00"}, "not_text"),
        ({"ids": {"own": 1}, "a": {"\ud800": 1}}, "not_text"),
    ],
)
def test_a_record_that_cannot_be_a_row_is_kept_with_its_reason(record: object, reason: str) -> None:
    rows, unreadable = read_objects([{"ids": {"own": 1}}, record], API)
    assert len(rows) == 1
    assert [(one.place, one.reason) for one in unreadable] == [(1, reason)]
    assert json.loads(unreadable[0].raw) == record


def test_what_is_no_object_is_called_by_the_words_of_json() -> None:
    _, unreadable = read_objects([3, 0.5, "a", [1], True, None], API)
    assert [one.detail.removeprefix("a record must be a JSON object; this is ") for one in unreadable] == [
        *("a number", "a number", "a text", "a list", "true or false", "null")
    ]


def test_a_backslash_before_u0000_is_text() -> None:
    rows, unreadable = read_objects([{"ids": {"own": 1}, "a": "\\u0000"}], API)
    assert (len(rows), len(unreadable)) == (1, 0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=6))
def test_every_record_becomes_a_row_or_is_unreadable(records: list[Any]) -> None:
    page = read_page(body(records), API)
    rows, unreadable = read_objects(page.records, API)
    assert sorted([row.place for row in rows] + [one.place for one in unreadable]) == list(range(len(records)))
    for row in rows:
        assert json.loads(row.cells) == page.records[row.place]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=12), st.data())
def test_what_is_stored_of_pages_leads_to_the_same_end_however_they_are_cut(
    seen: list[tuple[str, str]], data: st.DataObject
) -> None:
    records = [{"ids": {"own": own}, "v": value} for own, value in seen]
    rows, _ = read_objects(records, API)
    cut = data.draw(st.integers(0, len(rows)))
    first = news(rows[:cut], {})
    known = {row.object_id: row.row_hash for row in first}
    assert first + news(rows[cut:], known) == news(rows, {})


def test_a_request_goes_on_until_a_page_names_no_other() -> None:
    assert following(REQUEST, "c2", 10) == "fetching"
    assert following(REQUEST, None, 10) == "done"
    assert following(REQUEST, None, 2) == "done", "the last page may be the last that is allowed"


@pytest.mark.parametrize(("cursor", "most", "reason"), [("c1", 10, "cursor_loop"), ("c2", 2, "too_many_pages")])
def test_a_request_that_would_never_end_ends(cursor: str, most: int, reason: str) -> None:
    with pytest.raises(PermanentError) as raised:
        following(REQUEST, cursor, most)
    assert raised.value.reason == reason


def test_a_forgotten_cursor_costs_one_new_beginning() -> None:
    forgotten = PermanentError("cursor_refused", "")
    assert begins_anew(REQUEST, forgotten)
    assert not begins_anew(replace(REQUEST, rewinds=1), forgotten)
    assert not begins_anew(REQUEST, PermanentError("unauthorised", ""))


def test_the_request_of_a_run_is_always_the_same() -> None:
    ids = {request_id(source, UUID(int=run)) for source in ("a", "b") for run in (1, 2) for _ in range(2)}
    assert len(ids) == 4
