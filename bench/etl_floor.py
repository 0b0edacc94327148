"""The floor of etl: the very rows and messages it wrote, written once more, bare, one stage after another.

Read the raw rows back -> COPY the current rows into tables beside and upsert from them -> COPY the versions -> COPY and
upsert the documents -> produce each message. The bytes are ready; the tables have the same columns, primary keys and
indexes, and no foreign keys; one connection a database, one process, one producer.
"""

import io
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg
import orjson
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from okr_common import topics
from okr_common.kafka.reader import Read, read_all
from okr_stack.stack import Stack

TOPIC = "bench_floor"
CURRENT = ("objective", "key_result", "check_in")
VERSIONS = ("entity_version", "held_version", "key_result_revision")
DOCUMENTS = ("document",)
SETTINGS = {"enable.idempotence": True, "acks": "all", "compression.type": "lz4"}


class Floor:
    """In schemas and a topic of its own."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._seconds: dict[str, float] = {}

    async def run(self) -> dict[str, Any]:
        """Seconds of each stage; `seconds` is their sum. What etl wrote must stand in the tables, and nothing else."""
        messages = [*read_all(self._stack.addresses.bootstrap, [topics.PROCESSED_RECORDS.name])]
        raw, processed, curated = [await self._connect(name) for name in ("raw", "processed", "curated")]
        try:
            await self._timed("read back", lambda: _read_back(raw))
            await self._timed("upsert what holds", await _upserts(processed, CURRENT))
            await self._timed("copy versions", await _copies(processed, VERSIONS))
            await self._timed("upsert documents", await _upserts(curated, DOCUMENTS))
            await self._timed("produce", self._producing(messages))
        finally:
            for connection in (raw, processed, curated):
                with suppress(asyncpg.PostgresError):
                    await connection.execute("drop schema if exists bench_floor cascade")
                await connection.close()
        return {"seconds": sum(self._seconds.values()), "messages": len(messages), "stages": self._seconds}

    async def _connect(self, name: str) -> asyncpg.Connection:
        connection = await asyncpg.connect(self._stack.admin_dsn(f"okr_{name}"))
        await connection.execute("create schema bench_floor")
        return connection

    async def _timed(self, stage: str, work: Callable[[], Awaitable[Any]]) -> None:
        start = time.perf_counter()
        await work()
        self._seconds[stage] = time.perf_counter() - start

    def _producing(self, messages: list[Read]) -> Callable[[], Awaitable[None]]:
        bootstrap = self._stack.addresses.bootstrap
        admin = AdminClient({"bootstrap.servers": bootstrap})
        admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result()
        ready = [(one.value, one.key, list(one.headers.items())) for one in messages]

        async def produce() -> None:
            limits = {"queue.buffering.max.messages": 2_000_000, "queue.buffering.max.kbytes": 2_097_151}
            producer = Producer({"bootstrap.servers": bootstrap, **limits, **SETTINGS})
            for value, key, headers in ready:
                producer.produce(TOPIC, value, key, partition=0, headers=headers)
            producer.flush()

        return produce


async def _read_back(raw: asyncpg.Connection) -> None:
    buffer = io.BytesIO()
    query = "select cells from raw_row order by batch_id, row_num"
    await raw.copy_from_query(query, output=buffer, format="csv", delimiter="\x02", quote="\x01")
    for line in buffer.getvalue().splitlines():
        orjson.loads(line)


async def _ready(connection: asyncpg.Connection, table: str) -> bytes:
    """What stands in the table; beside it, empty, one of the same columns, keys and indexes."""
    buffer = io.BytesIO()
    await connection.copy_from_table(table, schema_name="public", output=buffer)
    await connection.execute(f"create table bench_floor.{table} (like public.{table} including all)")
    return buffer.getvalue()


async def _copies(connection: asyncpg.Connection, tables: tuple[str, ...]) -> Callable[[], Awaitable[None]]:
    ready = {table: await _ready(connection, table) for table in tables}
    await connection.execute("checkpoint")

    async def copy() -> None:
        for table, content in ready.items():
            await connection.copy_to_table(table, schema_name="bench_floor", source=io.BytesIO(content))

    return copy


async def _upserts(connection: asyncpg.Connection, tables: tuple[str, ...]) -> Callable[[], Awaitable[None]]:
    ready = {table: await _ready(connection, table) for table in tables}
    await connection.execute("checkpoint")

    async def upsert() -> None:
        for table, content in ready.items():
            key = "entity_id" if table == "document" else f"{table}_id"
            await connection.execute(f"create temp table staged_{table} (like public.{table})")
            await connection.copy_to_table(f"staged_{table}", source=io.BytesIO(content))
            await connection.execute(
                f"insert into bench_floor.{table} select * from staged_{table} "
                f"on conflict ({key}) do update set content_hash = excluded.content_hash"
            )

    return upsert
