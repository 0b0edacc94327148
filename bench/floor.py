"""The floor: the same bytes through the bare libraries, one stage after another, in one process.

csv -> COPY -> read back -> upsert check-ins -> produce -> consume and decode -> River predict and learn -> COPY.
"""

import csv
import io
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import orjson
from confluent_kafka import Consumer, Producer, TopicPartition
from river import compose, linear_model, preprocessing
from workload import ENCODING, MONTH, TARGET, YEAR

ACTUAL = 13
COPY = {"format": "csv", "delimiter": "\x02", "quote": "\x01"}
TABLES = """
create table raw (batch int, row_num int, cells json, primary key (batch, row_num));
create table check_in (id text primary key, key_result text, as_of text, value numeric, target numeric);
create table prediction (id text primary key, p double precision, x json);
"""


class Floor:
    """Seconds of each bare stage over one file."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self.seconds: dict[str, float] = {}

    async def run(self, connection: asyncpg.Connection, content: bytes) -> float:
        """The total, in seconds."""
        await connection.execute(TABLES)
        lines = self._timed("read csv", lambda: _copy_lines(content))
        await self._copied(connection, "copy raw", "raw", lines)
        rows = await self._read_back(connection)
        await self._upsert(connection, rows)
        self._timed("produce", lambda: self._produce(rows))
        records = self._timed("consume and decode", self._consume(len(rows)))
        predictions = self._timed("predict and learn", lambda: _learn(records))
        await self._copied(connection, "copy predictions", "prediction", predictions)
        return sum(self.seconds.values())

    def _timed(self, stage: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the stage makes
        start = time.perf_counter()
        made = work()
        self.seconds[stage] = time.perf_counter() - start
        return made

    async def _copied(self, connection: asyncpg.Connection, stage: str, table: str, content: bytes) -> None:
        start = time.perf_counter()
        await connection.copy_to_table(table, source=io.BytesIO(content), **COPY)
        self.seconds[stage] = time.perf_counter() - start

    async def _read_back(self, connection: asyncpg.Connection) -> list[list[str]]:
        start = time.perf_counter()
        rows = [orjson.loads(row[0]) for row in await connection.fetch("select cells from raw order by batch, row_num")]
        self.seconds["read raw back"] = time.perf_counter() - start
        return rows

    async def _upsert(self, connection: asyncpg.Connection, rows: list[list[str]]) -> None:
        start = time.perf_counter()
        content = "".join(
            f"{r[0]}/{r[YEAR]}-{r[MONTH]}\x02{r[0]}/{r[YEAR]}\x02{r[YEAR]}-{r[MONTH]}\x02{r[ACTUAL]}\x02{r[TARGET]}\n"
            for r in rows
        )
        await connection.execute("create temp table staged (like check_in)")
        await connection.copy_to_table("staged", source=io.BytesIO(content.encode()), **COPY)
        await connection.execute(
            "insert into check_in select * from staged on conflict (id) do update set value = excluded.value"
        )
        self.seconds["upsert check-ins"] = time.perf_counter() - start

    def _produce(self, rows: list[list[str]]) -> None:
        producer = Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                "queue.buffering.max.messages": 200_000,
            }
        )
        for row in rows:
            while True:
                try:
                    producer.produce(
                        self._topic,
                        orjson.dumps(row),
                        row[0].encode(),
                        partition=0,
                        headers=[("ce_id", b"0" * 36), ("ce_type", b"record")],
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
        producer.flush()

    def _consume(self, count: int) -> Callable[[], list[list[str]]]:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "floor",
                "enable.auto.commit": False,
                "fetch.queue.backoff.ms": 5,
            }
        )
        consumer.assign([TopicPartition(self._topic, 0, 0)])

        def work() -> list[list[str]]:
            records: list[list[str]] = []
            while len(records) < count:
                records += [orjson.loads(message.value()) for message in consumer.consume(5_000, 0.2)]
            consumer.close()
            return records

        return work


def _copy_lines(content: bytes) -> bytes:
    reader = csv.reader(io.StringIO(content.decode(ENCODING), newline=""), strict=True)
    next(reader)
    return b"".join(b"1\x02%d\x02%s\n" % (number, orjson.dumps(cells)) for number, cells in enumerate(reader, 1))


def _learn(records: list[list[str]]) -> bytes:
    model = compose.Pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression())
    lines = []
    for number, row in enumerate(records):
        actual, target = float(row[ACTUAL] or 0), float(row[TARGET] or 0)
        x = {"actual": actual, "target": target, "month": float(row[MONTH]), "margin": actual - target}
        lines.append(b"%d\x02%s\x02%s\n" % (number, repr(model.predict_proba_one(x)[True]).encode(), orjson.dumps(x)))
        if row[MONTH] == "12" and target:
            model.learn_one(x, actual >= target)
    return b"".join(lines)
