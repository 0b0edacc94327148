"""The oracle on the real thing: clean as it is, red for every row that is deleted, value changed, id doubled.

Each sabotage is undone before the next, and at the end all is clean again: nothing else turned it red.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from okr_cli.testing import Flow, Published
from okr_common import topics
from okr_common.delivery.outbox import Outgoing
from okr_common.kafka.producer import Producer
from okr_common.kafka.reader import Read, read_all

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

DELETED = [
    ("raw", "source", "true"),
    ("raw", "file", "state = 'done'"),
    ("raw", "raw_row", "row_num = 7"),
    ("raw", "unreadable", "true"),
    ("processed", "source_head", "true"),
    ("processed", "batch_result", "true"),
    ("processed", "entity_version", "entity = 'check_in'"),
    ("processed", "entity_version", "entity = 'outcome'"),
    ("processed", "held_version", "true"),
    ("processed", "objective", "true"),
    ("processed", "key_result", "true"),
    ("processed", "key_result_revision", "true"),
    ("processed", "check_in", "true"),
    ("processed", "outcome", "true"),
    ("processed", "rejected", "true"),
    ("curated", "document", "true"),
    ("ops", "checkpoint", "true"),
    ("ops", "key_result_state", "true"),
    ("ops", "outcome_heard", "true"),
    ("ops", "prediction", "kind = 'live'"),
    ("ops", "prediction", "kind = 'replay'"),
]
CHANGED = [
    ("raw", "raw_row", "cells", "'[\"another\"]'", "row_num = 3"),
    ("raw", "raw_row", "byte_start", "byte_start + 1", "row_num = 3"),
    ("raw", "unreadable", "raw", "'\\x00'", "true"),
    ("raw", "batch", "rows", "rows + 1", "rows > 0"),
    ("processed", "batch_result", "new", "new - 1, unchanged = unchanged + 1", "new > 0"),
    ("processed", "entity_version", "payload", "'{}'", "entity = 'key_result' and revision = 1"),
    ("processed", "check_in", "value", "value + 1", "true"),
    ("processed", "key_result", "title", "'another'", "true"),
    ("processed", "key_result_revision", "target", "coalesce(target, 0) + 1", "true"),
    ("processed", "outcome", "achieved", "not achieved", "true"),
    ("ops", "prediction", "probability", "probability / 2", "kind = 'live' and unit is not null"),
    ("ops", "prediction", "seq", "seq + 1", "kind = 'live'"),
    ("ops", "outcome_heard", "achieved", "not achieved", "true"),
    ("ops", "key_result_state", "probability", "probability / 2", "probability is not null"),
]


class Saboteur:
    """Breaks one row as the superuser, past all foreign keys and triggers, and mends it again."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    @asynccontextmanager
    async def _in(self, database: str) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._flow.stack.admin_dsn(f"okr_{database}"))
        try:
            await connection.execute("set session_replication_role = replica")
            yield connection
        finally:
            await connection.close()

    async def _stash(self, connection: asyncpg.Connection, table: str, where: str) -> str:
        """Keeps one row as it is; gives what finds it."""
        place = await connection.fetchval(f"select ctid::text from {table} where {where} order by ctid limit 1")
        assert place is not None, f"{table} has no row where {where}"
        await connection.execute(f"create temporary table stash as select * from {table} where ctid = '{place}'")
        return f"ctid = '{place}'"

    @asynccontextmanager
    async def without(self, database: str, table: str, where: str) -> AsyncIterator[None]:
        async with self._in(database) as connection:
            await connection.execute(f"delete from {table} where {await self._stash(connection, table, where)}")
            yield
            await connection.execute(f"insert into {table} overriding system value select * from stash")

    @asynccontextmanager
    async def with_another(self, database: str, table: str, change: str, where: str) -> AsyncIterator[None]:
        async with self._in(database) as connection:
            one = await self._stash(connection, table, where)
            moved = await connection.fetchval(f"update {table} set {change} where {one} returning ctid::text")
            yield
            await connection.execute(f"delete from {table} where ctid = '{moved}'")
            await connection.execute(f"insert into {table} overriding system value select * from stash")


SERVICES = ("ingest-csv", "etl", "trainer")


@pytest.fixture
async def settled(flow: Flow, published: Published) -> Flow:
    """Two files through the whole flow: one whole, one with an unreadable record and a rejected row. Then all stops."""
    rows = published.of_years(2008)
    later = published.of_years(2009)
    bad = [*later[0][:10], "someday", *later[0][11:]]
    with flow.stack.supervised(SERVICES):
        flow.drop("whole.csv", published.encoded(rows))
        await flow.predicted(len(rows))
        await flow.until("ops", "select max(version) from model_version", 1)
        # one year makes no model that passes the gates, and version 0 would learn nothing of the second
        reach, wanted = flow.reach, {"version": 1}
        await asyncio.to_thread(reach.post, "trainer", "/models/mta_nyct/promote", wanted, reach.api_key())
        flow.drop("later.csv", published.encoded([later[0], later[1][:5], bad, *later[1:]]))
        await flow.predicted(len(rows) + len(later))
    return flow


async def test_each_deleted_row_and_each_changed_value_turns_verify_red(settled: Flow) -> None:
    saboteur = Saboteur(settled)
    assert await settled.wrong() == []
    unseen = []
    for database, table, where in DELETED:
        async with saboteur.without(database, table, where):
            if not await settled.wrong():
                unseen.append(f"a row of {database}.{table} deleted where {where}")
    for database, table, column, value, where in CHANGED:
        async with saboteur.with_another(database, table, f"{column} = {value}", where):
            if not await settled.wrong():
                unseen.append(f"{database}.{table}.{column} changed")
    assert unseen == []
    assert await settled.wrong() == []


async def test_one_record_published_under_a_second_id_turns_verify_red(settled: Flow) -> None:
    assert await settled.wrong() == []
    await publish(settled, again(settled))
    assert await settled.wrong() == []  # the same record under the same id is a repeat, not a second fact
    await publish(settled, again(settled, ce_id="00000000-0000-5000-8000-000000000000"))
    (found,) = await settled.wrong()
    assert found.startswith("topics: entity versions")
    assert "a second id" in found


async def test_a_message_that_is_no_fact_needs_its_dead_letter(settled: Flow) -> None:
    await publish(settled, Outgoing("x", topics.INGESTION_EVENTS.name, "mta_nyct", value=b"not json"))
    (found,) = await settled.wrong()
    assert found.startswith("topics: strangers")
    with settled.stack.supervised(["etl"]):
        sent = "select count(*) from delivery.outbox where topic = 'okr_dead_letters' and sent_at is not null"
        await settled.until("processed", sent, 1)
    assert await settled.wrong() == []


def again(flow: Flow, **headers: str) -> Outgoing:
    """The first check-in on the topic once more."""
    first: Read = next(read_all(flow.stack.bootstrap, [topics.PROCESSED_RECORDS.name]))
    source = "mta_nyct"
    return Outgoing("again", first.topic, source, first.key, first.value, {**first.headers, **headers})


async def publish(flow: Flow, message: Outgoing) -> None:
    await Producer(flow.stack.bootstrap, "saboteur").publish([message])
