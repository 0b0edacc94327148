"""File to predictions: the whole path over Kafka, as rows per second and as a ratio to the floor of the same run."""

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncpg
import workload
from confluent_kafka.admin import AdminClient, NewTopic
from floor import Floor
from watch import Watch

from okr_stack.stack import Stack

TOPIC = "bench_floor"
GIVE_UP_SECONDS = 600


def floor(stack: Stack, content: bytes) -> dict[str, Any]:
    """Seconds of the bare stages, in a database and a topic of their own."""
    admin = AdminClient({"bootstrap.servers": stack.addresses.bootstrap})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result()
    bare = Floor(stack.addresses.bootstrap, TOPIC)
    total = asyncio.run(_in_own_database(stack, bare, content))
    admin.delete_topics([TOPIC])[TOPIC].result()
    return {"seconds": total, "stages": bare.seconds}


async def _in_own_database(stack: Stack, bare: Floor, content: bytes) -> float:
    server = await asyncpg.connect(stack.admin_dsn())
    await server.execute("create database bench_floor")
    connection = await asyncpg.connect(stack.admin_dsn("bench_floor"))
    try:
        return await bare.run(connection, content)
    finally:
        await connection.close()
        await server.execute("drop database bench_floor")
        await server.close()


def measure(stack: Stack, inbox: Path, rows: int) -> dict[str, Any]:
    """Drops one file of so many rows and waits for its last live prediction."""
    content, predictable = workload.repeated(rows)
    bare = floor(stack, content)
    watch = Watch(stack.addresses.bootstrap)
    try:
        start = drop(inbox, "flow.csv", content)
        last = watch.wait(predictable, GIVE_UP_SECONDS)
        version_1 = asyncio.run(_version_1(stack, start))
    finally:
        watch.close()
    seconds = last - start
    return {
        "rows": rows,
        "predictable": predictable,
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "floor_seconds": bare["seconds"],
        "floor_stages": bare["stages"],
        "ratio_to_floor": seconds / bare["seconds"],
        "seconds_to_version_1": version_1,
        "predictions_by_version": watch.versions,
    }


def drop(inbox: Path, name: str, content: bytes) -> float:
    """Puts a complete file into the watched folder; returns when it was there (seconds, monotonic)."""
    part = inbox / f".{name}.part"
    part.write_bytes(content)
    part.rename(inbox / name)
    return time.monotonic()


async def _version_1(stack: Stack, start: float) -> float:
    connection = await asyncpg.connect(stack.env()["OKR_POSTGRES_DSN_OPS"])
    try:
        while not await connection.fetchval("select exists (select from model_version where version = 1)"):
            if time.monotonic() - start > GIVE_UP_SECONDS:
                raise TimeoutError(f"no version 1 within {GIVE_UP_SECONDS} s")
            await asyncio.sleep(0.05)
        return time.monotonic() - start
    finally:
        await connection.close()
