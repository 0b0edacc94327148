"""The next batch of a source is typed while one is written, and waits for no batch that is written by nobody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from okr_common.paths import repository
from okr_common.postgres.pool import RETRYABLE
from okr_common.sources import Mapping
from okr_common.testing.waiting import until
from okr_etl.testing import RawWriter, undisturbed
from okr_etl.testing.inner import Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
SOURCE = "mta_nyct"
Table = tuple[list[str], list[list[str]]]
Told = tuple[object, ...]
Expected = Callable[[], Awaitable[list[Told]]]
WAITING = "select pid from pg_stat_activity where wait_event_type = 'Lock' and usename = 'okr_etl'"
SEQUENCE = (
    "select entity, entity_id::text, revision, knowledge_time, payload from entity_version order by position, seq"
)
MOVE_HEAD = "update source_head set coming = coming + interval '1 day' where source = $1"
HOLD_HEAD = "update source_head set position = 1 where source = $1 and position = 0"
"""As another replica that applies the first batch; it has, once this is committed."""


@pytest.fixture
async def etl(fresh_stack: StackUnderTest) -> AsyncIterator[Inner]:
    async with inner(fresh_stack.dsn, repository() / "configs" / "sources") as parts:
        yield parts


@pytest.fixture
async def other(fresh_stack: StackUnderTest) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else at work in okr_processed."""
    connection = await asyncpg.connect(fresh_stack.admin_dsn("okr_processed"))
    yield connection
    await connection.close()


def foretold() -> float:
    return REGISTRY.get_sample_value("okr_batches_foretold_total", {"source": SOURCE}) or 0


def prepared() -> float:
    return REGISTRY.get_sample_value("okr_batches_prepared_total", {"source": SOURCE}) or 0


async def test_the_next_batch_is_typed_while_one_is_written(
    etl: Inner, raw: RawWriter, other: asyncpg.Connection, mta_file: Table
) -> None:
    header, rows = mta_file
    await raw.release(SOURCE, header, rows[:600], batch_rows=300)
    before = prepared()

    async def both_are_typed() -> bool:
        return prepared() == before + 2

    async with other.transaction():
        await other.execute("lock table entity_version in share mode")  # it may be read, so compared with; not written
        first = asyncio.create_task(etl.applier._next(SOURCE))
        await until(both_are_typed)
        assert not first.done()
    assert await first
    await etl.apply_all(SOURCE)
    assert prepared() == before + 2, "what was typed ahead is taken"


@pytest.mark.parametrize("fails", [False, True], ids=["changes nothing", "fails"])
async def test_no_batch_waits_for_one_that_is_not_written(
    etl: Inner, raw: RawWriter, other: asyncpg.Connection, mta_file: Table, *, fails: bool
) -> None:
    """The first batch was applied by another replica in the midst; the second one is here in its turn."""
    header, rows = mta_file
    await raw.release(SOURCE, header, rows[:600], batch_rows=300)
    await other.execute("insert into source_head (source) values ($1)", SOURCE)
    async with other.transaction():
        assert await other.execute(HOLD_HEAD, SOURCE) == "UPDATE 1"
        first = asyncio.create_task(etl.applier._next(SOURCE))
        pid = await until(lambda: other.fetchval(WAITING))
        if fails:
            await other.execute("select pg_terminate_backend($1, 5000)", pid)
            with pytest.raises(RETRYABLE):
                await first
    if not fails:
        assert await first
    async with asyncio.timeout(20):
        await etl.apply_all(SOURCE)
    applied = await etl.pool.fetch("select position, rows from batch_result")
    assert [tuple(row) for row in applied] == [(2, 300)]


@pytest.fixture
async def expected(fresh_stack: StackUnderTest, mta: Mapping) -> AsyncIterator[Expected]:
    """What one undisturbed run publishes of what is released."""
    connection = await asyncpg.connect(fresh_stack.dsn("okr_readonly", "raw"))

    async def publishes() -> list[Told]:
        return list((await undisturbed(connection, mta)).published.iter_rows())

    yield publishes
    await connection.close()


async def test_a_batch_is_compared_while_the_one_before_is_written(
    etl: Inner, raw: RawWriter, mta_file: Table, expected: Expected
) -> None:
    header, rows = mta_file
    before = foretold()
    await raw.release(SOURCE, header, rows[:600], batch_rows=120)
    await etl.apply_all(SOURCE)
    assert foretold() == before + 3, "of five; with the first one it is forgotten what the file before said"
    assert await published(etl) == await expected()


async def test_a_batch_that_cannot_be_foretold_is_compared_in_its_turn(
    etl: Inner, raw: RawWriter, mta_file: Table, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the log tells why, for nothing else would."""

    async def fails(*_: object) -> None:
        raise ValueError("no such luck")

    monkeypatch.setattr(etl.processed, "foretell", fails)
    header, rows = mta_file
    await raw.release(SOURCE, header, rows[:600], batch_rows=200)
    before = prepared()
    with capture_logs() as logged:
        await etl.apply_all(SOURCE)
    failed = [one for one in logged if one["event"] == "foretelling_failed"]
    told = {"source": SOURCE, "error": "ValueError('no such luck')", "log_level": "warning"}
    assert failed == [{"event": "foretelling_failed", "position": position, **told} for position in (2, 3)]
    assert prepared() == before + 3, "what was typed ahead is taken all the same"
    assert await published(etl) == await expected()


async def test_what_was_foretold_of_a_batch_that_was_not_written_is_not_taken(
    etl: Inner, raw: RawWriter, other: asyncpg.Connection, mta_file: Table, expected: Expected
) -> None:
    """The connection ends before the second batch is committed, when the third one is compared already."""
    header, rows = mta_file
    await raw.release(SOURCE, header, rows[:600], batch_rows=150)
    assert await etl.applier._next(SOURCE)
    before = foretold()
    async with other.transaction():
        await other.execute("lock table entity_version in share mode")
        second = asyncio.create_task(etl.applier._next(SOURCE))
        pid = await until(lambda: other.fetchval(WAITING))
        await until(lambda: compared_ahead(etl))
        await other.execute("select pg_terminate_backend($1, 5000)", pid)
        with pytest.raises(RETRYABLE):
            await second
    assert foretold() == before
    await etl.apply_all(SOURCE)
    assert await published(etl) == await expected()


async def test_what_was_foretold_at_another_head_is_not_taken(
    etl: Inner, raw: RawWriter, other: asyncpg.Connection, mta_file: Table
) -> None:
    header, rows = mta_file
    await raw.release(SOURCE, header, rows[:600], batch_rows=150)
    assert await etl.applier._next(SOURCE)
    assert await etl.applier._next(SOURCE)
    assert await compared_ahead(etl)
    before = foretold()
    await other.execute(MOVE_HEAD, SOURCE)
    assert await etl.applier._next(SOURCE)
    assert foretold() == before
    assert await etl.applier._next(SOURCE)
    assert foretold() == before + 1, "the next one stands on the head as it is"


async def compared_ahead(etl: Inner) -> bool:
    ahead = etl.applier._preparer._ahead
    assert ahead is not None
    prepared = await ahead.task
    return prepared is not None and prepared.foretold is not None


async def published(etl: Inner) -> list[Told]:
    return [tuple(row) for row in await etl.pool.fetch(SEQUENCE)]
