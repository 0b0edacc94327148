"""The floor of ingest: the same file through csv.reader, orjson and COPY, one process, and nothing else."""

import csv
import os
import time
from collections.abc import AsyncIterator, Callable
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from ingest_gauge import cpu_seconds

CHUNK_ROWS = 1_000
DATABASE = "bench_ingest_floor"
TABLE = """
create table raw_row (
    batch_id bigint not null, row_num bigint not null, cells json not null, first_line bigint not null,
    last_line bigint not null, byte_start bigint not null, byte_len bigint not null, row_hash bytea not null,
    repaired boolean not null default false, primary key (batch_id, row_num)
)"""
COLUMNS = ("batch_id", "row_num", "cells", "first_line", "last_line", "byte_start", "byte_len", "row_hash")
LINE = b"1\x02%d\x02%b\x021\x021\x021\x021\x02\\x00000000000000000000000000000000\n"
"""What only a lossless reader knows (lines, bytes, hash) is the same in each row: as wide on disk, and free to make."""


async def measure(
    file: Path, admin_dsn: Callable[[str], str], postgres: int, note: Callable[[float, int], Any] = lambda *_: None
) -> dict[str, Any]:
    """Seconds from opening the file to the commit, and the processor seconds of both sides.

    `admin_dsn` gives the superuser's address of a database, `postgres` is the server's first process. `note` is told
    again and again when (seconds) how many rows were sent.
    """
    server = await asyncpg.connect(admin_dsn("postgres"))
    await server.execute(f"create database {DATABASE}")
    try:
        connection = await asyncpg.connect(admin_dsn(DATABASE))
        await connection.execute(TABLE)
        os.sync()  # what was written before is not this run's to flush
        await server.execute("checkpoint")
        figures = await _timed(file, connection, postgres, note)
        await connection.close()
        return figures
    finally:
        await server.execute(f"drop database {DATABASE} with (force)")
        await server.close()


async def _timed(
    file: Path, connection: asyncpg.Connection, postgres: int, note: Callable[[float, int], Any]
) -> dict[str, Any]:
    start, own, server = time.monotonic(), time.process_time(), cpu_seconds(postgres)
    copied = await connection.copy_to_table(
        "raw_row", source=_lines(file, note), columns=COLUMNS, format="csv", delimiter="\x02", quote="\x01"
    )
    return {
        "rows": int(copied.split()[1]),
        "seconds": time.monotonic() - start,
        "cpu_seconds": time.process_time() - own,
        "postgres_cpu_seconds": cpu_seconds(postgres) - server,
    }


async def _lines(file: Path, note: Callable[[float, int], Any]) -> AsyncIterator[bytes]:
    """In pieces: the server stores one while the next is read, so this floor is lower than one stage after another."""
    with file.open(encoding="utf-8", newline="") as text:
        reader = csv.reader(text, strict=True)
        next(reader)
        numbered, sent = enumerate(reader, 1), 0
        while chunk := b"".join(LINE % (number, orjson.dumps(cells)) for number, cells in islice(numbered, CHUNK_ROWS)):
            note(time.monotonic(), sent)
            yield chunk
            sent += CHUNK_ROWS
