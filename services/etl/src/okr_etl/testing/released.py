"""Writes to okr_raw and okr_ingestion_events what an ingest service would."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

import asyncpg
import orjson

from okr_common.delivery.outbox import Outgoing, announce
from okr_common.events import BatchIngested
from okr_common.kafka.producer import Producer
from okr_common.sql import queries
from okr_common.topology import STAGES

SQL = queries(__package__)
INGEST = STAGES["ingest-csv"]
Rows = Sequence[Sequence[str]]


class RawWriter:
    """Releases batches of files; `dsn` is okr_raw's for an ingest role."""

    def __init__(self, dsn: str, bootstrap: str) -> None:
        self._dsn = dsn
        self._bootstrap = bootstrap

    async def release(
        self, source: str, header: Sequence[str], rows: Rows, *, batch_rows: int = 50_000
    ) -> list[BatchIngested]:
        """A file of these rows in batches, released; the events that tell of it are not yet published."""
        connection = await asyncpg.connect(self._dsn)
        try:
            async with connection.transaction():
                await connection.execute(SQL["add_source"], source)
                header_json = orjson.dumps(header).decode()
                file_id = await connection.fetchval(SQL["add_file"], source, header_json, len(rows))
                starts = range(0, max(len(rows), 1), batch_rows)
                return [
                    await self._batch(connection, (source, file_id, number), rows[start : start + batch_rows], start)
                    for number, start in enumerate(starts, start=1)
                ]
        finally:
            await connection.close()

    async def _batch(
        self, connection: asyncpg.Connection, of: tuple[str, int, int], rows: Rows, before: int
    ) -> BatchIngested:
        source, file_id, _ = of
        drawn = await connection.fetchrow(SQL["release"], *of, before + 1, len(rows), None)
        assert drawn is not None  # noqa: S101 - an insert returns its row
        records = _records(drawn["batch_id"], before, rows)
        await connection.copy_records_to_table("raw_row", records=records)
        return BatchIngested(source=source, rows=len(rows), file_id=file_id, **drawn)

    async def unreadable(self, event: BatchIngested, *reasons: str) -> None:
        """The batch has these records that are no rows, too."""
        connection = await asyncpg.connect(self._dsn)
        try:
            records = [(event.batch_id, number, reason) for number, reason in enumerate(reasons, 1)]
            await connection.executemany(SQL["add_unreadable"], records)
        finally:
            await connection.close()

    async def compare(self, events: Sequence[BatchIngested], before: Sequence[BatchIngested]) -> None:
        """The file of these events was compared with that one, the source's file before it."""
        connection = await asyncpg.connect(self._dsn)
        try:
            for query in ("compare", "changed", "gone"):
                await connection.execute(SQL[query], events[0].file_id, before[0].file_id)
        finally:
            await connection.close()

    async def revert(self, event: BatchIngested) -> BatchIngested:
        """The same bytes again, later: a new file whose batch refers to the older one's rows."""
        connection = await asyncpg.connect(self._dsn)
        try:
            header = await connection.fetchval(SQL["header"], event.file_id)
            file_id = await connection.fetchval(SQL["add_file"], event.source, header, event.rows)
            drawn = await connection.fetchrow(SQL["release"], event.source, file_id, 1, 1, event.rows, event.batch_id)
            assert drawn is not None  # noqa: S101 - an insert returns its row
            return BatchIngested(source=event.source, rows=event.rows, file_id=file_id, **drawn)
        finally:
            await connection.close()

    async def tell(self, events: Iterable[BatchIngested]) -> None:
        """Publishes the events."""
        await Producer(self._bootstrap, "test").publish([announce(event, INGEST) for event in events])

    async def say(self, value: bytes, headers: dict[str, str]) -> None:
        """Publishes anything at all on okr_ingestion_events."""
        message = Outgoing("x", BatchIngested.topic.name, "x", value=value, headers=headers)
        await Producer(self._bootstrap, "test").publish([message])


def _records(batch_id: int, before: int, rows: Rows) -> Iterator[tuple[object, ...]]:
    for number, row in enumerate(rows, start=before + 1):
        cells = orjson.dumps(row)
        digest = blake2b(cells, digest_size=16).digest()
        yield (batch_id, number, cells.decode(), number + 1, number + 1, 0, 0, digest, False)
