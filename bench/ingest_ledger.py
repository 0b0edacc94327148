"""What okr_raw says of the files that were dropped: how far they are, and when Kafka had the last word of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

STALLED_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.25
"""Seldom: the times come from the rows themselves, and looking costs the server something."""
NOTE_EVERY_SECONDS = 0.05
STANDING = """
select (select count(*) from file where source = $1 and state = 'done') as done,
    (select coalesce(sum(rows + unreadable), 0)::bigint from file where source = $1) as records,
    (select count(*) from file where source = $1 and state not in ('done', 'failed', 'vanished', 'quarantined'))
        + (select count(*) from batch where source = $1 and position is null)
        + (select count(*) from delivery.outbox where order_key = $1 and sent_at is null) as on_the_way
"""
ENDED_ILL = """
select path, state, reason, detail from file where state in ('failed', 'vanished', 'quarantined')
order by file_id limit 3
"""
ACKNOWLEDGED = """
select extract(epoch from max(sent_at))::float8 from delivery.outbox
where order_key = $1 and ($2::text is null or headers ->> 'ce_type' = $2)
"""
HELD = """
select (select count(*) from file) as files, (select count(*) from batch) as batches,
    (select coalesce(sum(rows), 0)::bigint from batch where rows_of is null) as rows_stored
"""
READ = "select sum(rows + unreadable)::bigint from file where source = $1 and expected_rows is not null"


class Ledger:
    """Asks on a connection of its own, as a role that may only read."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def until_announced(self, source: str, files: int) -> None:
        """So many files of the source are done, every batch has its position, and Kafka has acknowledged every event.

        Raises RuntimeError where a file came to another end, TimeoutError where nothing moves any more.
        """
        last, moved = None, time.monotonic()
        while True:
            now = await self._row(STANDING, source)
            if now["done"] >= files and not now["on_the_way"]:
                return
            if now != last:
                last, moved = now, time.monotonic()
            elif time.monotonic() > moved + STALLED_SECONDS:
                raise TimeoutError(f"{source}: {now}, and {files} files wanted; no change for {STALLED_SECONDS:.0f} s")
            await self._nothing_ended_ill()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _nothing_ended_ill(self) -> None:
        rows = await self._connection.fetch(ENDED_ILL)
        if rows:
            raise RuntimeError(f"not every file was loaded: {[dict(row) for row in rows]}")

    async def _row(self, query: str, *asked: object) -> dict[str, int]:
        row = await self._connection.fetchrow(query, *asked)
        assert row is not None  # noqa: S101 - all queries here give one row
        return dict(row)

    async def acknowledged(self, source: str, ce_type: str | None = None) -> float:
        """When the source's last event (of this type) was marked as acknowledged (seconds, wall clock)."""
        return float(await self._connection.fetchval(ACKNOWLEDGED, source, ce_type))

    async def held(self) -> dict[str, int]:
        """How many files and batches there are, and how many rows were stored for them."""
        return await self._row(HELD)

    async def read(self, source: str) -> int | None:
        """Records of the source's large files that are stored by now; None before the first has its plan."""
        records: int | None = await self._connection.fetchval(READ, source)
        return records


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Ledger]:
    """The ledger of this database."""
    connection = await asyncpg.connect(dsn)
    try:
        yield Ledger(connection)
    finally:
        await connection.close()


@asynccontextmanager
async def progress(dsn: str, source: str, note: Callable[[float, int], Any]) -> AsyncIterator[None]:
    """Notes (seconds, records stored) again and again while the block runs, from the file's plan on."""
    async with opened(dsn) as ledger:
        task = asyncio.create_task(_watch(ledger, source, note))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _watch(ledger: Ledger, source: str, note: Callable[[float, int], Any]) -> None:
    while True:
        records = await ledger.read(source)
        if records is not None:
            note(time.monotonic(), records)
        await asyncio.sleep(NOTE_EVERY_SECONDS)
