"""The floor of etl: the same writes done bare, one stage after another, in one process.

Read raw rows back -> COPY check-ins into a table beside and upsert from it -> COPY versions -> produce each version.
"""

import csv
import io
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import orjson
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from workload import ENCODING, MONTH, TARGET, YEAR

from okr_stack.stack import Stack

ACTUAL = 13
TOPIC = "bench_floor"
COPY = {"format": "csv", "delimiter": "\x02", "quote": "\x01"}
TABLES = """
create table raw (row_num int primary key, cells json);
create table check_in (id text primary key, key_result text, as_of text, value numeric, target numeric);
create table version (id text, revision int, payload json, primary key (id, revision));
"""


class Floor:
    """In a database and a topic of its own."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._seconds: dict[str, float] = {}

    async def run(self, content: bytes) -> dict[str, Any]:
        """Seconds of each stage; `seconds` is their sum."""
        server = await asyncpg.connect(self._stack.admin_dsn())
        await server.execute("create database bench_floor")
        connection = await asyncpg.connect(self._stack.admin_dsn("bench_floor"))
        try:
            await connection.execute(TABLES)
            await connection.copy_to_table("raw", source=io.BytesIO(_raw_lines(content)), **COPY)
            await connection.execute("checkpoint")
            admin = AdminClient({"bootstrap.servers": self._stack.addresses.bootstrap})
            admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result()
            await self._stages(connection)
        finally:
            await connection.close()
            await server.execute("drop database bench_floor")
            await server.close()
        return {"seconds": sum(self._seconds.values()), "stages": self._seconds}

    async def _stages(self, connection: asyncpg.Connection) -> None:
        rows = await self._timed("read back", lambda: _rows(connection))
        await self._timed("upsert check-ins", lambda: _upsert(connection, rows))
        payloads = [orjson.dumps({"id": _key(row), "value": row[ACTUAL], "target": row[TARGET]}) for row in rows]
        await self._timed("copy versions", lambda: _copy_versions(connection, rows, payloads))
        await self._timed("produce", lambda: self._produce(rows, payloads))

    async def _timed(self, stage: str, work: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - what the stage makes
        start = time.perf_counter()
        made = await work()
        self._seconds[stage] = time.perf_counter() - start
        return made

    async def _produce(self, rows: list[list[str]], payloads: list[bytes]) -> None:
        bootstrap = self._stack.addresses.bootstrap
        settings = {"enable.idempotence": True, "acks": "all", "compression.type": "lz4"}
        producer = Producer({"bootstrap.servers": bootstrap, "queue.buffering.max.messages": 2_000_000, **settings})
        for row, payload in zip(rows, payloads, strict=True):
            producer.produce(TOPIC, payload, row[0].encode(), partition=0, headers=[("ce_id", b"0" * 36)])
        producer.flush()


def _raw_lines(content: bytes) -> bytes:
    reader = csv.reader(io.StringIO(content.decode(ENCODING), newline=""), strict=True)
    next(reader)
    return b"".join(b"%d\x02%s\n" % (number, orjson.dumps(cells)) for number, cells in enumerate(reader, 1))


async def _rows(connection: asyncpg.Connection) -> list[list[str]]:
    buffer = io.BytesIO()
    await connection.copy_from_query("select cells from raw order by row_num", output=buffer, **COPY)
    return [orjson.loads(line) for line in buffer.getvalue().splitlines()]


def _key(row: list[str]) -> str:
    return f"{row[0]}/{row[YEAR]}-{row[MONTH]}"


async def _upsert(connection: asyncpg.Connection, rows: list[list[str]]) -> None:
    lines = [f"{_key(r)}\x02{r[0]}/{r[YEAR]}\x02{r[YEAR]}-{r[MONTH]}\x02{r[ACTUAL]}\x02{r[TARGET]}\n" for r in rows]
    await connection.execute("create temp table staged (like check_in)")
    await connection.copy_to_table("staged", source=io.BytesIO("".join(lines).encode()), **COPY)
    await connection.execute(
        "insert into check_in select * from staged on conflict (id) do update set value = excluded.value"
    )


async def _copy_versions(connection: asyncpg.Connection, rows: list[list[str]], payloads: list[bytes]) -> None:
    lines = [b"%b\x021\x02%b\n" % (_key(row).encode(), payload) for row, payload in zip(rows, payloads, strict=True)]
    await connection.copy_to_table("version", source=io.BytesIO(b"".join(lines)), **COPY)
