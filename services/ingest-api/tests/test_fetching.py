"""Whatever the API does, every object ends in okr_raw exactly once."""

import asyncio
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from okr_common.delivery.relay import Page
from okr_common.errors import PermanentError, RetryableError
from okr_common.records import RawRecord
from okr_common.testing.check_ins import check_in, check_ins
from okr_common.testing.misbehaving_process import Misbehaving
from okr_ingest_api.domain.answers import AskedToWaitError
from okr_ingest_api.domain.requests import request_id
from okr_ingest_api.store.ledger import Ledger
from okr_ingest_api.store.records import reader
from okr_ingest_api.testing import SOURCE, STAGE, Fetching

pytestmark = pytest.mark.stack
OBJECTS = check_ins(5, 7)
"""Four pages of ten."""


def gaps(server: Misbehaving) -> list[float]:
    at = [asked["at"] for asked in server.log()]
    return [later - earlier for earlier, later in pairwise(at)]


async def test_each_page_is_a_released_batch_with_its_event_and_its_records(
    fetching: Fetching, server: Misbehaving
) -> None:
    server.hold(OBJECTS)
    run = uuid4()
    done = await fetching.fetch(run)
    assert (done.state, done.request) == ("done", request_id(SOURCE, run))
    assert (done.pages, done.batches, done.rows, done.unchanged, done.unreadable) == (4, 4, 35, 0, 0)
    assert await fetching.objects() == OBJECTS
    batches = await fetching.pool.fetch(
        "select number, position, first_row, rows, request from batch order by position"
    )
    assert [(b["number"], b["position"], b["first_row"], b["rows"]) for b in batches] == [
        *((1, 1, 1, 10), (2, 2, 11, 10), (3, 3, 21, 10), (4, 4, 31, 5))
    ]
    assert {b["request"] for b in batches} == {done.request}
    assert await fetching.outbox() == {"okr_ingestion_events": 4, "okr_raw_records": 4}


@pytest.mark.parametrize(
    "misdeed",
    [
        {"do": "status", "status": 429, "retry_after": "1"},
        {"do": "status", "status": 500},
        {"do": "slow", "seconds": 3},
        {"do": "cut"},
    ],
    ids=lambda misdeed: str(misdeed.get("status", misdeed["do"])),
)
async def test_a_page_that_fails_once_is_asked_for_again(
    fetching: Fetching, server: Misbehaving, misdeed: Mapping[str, Any]
) -> None:
    server.hold(OBJECTS)
    server.script({1: misdeed, 3: misdeed, 6: misdeed})
    done = await fetching.fetch()
    assert (done.state, done.rows, done.pages) == ("done", 35, 4)
    assert await fetching.objects() == OBJECTS
    log = server.log()
    assert len(log) == 7
    assert [log[number]["cursor"] == log[number + 1]["cursor"] for number in (0, 2, 5)] == [True] * 3
    if "retry_after" in misdeed:
        assert all(gaps(server)[number] >= 1.0 for number in (0, 2, 5)), "Retry-After is honoured"


async def test_a_request_that_had_to_give_up_goes_on_at_its_cursor(fetching: Fetching, server: Misbehaving) -> None:
    server.hold(OBJECTS)
    server.script({number: {"do": "status", "status": 503} for number in range(3, 7)})
    run = uuid4()
    with pytest.raises(RetryableError, match="503"):
        await fetching.fetch(run)
    left = await fetching.request()
    assert (left.state, left.pages, left.rows, left.reason) == ("fetching", 2, 20, "503")
    done = await fetching.fetch(run)
    assert (done.request, done.state, done.pages, done.reason) == (left.request, "done", 4, None)
    assert await fetching.objects() == OBJECTS
    assert [asked["cursor"] for asked in server.log()].count(None) == 1, "the first page was fetched once"


async def test_the_next_run_finishes_what_another_left_then_looks_itself(
    fetching: Fetching, server: Misbehaving
) -> None:
    server.hold(OBJECTS)
    server.script({number: {"do": "status", "status": 500} for number in range(3, 7)})
    first = uuid4()
    with pytest.raises(RetryableError):
        await fetching.fetch(first)
    changed = check_in(0, 0, 7) | {"body": "changed since"}
    server.add([changed])
    second = await fetching.fetch()
    assert (second.rows, second.unchanged, second.pages) == (1, 34, 4)
    assert await fetching.pool.fetchval("select count(*) from api_request where state = 'done'") == 2
    assert await fetching.objects() == [*OBJECTS, changed]


async def test_only_what_is_news_is_stored_again(fetching: Fetching, server: Misbehaving) -> None:
    server.hold(OBJECTS)
    await fetching.fetch()
    said = await fetching.outbox()
    again = await fetching.fetch()
    assert (again.rows, again.unchanged, again.batches, again.pages) == (0, 35, 0, 4)
    assert await fetching.outbox() == said, "nothing new, nothing said"
    original, changed = OBJECTS[12], OBJECTS[12] | {"score": 1.5}
    server.add([changed, check_in(9, 0, 7)])
    news = await fetching.fetch()
    assert (news.rows, news.unchanged, news.batches) == (2, 34, 2)
    server.add([original])
    back = await fetching.fetch()
    assert (back.rows, back.unchanged) == (1, 35)
    assert await fetching.objects() == [*OBJECTS, changed, check_in(9, 0, 7), original]


async def test_a_run_that_is_done_asks_nothing_more(fetching: Fetching, server: Misbehaving) -> None:
    server.hold(OBJECTS)
    run = uuid4()
    done = await fetching.fetch(run)
    assert await fetching.fetch(run) == done
    assert len(server.log()) == 4


async def test_an_api_that_asks_for_a_long_pause_is_left_alone(fetching: Fetching, server: Misbehaving) -> None:
    server.hold(OBJECTS)
    server.script({2: {"do": "status", "status": 429, "retry_after": "3600"}})
    with pytest.raises(AskedToWaitError):
        await fetching.fetch()
    left = await fetching.request()
    assert (left.state, left.pages, left.reason) == ("fetching", 1, "asked_to_wait")
    assert left.not_before is not None
    for other in (fetching, fetching.with_api()):  # this process, and one that was started anew
        with pytest.raises(AskedToWaitError):
            await other.fetch()
    assert len(server.log()) == 2
    await fetching.pool.execute("update api_request set not_before = now()")
    assert (await fetching.with_api().fetch()).state == "done"
    assert await fetching.objects() == OBJECTS


async def test_a_forgotten_cursor_begins_anew_and_stores_nothing_twice(fetching: Fetching, server: Misbehaving) -> None:
    server.hold(OBJECTS)
    server.script({3: {"do": "status", "status": 410}})
    done = await fetching.fetch()
    assert (done.state, done.rewinds, done.rows, done.unchanged) == ("done", 1, 35, 20)
    assert await fetching.objects() == OBJECTS
    server.script({2: {"do": "status", "status": 410}, 4: {"do": "status", "status": 410}})
    with pytest.raises(PermanentError, match="410"):
        await fetching.fetch()
    assert ((await fetching.request()).state, (await fetching.request()).reason) == ("failed", "cursor_refused")


async def test_a_cursor_that_names_itself_ends_the_request(fetching: Fetching, server: Misbehaving) -> None:
    server.hold(OBJECTS)
    server.script({2: {"do": "loop"}})
    with pytest.raises(PermanentError) as raised:
        await fetching.fetch()
    assert raised.value.reason == "cursor_loop"
    left = await fetching.request()
    assert (left.state, left.pages) == ("failed", 1)


async def test_a_token_that_is_refused_or_missing_is_told_and_mended(
    fetching: Fetching, server: Misbehaving, tmp_path: Path
) -> None:
    server.hold(OBJECTS)
    missing = fetching.with_api(token_file=str(tmp_path / "nowhere"))
    with pytest.raises(PermanentError, match="nowhere") as raised:
        await missing.fetch()
    assert raised.value.reason == "no_token"
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    with pytest.raises(PermanentError) as raised:
        await fetching.with_api(token_file=str(wrong)).fetch()
    assert raised.value.reason == "unauthorised"
    assert len(server.log()) == 1, "what is refused is not asked again"
    wrong.write_text(server.token_file.read_text())
    await fetching.with_api(token_file=str(wrong)).fetch()
    assert await fetching.objects() == OBJECTS


async def test_a_token_file_is_where_configs_is_wherever_the_service_was_started(
    fetching: Fetching, server: Misbehaving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.hold(OBJECTS)
    house, elsewhere = tmp_path / "house", tmp_path / "elsewhere"
    for folder in (house, elsewhere):
        (folder / "secrets").mkdir(parents=True)
    (elsewhere / "secrets" / "token").write_text("another token")
    monkeypatch.setenv("OKR_HOME", str(house))
    monkeypatch.chdir(elsewhere)
    relative = fetching.with_api(token_file="secrets/token")  # noqa: S106 - a path
    with pytest.raises(PermanentError, match=f"the token_file {house}/secrets/token cannot be read") as raised:
        await relative.fetch()
    assert raised.value.reason == "no_token"
    (house / "secrets" / "token").write_text(server.token_file.read_text())
    await relative.fetch()
    assert await fetching.objects() == OBJECTS


async def test_a_page_that_is_too_large_is_refused(fetching: Fetching, server: Misbehaving) -> None:
    server.hold(OBJECTS)
    with pytest.raises(PermanentError, match="smaller ones") as raised:
        await fetching.with_settings(max_page_bytes=2000).fetch()
    assert raised.value.reason == "page_too_large"


async def test_records_that_cannot_be_rows_are_kept_beside_them(fetching: Fetching, server: Misbehaving) -> None:
    server.hold([*OBJECTS[:3], OBJECTS[3] | {"body": "a NUL \x00 in it"}])
    done = await fetching.fetch()
    assert (done.rows, done.unreadable, done.records) == (3, 1, 4)
    kept = await fetching.pool.fetchrow("select reason, first_line, byte_start, raw from unreadable")
    assert kept is not None
    assert (kept["reason"], kept["first_line"], kept["byte_start"]) == ("not_text", 1, 3)


async def test_a_record_that_stays_unreadable_is_kept_once_and_makes_no_batch_again(
    fetching: Fetching, server: Misbehaving
) -> None:
    broken, other = OBJECTS[3] | {"body": "a NUL \x00"}, OBJECTS[4] | {"body": "another \x00"}
    server.hold([*OBJECTS[:3], broken])
    await fetching.fetch()
    said = await fetching.outbox()
    run = uuid4()
    again = await fetching.fetch(run)
    assert (again.rows, again.unchanged, again.unreadable, again.batches) == (0, 3, 1, 0)
    assert await fetching.outbox() == said, "nothing new, nothing said"
    assert await Ledger(fetching.pool, STAGE).discrepancies(run) == []
    server.hold([*OBJECTS[:3], broken, other])
    run = uuid4()
    news = await fetching.fetch(run)
    assert (news.unreadable, news.batches) == (2, 1)
    assert await fetching.pool.fetchval("select count(*) from unreadable") == 2
    assert await Ledger(fetching.pool, STAGE).discrepancies(run) == []
    server.hold([OBJECTS[0], broken])
    assert (await fetching.missing().fetch()).batches == 1, "what is gone is told all the same"


async def test_the_same_source_is_fetched_by_one_at_a_time(fetching: Fetching, server: Misbehaving) -> None:
    server.hold(OBJECTS)
    server.script({1: {"do": "slow", "seconds": 0.5}})
    first = asyncio.create_task(fetching.fetch())
    while not server.log():  # noqa: ASYNC110 - another process is looked at
        await asyncio.sleep(0.01)
    with pytest.raises(RetryableError, match="another replica"):
        await fetching.with_api().fetch()
    assert (await first).rows == 35


async def test_the_pace_of_the_source_is_kept(fetching: Fetching, server: Misbehaving) -> None:
    server.hold(OBJECTS)
    await fetching.with_api(requests_per_second=5.0).fetch()
    assert min(gaps(server)) >= 0.17


async def test_an_object_too_large_for_a_message_stays_in_the_database(fetching: Fetching, server: Misbehaving) -> None:
    large = OBJECTS[1] | {"body": "x" * 1_200_000}
    server.hold([OBJECTS[0], large, OBJECTS[2]])
    await fetching.fetch()
    assert await fetching.objects() == [OBJECTS[0], large, OBJECTS[2]]
    batch_id = await fetching.pool.fetchval("select batch_id from batch")
    read = reader(fetching.pool, STAGE)
    unit = {"batch_id": batch_id, "object_id": "id"}
    page = await read(unit, 0, 10)
    records = [RawRecord.model_validate_json(message.value or b"") for message in page.records]
    assert [record.cells for record in records] == [OBJECTS[0], None, OBJECTS[2]]
    assert [record.object_id for record in records] == [one["id"] for one in (OBJECTS[0], large, OBJECTS[2])]
    again = await read(unit, 0, 10)
    ids = [[(one.headers or {})["ce_id"] for one in read_once.records] for read_once in (page, again)]
    assert ids[0] == ids[1]
    assert (page.place, (await read(unit, 1, 1)).place, await read(unit, 3, 1)) == (3, 2, Page())


async def test_a_request_that_lacks_objects_tells_so_by_its_last_batch(fetching: Fetching, server: Misbehaving) -> None:
    """Objects that went unseen before anybody minded are noticed by the first request that does."""
    server.hold(OBJECTS)
    await fetching.fetch()
    server.hold(OBJECTS[1:])
    assert (await fetching.fetch()).batches == 0
    missing = fetching.missing()
    assert (await missing.fetch()).batches == 1
    assert await missing.standing() == OBJECTS[1:]
    assert await missing.pool.fetchval("select rows from batch order by position desc limit 1") == 0
    assert (await missing.fetch()).batches == 0, "told once"
    changed = {**OBJECTS[1], "body": "another"}
    server.hold([changed, *OBJECTS[2:]])
    assert (await missing.fetch()).batches == 2, "what came, and that it is the end"
    assert await missing.standing() == [*OBJECTS[2:], changed]
    server.hold([OBJECTS[0], changed, *OBJECTS[2:]])
    assert (await missing.fetch()).rows == 1, "it is back, as it was"
    assert await missing.standing() == [*OBJECTS[2:], changed, OBJECTS[0]]


async def test_what_a_request_that_fails_did_not_come_to_is_not_gone(fetching: Fetching, server: Misbehaving) -> None:
    server.hold(OBJECTS)
    missing = fetching.missing()
    await missing.fetch()
    server.hold([{**OBJECTS[0], "body": "another"}, *OBJECTS[1:-1]])
    server.script({2: {"do": "loop"}})
    with pytest.raises(PermanentError, match="cursor"):
        await missing.fetch()
    assert await missing.pool.fetchval("select count(*) from api_gone") == 0
    assert (await missing.fetch()).state == "done"
    assert {one["id"] for one in await missing.standing()} == {one["id"] for one in OBJECTS[:-1]}
