"""What okr_raw guarantees when replicas meet: sequences, positions, progress."""

import hashlib
import io
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncpg
import pytest

from okr_common.errors import FencedError
from okr_common.sources import Read
from okr_common.testing.waiting import until
from okr_common.topology import STAGES
from okr_ingest_csv.domain.batch import Batch, take_batch
from okr_ingest_csv.domain.discovery import Look
from okr_ingest_csv.domain.encoding import DECLARED, Encoding
from okr_ingest_csv.domain.records import read_records
from okr_ingest_csv.domain.verdict import Candidate
from okr_ingest_csv.looking import LARGE_BYTES
from okr_ingest_csv.store import Claim, Held, Portion, Quarantine, Store, changes
from okr_ingest_csv.testing import dialect_in

if TYPE_CHECKING:
    from conftest import Scene

pytestmark = pytest.mark.stack


@pytest.fixture
async def store(scene: "Scene") -> AsyncIterator[Store]:
    pool = await asyncpg.create_pool(scene.stack.dsn("okr_ingest_csv", "raw"), min_size=1, max_size=5)
    yield Store(pool, STAGES["ingest-csv"])
    await pool.close()


def candidate(name: str, content: bytes, state: str = "waiting") -> Candidate:
    dialect = dialect_in(content)
    sha256 = hashlib.sha256(content).digest()
    reason = None if state == "waiting" else "a_reason"
    return Candidate(
        f"/in/{name}", Look(len(content), hash(name) % 10**9, 1), sha256, "goals", state, reason, reason, dialect
    )


async def claimed(store: Store, name: str, content: bytes, state: str = "waiting") -> Claim:
    claim = await store.claim(candidate(name, content, state))
    assert claim is not None
    return claim


async def batches(held: Held, content: bytes, batch_rows: int) -> list[Batch]:
    place = held.file.place
    found: list[Batch] = []
    records = read_records(io.BytesIO(content[place.byte :]), held.file.shape, place)
    while not found or not found[-1].last:
        found.append(take_batch(records, await held.draw_batch_id(), place, batch_rows))
        place = found[-1].after
    return found


async def load(store: Store, file_id: int, content: bytes, batch_rows: int = 2, only: int | None = None) -> None:
    async with store.hold([file_id]) as held:
        assert held is not None
        for number, batch in enumerate((await batches(held, content, batch_rows))[:only], held.file.batches + 1):
            await held.store([Portion(held.file, batch, number)], Read())


A, B, C = (b"id,x\n" + b"".join(b"%b%d,1\n" % (name, n) for n in range(5)) for name in (b"a", b"b", b"c"))


async def positions(scene: "Scene") -> list[tuple[int, int, int | None]]:
    rows = await scene.fetch("select file_id, number, position from batch order by file_id, number")
    return [(row["file_id"], row["number"], row["position"]) for row in rows]


async def test_a_later_file_waits_for_its_position_although_it_is_loaded_first(scene: "Scene", store: Store) -> None:
    a, b = await claimed(store, "a", A), await claimed(store, "b", B)
    await load(store, b.file_id, B)
    assert await positions(scene) == [(b.file_id, n, None) for n in (1, 2, 3)]
    await load(store, a.file_id, A, only=1)
    assert [position for *_, position in await positions(scene)] == [None] * 4  # a file is judged as a whole
    await load(store, a.file_id, A)
    assert [position for *_, position in await positions(scene)] == [1, 2, 3, 4, 5, 6]
    values = [row["value"].decode() for row in await scene.fetch("select value from delivery.outbox order by id")]
    assert ["position" in value for value in values].count(True) == 6


@pytest.mark.parametrize("state", ["failed", "vanished"])
async def test_a_file_that_fails_lets_those_after_it_pass(scene: "Scene", store: Store, state: str) -> None:
    a, b = await claimed(store, "a", A), await claimed(store, "b", B)
    await load(store, b.file_id, B, batch_rows=9)
    async with store.hold([a.file_id]) as held:
        assert held is not None
        await held.end(state, "a_reason", "a sentence")
    assert await positions(scene) == [(b.file_id, 1, 1)]


async def test_a_file_refused_at_its_claim_holds_up_nobody(scene: "Scene", store: Store) -> None:
    await claimed(store, "a", A, "quarantined")
    b = await claimed(store, "b", B)
    await load(store, b.file_id, B, batch_rows=9)
    assert await positions(scene) == [(b.file_id, 1, 1)]


@pytest.mark.faults
async def test_a_batch_that_a_crash_of_the_database_takes_away_is_gone_whole(scene: "Scene", store: Store) -> None:
    """The server is killed after a commit that nobody waited for and before the disk has it: rows and progress go."""
    a = await claimed(store, "a", A)
    async with unwritten_commits(scene):
        await load(store, a.file_id, A, only=2)
        assert await there(scene) == (2, 4)
        postgres = scene.stack.part("postgres").pid
        assert postgres is not None
        os.kill(postgres, signal.SIGKILL)
        assert await until(lambda: there(scene), within=60) == (1, 2)
    await load(store, a.file_id, A)
    assert await there(scene) == (3, 5)
    assert await scene.wrong() == []


@asynccontextmanager
async def unwritten_commits(scene: "Scene") -> AsyncIterator[None]:
    """Nothing but a commit that waits for the disk writes there, for ten seconds."""
    admin = await asyncpg.connect(scene.stack.admin_dsn())
    await admin.execute("alter system set wal_writer_delay = '10s'")
    await admin.execute("select pg_reload_conf()")
    yield
    admin = await asyncpg.connect(scene.stack.admin_dsn())
    await admin.execute("alter system reset wal_writer_delay")
    await admin.execute("select pg_reload_conf()")
    await admin.close()


async def there(scene: "Scene") -> tuple[int, ...] | None:
    """Batches and rows that are there; None while the server is not."""
    try:
        connection = await asyncpg.connect(scene.stack.dsn("okr_readonly", "raw"))
    except (OSError, asyncpg.PostgresError):
        return None
    try:
        return tuple(
            await connection.fetchrow(
                "select (select sum(batches)::int from file), (select count(*)::int from raw_row)"
            )
        )
    finally:
        await connection.close()


async def test_a_revert_refers_to_the_rows_of_the_first_time_however_often(scene: "Scene", store: Store) -> None:
    a, b = await claimed(store, "a", A), await claimed(store, "b", B)
    await load(store, a.file_id, A)
    await load(store, b.file_id, B)
    for name, content, original in (("a2", A, a.file_id), ("b2", B, b.file_id), ("a3", A, None)):
        again = await claimed(store, name, content)
        async with store.hold([again.file_id]) as held:
            assert held is not None
            assert held.file.is_revert
            assert held.file.revert_of is not None
            assert original in {held.file.revert_of, None}
            await held.store_revert(held.file.revert_of)
    rows_of = await scene.fetch(
        "select distinct b.rows_of, o.rows_of as twice from batch b join batch o on o.batch_id = b.rows_of"
    )
    assert {row["twice"] for row in rows_of} == {None}
    assert [position for *_, position in await positions(scene)] == list(range(1, 16))


async def test_a_copy_of_a_file_on_its_way_is_no_news_unless_another_came_between(store: Store) -> None:
    a = await claimed(store, "a", A)
    assert await claimed(store, "copy", A) == Claim(a.file_id, new=False)
    await claimed(store, "b", B)
    back = await claimed(store, "back", A)
    assert back.new
    async with store.hold([back.file_id]) as held:
        assert held is not None
        assert held.file.must_wait
    await load(store, a.file_id, A)
    async with store.hold([back.file_id]) as held:
        assert held is not None
        assert held.file.is_revert


async def test_one_path_is_claimed_once_and_one_file_held_once(store: Store) -> None:
    a = await claimed(store, "a", A)
    assert await store.claim(candidate("a", A)) is None
    async with store.hold([a.file_id]) as first, store.hold([a.file_id]) as second:
        assert first is not None
        assert second is None
    async with store.hold([a.file_id]) as third:
        assert third is not None


async def test_a_batch_stored_by_another_replica_meanwhile_is_not_stored_again(scene: "Scene", store: Store) -> None:
    a = await claimed(store, "a", A)
    async with store.hold([a.file_id]) as held:
        assert held is not None
        ours, theirs = await batches(held, A, 9), await batches(held, A, 9)
        await held.store([Portion(held.file, theirs[0], 1)], Read())
        with pytest.raises(FencedError):
            await held.store([Portion(held.file, ours[0], 1)], Read())
        with pytest.raises(FencedError):
            await held.end("failed", "a_reason", "a sentence")
    assert await positions(scene) == [(a.file_id, 1, 1)]
    assert await scene.database.fetchval("select count(*) from raw_row") == 5


async def let_go(scene: "Scene", store: Store, file_id: int) -> None:
    await scene.until(1, "select count(*) from file where file_id = $1 and state = 'quarantined'", file_id)
    await Quarantine(store).let_go(file_id, "goals", None)


async def test_a_file_let_go_has_its_turn_after_those_claimed_until_then_and_is_the_last_word(
    scene: "Scene", store: Store
) -> None:
    bad = b"id,x\n" + b"a1,1\n" + b"short\n" * 3
    a, b, c = await claimed(store, "a", bad), await claimed(store, "b", B), await claimed(store, "c", C)
    await load(store, a.file_id, bad, batch_rows=9)
    await load(store, b.file_id, B, batch_rows=9)
    await let_go(scene, store, a.file_id)
    assert await positions(scene) == [(a.file_id, 1, None), (b.file_id, 1, 1)]  # c is still on its way
    d = await claimed(store, "d", A)
    await load(store, d.file_id, A, batch_rows=9)
    await load(store, c.file_id, C, batch_rows=9)
    order = await scene.fetch("select file_id from batch order by position")
    assert [row["file_id"] for row in order] == [b.file_id, c.file_id, a.file_id, d.file_id]


async def test_a_copy_of_a_file_let_go_last_is_no_news_and_one_of_a_file_before_it_is_a_revert(
    scene: "Scene", store: Store
) -> None:
    bad = b"id,x\n" + b"a1,1\n" + b"short\n" * 3
    a, b = await claimed(store, "a", bad), await claimed(store, "b", B)
    await load(store, a.file_id, bad, batch_rows=9)
    await load(store, b.file_id, B, batch_rows=9)
    await let_go(scene, store, a.file_id)
    assert await claimed(store, "a-copy", bad) == Claim(a.file_id, new=False)
    again = await claimed(store, "b-copy", B)
    assert again.new
    assert [
        row["revert_of"] for row in await scene.fetch("select revert_of from file where revert_of is not null")
    ] == [b.file_id]


async def test_a_file_is_compared_with_the_one_before_it_not_with_one_that_was_loaded_earlier(
    scene: "Scene", store: Store
) -> None:
    first, large, small = (
        await claimed(store, "first", A),
        await claimed(store, "large", A + b"z,1\n"),
        await claimed(store, "small", B),
    )
    await load(store, first.file_id, A, batch_rows=9)
    await load(store, small.file_id, B, batch_rows=9)
    await load(store, large.file_id, A + b"z,1\n")
    known = {row["file_id"]: row["known_rows"] for row in await scene.fetch("select file_id, known_rows from file")}
    assert known == {first.file_id: None, large.file_id: 5, small.file_id: 0}


ONE_CHANGED = A.replace(b"a4,1", b"a4,2")


async def test_a_file_whose_news_take_too_long_to_keep_is_stored_without_them(
    scene: "Scene", store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "COUNT_SECONDS", 0.3)
    first, second = await claimed(store, "first", A), await claimed(store, "second", ONE_CHANGED)
    await load(store, first.file_id, A)
    owner = await scene.admin()
    async with owner.transaction():
        await owner.execute("lock table changed_row in exclusive mode")  # who wants to write to it waits
        await load(store, second.file_id, ONE_CHANGED)
    assert await stored(scene, second) == ("done", 3, 4, None)
    assert await scene.database.fetchval("select count(*) from changed_row") == 0


async def test_a_file_that_takes_too_long_to_compare_is_stored_all_the_same(
    scene: "Scene", store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await claimed(store, "first", A), await claimed(store, "second", ONE_CHANGED)
    await load(store, first.file_id, A)
    monkeypatch.setattr(changes, "COUNT_SECONDS", 1e-6)
    await load(store, second.file_id, ONE_CHANGED)
    assert await stored(scene, second) == ("done", 3, None, None)


async def stored(scene: "Scene", claim: Claim) -> tuple[object, ...]:
    """Its state, batches, the rows known before, and the file it was compared with row by row."""
    (row,) = await scene.fetch(
        "select state, batches, known_rows, compared_with from file where file_id = $1", claim.file_id
    )
    return tuple(row.values())


async def test_a_revert_whose_original_was_let_go_meanwhile_goes_on_with_its_own_batches(
    scene: "Scene", store: Store
) -> None:
    a = await claimed(store, "a", A)
    await claimed(store, "b", B)
    back = await claimed(store, "back", A)
    async with store.hold([a.file_id]) as held:
        assert held is not None
        await held.end("failed", "a_reason", "a sentence")
    await load(store, back.file_id, A, only=1)
    await load(store, back.file_id, A)
    (row,) = await scene.fetch("select state, rows from file where file_id = $1", back.file_id)
    assert (row["state"], row["rows"]) == ("done", 5)


async def test_words_that_no_column_holds_do_not_stop_the_files_beside_them(store: Store) -> None:
    odd = replace(candidate("odd", A, "failed"), detail="a NUL: \0, half a pair: \ud800")
    claims = await store.claim_all([odd, candidate("b", B)])
    assert [claim is not None and claim.new for claim in claims] == [True, True]


async def test_of_files_of_a_size_that_are_done_it_knows_what_their_bytes_said(store: Store) -> None:
    """A file on its way, and one whose source declares its encoding, say nothing for a copy."""
    a, b, c = (replace(candidate(*one), look=Look(LARGE_BYTES, 1, 1)) for one in (("a", A), ("b", B), ("c", C)))
    assert a.dialect is not None
    said = Encoding("cp1252", guessed=False, how=DECLARED)
    for one in (a, replace(b, dialect=replace(a.dialect, encoding=said)), c):
        claim = await store.claim(one)
        assert claim is not None
        if one is not c:
            await load(store, claim.file_id, A if one is a else B)
    assert await store.encodings(LARGE_BYTES) == {a.sha256: a.dialect.encoding}
    assert await store.encodings(LARGE_BYTES + 1) == {}
