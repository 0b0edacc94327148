"""The outbox, the relay, the feed and offsets on the real broker and the real database."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from okr_common import codec
from okr_common.delivery import fence, offsets, outbox
from okr_common.delivery.outbox import Outgoing, announce
from okr_common.delivery.relay import Page, Relay
from okr_common.errors import FencedError
from okr_common.events import BatchIngested
from okr_common.kafka import admin
from okr_common.kafka.consumer import Batch, Feed, Partition
from okr_common.kafka.dead_letters import MOST_BYTES
from okr_common.kafka.producer import Producer
from okr_common.kafka.reader import read_all
from okr_common.postgres.copying import copied
from okr_common.postgres.pool import AWAY, open_pool
from okr_common.testing.waiting import until
from okr_common.topics import DEAD_LETTERS, INGESTION_EVENTS, PROCESSED_RECORDS, partition_for
from okr_common.topology import STAGES
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
STAGE = STAGES["etl"]
UNIT = 12_000


def batch_ingested(position: int) -> Outgoing:
    return announce(BatchIngested(source="s", batch_id=position, position=position, rows=1, file_id=1), STAGE)


async def read_unit(unit: Mapping[str, int], after: int, limit: int) -> Page:
    places = range(after + 1, min(after + limit, unit["records"]) + 1)
    records = [Outgoing("s", PROCESSED_RECORDS.name, "s", b"key", str(place).encode()) for place in places]
    return Page(after + len(records), records)


@asynccontextmanager
async def database(stack: StackUnderTest) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(stack.dsn(STAGE.role, "processed"), "test")
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def relaying(stack: StackUnderTest, pool: asyncpg.Pool) -> AsyncIterator[Relay]:
    relay = Relay(pool, Producer(stack.bootstrap, "test"), STAGE, read_unit)
    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    try:
        yield relay
    finally:
        stop.set()
        relay.wake()
        await running


@asynccontextmanager
async def reading(feed: Feed) -> AsyncIterator[Feed]:
    feed.start()
    try:
        yield feed
    finally:
        await feed.stop()


async def take(feed: Feed, count: int) -> list[Batch]:
    batches: list[Batch] = []
    while sum(len(batch.messages) for batch in batches) < count:
        batch = await feed.next(20)
        assert batch is not None, f"only {batches} came; {feed.trouble()}"
        batches.append(batch)
        feed.handled(batch)
    return batches


async def listen(feed: Feed) -> None:
    while True:
        await feed.next(1)


async def put(pool: asyncpg.Pool, messages: Sequence[Outgoing]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await outbox.put(connection, STAGE.service, messages)


async def put_and_fail(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await outbox.put(connection, STAGE.service, [batch_ingested(1)])
        raise ZeroDivisionError


async def test_a_unit_is_wholly_there_before_the_event_that_follows_it(fresh_stack: StackUnderTest) -> None:
    records = Feed(fresh_stack.bootstrap, "records", [PROCESSED_RECORDS.name])
    events = Feed(fresh_stack.bootstrap, "events", [INGESTION_EVENTS.name])
    async with database(fresh_stack) as pool, reading(records), reading(events):
        unit = Outgoing("s", PROCESSED_RECORDS.name, "s", unit={"records": UNIT})
        await put(pool, [batch_ingested(1), unit, batch_ingested(2)])
        async with relaying(fresh_stack, pool):
            heard = [message for batch in await take(events, 2) for message in batch.messages]
            end = {batch.next_offset for batch in await take(records, UNIT)}
    assert [codec.decode_event(message.headers(), message.value()).subject for message in heard] == [
        "batch/1",
        "batch/2",
    ]
    assert max(end) == UNIT
    assert heard[1].timestamp()[1] >= heard[0].timestamp()[1]


async def test_what_a_transaction_rolls_back_is_never_said(fresh_stack: StackUnderTest) -> None:
    events = Feed(fresh_stack.bootstrap, "events", [INGESTION_EVENTS.name])
    async with database(fresh_stack) as pool, reading(events), relaying(fresh_stack, pool) as relay:
        with pytest.raises(ZeroDivisionError):
            await put_and_fail(pool)
        await put(pool, [batch_ingested(2)])
        relay.wake()
        [batch] = await take(events, 1)
    assert [codec.decode_event(one.headers(), one.value()).subject for one in batch.messages] == ["batch/2"]


async def test_a_client_that_lost_its_partitions_and_asks_for_none_is_given_up_for_another_one(
    fresh_stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okr_common.kafka.consumer.BEREFT_SECONDS", 1.0)
    events = Feed(fresh_stack.bootstrap, "events", [INGESTION_EVENTS.name])
    async with database(fresh_stack) as pool, reading(events), relaying(fresh_stack, pool) as relay:
        await put(pool, [batch_ingested(1)])
        relay.wake()
        [first] = await take(events, 1)
        events.handled(first)
        events._hold(set())  # as where the client says that it lost them all
        await put(pool, [batch_ingested(2)])
        relay.wake()
        heard = {message.value() for batch in await take(events, 1) for message in batch.messages}
    assert len(heard) == 1
    assert heard.isdisjoint(message.value() for message in first.messages)


async def test_a_second_relay_waits_and_the_first_one_marks_nothing_once_it_lost_the_lease(
    fresh_stack: StackUnderTest,
) -> None:
    async with database(fresh_stack) as pool:
        await put(pool, [batch_ingested(1)])
        await pool.execute(outbox.SQL["lease"], STAGE.service, "another", timedelta(minutes=1))
        async with relaying(fresh_stack, pool) as relay:
            relay.wake()
            await asyncio.sleep(0)
        assert await pool.fetchval("select count(*) from delivery.outbox where sent_at is null") == 1


class Owner:
    """Takes partitions over as the trainer does."""

    def __init__(self, stack: StackUnderTest, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._cluster, self._topics = admin.identities(stack.bootstrap, [PROCESSED_RECORDS.name])
        self.held: dict[Partition, offsets.Held] = {}

    async def assigned(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        for topic, partition in partitions:
            self.held[topic, partition] = await offsets.acquire(
                self._pool, "test", topic, partition, topic_id=self._topics[topic], cluster_id=self._cluster
            )
        return {part: self.held[part].next_offset for part in partitions}


async def test_an_owner_starts_where_the_last_commit_in_postgres_stands(fresh_stack: StackUnderTest) -> None:
    async with database(fresh_stack) as pool:
        await put(pool, [Outgoing("s", PROCESSED_RECORDS.name, "s", unit={"records": 3})])
        async with relaying(fresh_stack, pool):
            first, second = Owner(fresh_stack, pool), Owner(fresh_stack, pool)
            async with reading(
                Feed(fresh_stack.bootstrap, "a", [PROCESSED_RECORDS.name], assigned=first.assigned)
            ) as feed:
                [batch] = await take(feed, 3)
                part = (batch.topic, batch.partition)
                async with pool.acquire() as connection, connection.transaction():
                    first.held[part] = await offsets.commit(connection, first.held[part], 2)
            async with reading(
                Feed(fresh_stack.bootstrap, "b", [PROCESSED_RECORDS.name], assigned=second.assigned)
            ) as feed:
                [again] = await take(feed, 1)
        assert [message.value() for message in again.messages] == [b"3"]
        with pytest.raises(FencedError):
            async with pool.acquire() as connection, connection.transaction():
                await offsets.commit(connection, first.held[part], 3)


async def test_another_topic_under_the_same_name_is_read_from_its_beginning(fresh_stack: StackUnderTest) -> None:
    async with database(fresh_stack) as pool:
        held = await offsets.acquire(pool, "test", "t", 0, topic_id="old", cluster_id="c")
        async with pool.acquire() as connection, connection.transaction():
            await offsets.commit(connection, held, 500)
        assert (await offsets.acquire(pool, "test", "t", 0, topic_id="old", cluster_id="c")).next_offset == 500
        assert (await offsets.acquire(pool, "test", "t", 0, topic_id="new", cluster_id="c")).next_offset == 0


async def test_a_new_owner_ends_the_session_of_the_former_one_and_its_locks(fresh_stack: StackUnderTest) -> None:
    former, latter = [await asyncpg.connect(fresh_stack.dsn(STAGE.role, "processed")) for _ in range(2)]
    await fence.take(former, "source/s", "former")
    transaction = former.transaction()
    await transaction.start()
    await former.execute("insert into source_head (source) values ('s')")
    await fence.take(latter, "source/s", "latter")
    await latter.execute("insert into source_head (source) values ('s')")
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError)):
        await former.execute("select 1")
    await latter.close()
    former.terminate()


@pytest.mark.parametrize("where", ["between two statements", "within a copy"])
async def test_a_transaction_that_stands_still_is_ended_and_an_idle_session_is_not(
    fresh_stack: StackUnderTest, where: str
) -> None:
    stalled, idle, guard = [await asyncpg.connect(fresh_stack.dsn(STAGE.role, "processed")) for _ in range(3)]
    await stalled.transaction().start()
    await stalled.execute("insert into source_head (source) values ('s')")
    resume, copying = asyncio.Event(), None
    if where == "within a copy":

        async def rows() -> AsyncIterator[bytes]:
            yield b"t\n"
            await resume.wait()

        copying = asyncio.create_task(stalled.copy_to_table("source_head", source=rows(), columns=["source"]))
    assert await fence.end_stalled(guard, timedelta(minutes=1)) == 0

    async def is_ended() -> bool:
        return await fence.end_stalled(guard, timedelta(milliseconds=200)) == 1

    await until(is_ended)
    await guard.execute("insert into source_head (source) values ('s')")
    resume.set()
    with pytest.raises(AWAY):
        await (copying or stalled.execute("select 1"))
    assert await idle.fetchval("select 1") == 1
    for connection in (idle, guard):
        await connection.close()
    stalled.terminate()


async def test_the_locks_of_a_process_that_says_nothing_are_freed_and_those_of_one_that_reads_on_are_not(
    fresh_stack: StackUnderTest,
) -> None:
    """It may read for long between two statements of the session that holds; another one of its says something."""
    names = ["silent", "reading", "reading", "guard"]
    silent, reading, living, guard = [
        await asyncpg.connect(fresh_stack.dsn(STAGE.role, "processed"), server_settings={"application_name": name})
        for name in names
    ]
    for number, connection in enumerate((silent, reading)):
        assert await connection.fetchval("select pg_try_advisory_lock(1, $1)", number)
    assert await fence.end_silent(guard, timedelta(minutes=1)) == 0

    async def is_ended() -> bool:
        await living.execute("select 1")
        return await fence.end_silent(guard, timedelta(milliseconds=500)) == 1

    await until(is_ended)
    await until(lambda: guard.fetchval("select pg_try_advisory_lock(1, 0)"))
    assert not await guard.fetchval("select pg_try_advisory_lock(1, 1)")
    with pytest.raises(AWAY):
        await silent.execute("select 1")
    assert await reading.fetchval("select 1") == 1
    for connection in (reading, living, guard):
        await connection.close()
    silent.terminate()


async def test_when_the_polling_thread_dies_liveness_is_red_and_the_reader_is_told(
    fresh_stack: StackUnderTest,
) -> None:
    async def refuse(_: Sequence[Partition]) -> Mapping[Partition, int]:
        raise RuntimeError("no place to start from")

    async with reading(Feed(fresh_stack.bootstrap, "dies", [PROCESSED_RECORDS.name], assigned=refuse)) as feed:
        assert feed.trouble() is None
        with pytest.raises(RuntimeError, match="no place to start from"):
            await listen(feed)
        assert "the polling thread ended: RuntimeError('no place to start from')" in str(feed.trouble())


async def test_what_was_queued_of_a_partition_goes_with_it(fresh_stack: StackUnderTest) -> None:
    """Else, once the partition comes back, a later batch would be handled before an earlier one."""
    partition = partition_for("s", PROCESSED_RECORDS.partitions)
    others: set[str] = set()

    async def at_the_beginning(partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        return dict.fromkeys(partitions, 0)

    await Producer(fresh_stack.bootstrap, "test").publish(
        [Outgoing(key, PROCESSED_RECORDS.name, key, b"k", b"1") for key in ("s", "t", "u")]
    )
    async with reading(
        Feed(fresh_stack.bootstrap, "gives", [PROCESSED_RECORDS.name], assigned=at_the_beginning)
    ) as feed:
        await until(lambda: _queued(feed, 3))
        await feed._give_up([(PROCESSED_RECORDS.name, partition)])
        while (batch := await feed.next(0.5)) is not None:
            others.add(str(batch.partition))
    assert others == {str(partition_for(key, PROCESSED_RECORDS.partitions)) for key in ("t", "u")} - {str(partition)}


async def _queued(feed: Feed, count: int) -> bool:
    return feed._queue.qsize() == count


def test_ranges_are_from_the_first_message_still_there_to_the_next_one(fresh_stack: StackUnderTest) -> None:
    ranges = admin.offset_ranges(fresh_stack.bootstrap, PROCESSED_RECORDS)
    assert ranges == dict.fromkeys(range(PROCESSED_RECORDS.partitions), (0, 0))


async def test_a_copy_whose_server_dies_while_the_socket_is_full_ends(fresh_stack: StackUnderTest) -> None:
    """asyncpg alone would wait for ever, and with it the source that is being loaded."""
    connection = await asyncpg.connect(fresh_stack.dsn(STAGE.role, "ops"))
    await connection.execute("create temporary table copied (content text)")
    backend = await connection.fetchval("select pg_backend_pid()")
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b"x" * 100_000 + b"\n"

    async def is_full() -> bool:
        before = given
        await asyncio.sleep(0.2)
        return before == given

    copying = asyncio.create_task(copied(connection, connection.copy_to_table("copied", source=endless())))
    os.kill(backend, signal.SIGSTOP)
    await until(is_full)
    os.kill(backend, signal.SIGKILL)
    done, _ = await asyncio.wait({copying}, timeout=10)
    assert done, "it waits for ever"
    assert isinstance(copying.exception(), AWAY)
    connection.terminate()
    await until(lambda: _answers(fresh_stack))  # the server restarts all its backends when one was killed


async def _answers(stack: StackUnderTest) -> bool:
    try:
        connection = await asyncpg.connect(stack.dsn(STAGE.role, "ops"))
    except (*AWAY, asyncpg.CannotConnectNowError):
        return False
    await connection.close()
    return True


async def test_a_message_its_topic_would_not_take_becomes_a_dead_letter_and_the_next_one_goes_out(
    fresh_stack: StackUnderTest,
) -> None:
    huge = Outgoing("s", INGESTION_EVENTS.name, "s", b"key", os.urandom(1_200_000).hex().encode(), {"ce_id": "huge"})
    async with database(fresh_stack) as pool, relaying(fresh_stack, pool) as relay:
        await put(pool, [huge, batch_ingested(2)])
        relay.wake()
        await until(lambda: _nothing_unsent(pool))
    (event,) = read_all(fresh_stack.bootstrap, [INGESTION_EVENTS.name])
    (letter,) = read_all(fresh_stack.bootstrap, [DEAD_LETTERS.name])
    assert event.headers["ce_subject"] == "batch/2"
    assert letter.headers["__connect.errors.exception.class.name"] == "too_large"
    assert letter.value == (huge.value or b"")[:MOST_BYTES]


async def _nothing_unsent(pool: asyncpg.Pool) -> bool:
    return await pool.fetchval("select count(*) from delivery.outbox where sent_at is null") == 0
