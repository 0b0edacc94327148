"""okr_raw: requests, their pages as released batches, and the last known look of every object.

A page is one transaction: rows, cursor, position and what is to be said of it. It takes the source's row first.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg

from okr_common import crash, metrics
from okr_common.delivery.outbox import Connection, Outgoing, announce, put
from okr_common.delivery.release import lock_source, release
from okr_common.errors import FencedError, PermanentError
from okr_common.postgres.copying import copied
from okr_common.sources import ApiBlock
from okr_common.sql import queries
from okr_common.topics import RAW_RECORDS
from okr_common.topology import Stage
from okr_ingest_api.domain.objects import Row, Unreadable, news, read_objects
from okr_ingest_api.domain.paging import Page
from okr_ingest_api.domain.requests import Request, following, request_id

SQL = queries("okr_ingest_api")
_ROW = ("batch_id", "row_num", "cells", "first_line", "last_line", "byte_start", "byte_len", "row_hash")
_UNREADABLE = ("batch_id", "number", "first_line", "last_line", "byte_start", "byte_len", "reason", "detail", "raw")


class Store:
    """What ingest-api writes."""

    def __init__(self, pool: asyncpg.Pool, stage: Stage) -> None:
        self.pool = pool
        self.stage = stage

    @asynccontextmanager
    async def hold(self, source: str, *, is_missed: bool = False) -> AsyncIterator["Held | None"]:
        """The source, for nobody else to fetch meanwhile; None where another replica fetches it now.

        `is_missed`: it matters which objects a request has no more.
        """
        async with self.pool.acquire() as connection:
            if not await connection.fetchval(SQL["try_hold"], source):
                yield None
                return
            try:
                yield Held(connection, source, self.stage, is_missed=is_missed)
            finally:
                if not connection.is_closed():
                    await connection.execute(SQL["let_go"], source)


class Held:
    """A source and the session that holds it."""

    def __init__(self, connection: Connection, source: str, stage: Stage, *, is_missed: bool = False) -> None:
        self._connection = connection
        self._source = source
        self._stage = stage
        self._is_missed = is_missed

    async def unfinished(self) -> Request | None:
        """The request that was left before its last page, whatever run it belongs to."""
        row = await self._connection.fetchrow(SQL["unfinished"], self._source)
        return None if row is None else as_request(row)

    async def request_of(self, run_id: UUID) -> Request:
        """This run's own request, begun now where it is not there; none of another run may be unfinished."""
        own = request_id(self._source, run_id)
        async with self._connection.transaction():
            await lock_source(self._connection, self._source)
            await self._connection.execute(SQL["begin"], own, self._source, run_id)
            row = await self._connection.fetchrow(SQL["request"], own)
        assert row is not None  # noqa: S101 - it was just put there
        return as_request(row)

    async def add(self, request: Request, page: Page, api: ApiBlock, max_pages: int) -> Request:
        """Stores what is news on the page and moves the cursor behind it. Raises FencedError if another did.

        Where it matters what is gone, a request that changed anything ends with a batch, be it an empty one. Unreadable
        records that are known to the byte count, and are not stored again.
        """
        rows, unreadable = await asyncio.to_thread(read_objects, page.records, api)
        state = following(request, page.following, max_pages)
        async with self._connection.transaction():
            await lock_source(self._connection, self._source)
            fresh = news(rows, await self._known(rows))
            ends = self._is_missed and state == "done"
            if self._is_missed:
                await self._see(request, rows)
            unknown = await self._unknown(unreadable)
            stored = bool(fresh or unknown or (ends and (request.batches or await self._lacks(request))))
            after = await self._connection.fetchrow(
                SQL["advance"],
                request.request,
                request.pages,
                page.following,
                state,
                int(stored),
                len(fresh),
                len(rows) - len(fresh),
                len(unreadable),
                len(unreadable) - len(unknown),
            )
            if after is None:
                raise FencedError(f"{self._source}: another replica has fetched page {request.pages + 1} already")
            if stored:
                await self._store(request, fresh, unknown, api)
            if ends and stored:
                await self._lose(request)
            crash.point("before_commit")
        crash.point("after_commit")
        self._count(fresh, rows, unreadable)
        return as_request(after)

    async def _known(self, rows: Sequence[Row]) -> dict[str, bytes]:
        ids = [row.object_id for row in rows]
        found = await self._connection.fetch(SQL["known_objects"], self._source, ids)
        return {row["object_id"]: bytes(row["row_hash"]) for row in found}

    async def _unknown(self, unreadable: Sequence[Unreadable]) -> list[Unreadable]:
        if not unreadable:
            return []
        found = await self._connection.fetch(SQL["known_unreadable"], self._source, [one.raw for one in unreadable])
        known = {bytes(row["raw"]) for row in found}
        return [one for one in unreadable if one.raw not in known]

    async def _see(self, request: Request, rows: Sequence[Row]) -> None:
        ids = [row.object_id for row in rows]
        await self._connection.execute(SQL["see_objects"], self._source, request.request, ids)

    async def _lacks(self, request: Request) -> bool:
        """Whether there are objects that it has not come to."""
        return bool(await self._connection.fetchval(SQL["lacks_objects"], self._source, request.request))

    async def _lose(self, request: Request) -> None:
        """The request is at its end: what it did not come to is gone, and so are the rows that said something else."""
        await self._connection.execute(SQL["lose_objects"], self._source, request.request)
        await self._connection.execute(SQL["lose_rows"], self._source)

    async def _store(
        self, request: Request, fresh: Sequence[Row], unreadable: Sequence[Unreadable], api: ApiBlock
    ) -> None:
        """One batch: its rows, its position, and what is said of it."""
        first, page = request.rows + 1, request.pages + 1
        batch_id = await self._connection.fetchval(
            SQL["add_batch"], self._source, request.request, request.batches + 1, first, len(fresh), len(unreadable)
        )
        await copied(
            self._connection,
            self._connection.copy_records_to_table(
                "raw_row", records=_rows(batch_id, first, page, fresh), columns=_ROW
            ),
        )
        crash.point("after_copy")
        await copied(
            self._connection,
            self._connection.copy_records_to_table(
                "unreadable", records=_unreadable(batch_id, page, unreadable), columns=_UNREADABLE
            ),
        )
        await self._connection.execute(
            SQL["remember_objects"],
            self._source,
            batch_id,
            [row.object_id for row in fresh],
            [row.row_hash for row in fresh],
            [first + number for number in range(len(fresh))],
            request.request,
        )
        events = await release(self._connection, self._source, [batch_id])
        records = [publish_unit(self._source, batch_id, api)] if fresh else []
        await put(
            self._connection, self._stage.service, [*(announce(event, self._stage) for event in events), *records]
        )

    async def trouble(self, request: Request, why: PermanentError, not_before: datetime | None = None) -> None:
        """Notes why the request waits at its cursor."""
        await self._connection.execute(SQL["trouble"], request.request, why.reason, str(why), not_before)

    async def fail(self, request: Request, why: PermanentError) -> None:
        """The request ends here; the next run begins at the first page."""
        await self._connection.execute(SQL["fail"], request.request, why.reason, str(why))

    async def rewind(self, request: Request, why: PermanentError) -> Request:
        """The request begins at the first page again."""
        row = await self._connection.fetchrow(SQL["rewind"], request.request, why.reason, str(why))
        if row is None:
            raise FencedError(f"{self._source}: another replica has ended request {request.request}")
        return as_request(row)

    def _count(self, fresh: Sequence[Row], rows: Sequence[Row], unreadable: Sequence[Unreadable]) -> None:
        metrics.ROWS_INGESTED.labels(self._source).inc(len(fresh))
        metrics.API_OBJECTS.labels(self._source, "stored").inc(len(fresh))
        metrics.API_OBJECTS.labels(self._source, "unchanged").inc(len(rows) - len(fresh))
        for one in unreadable:
            metrics.ROWS_UNREADABLE.labels(self._source, one.reason).inc()
            metrics.API_OBJECTS.labels(self._source, "unreadable").inc()


def as_request(row: asyncpg.Record) -> Request:
    """A row of api_request."""
    return Request(**dict(row))


def records_key(source: str) -> str:
    """The order key of a source's raw records: they are in order among themselves, and hold up no event."""
    return f"{source}/rows"


def publish_unit(source: str, batch_id: int, api: ApiBlock) -> Outgoing:
    """The rows of a batch as one outbox row; it keeps where an object's id is, whatever becomes of the mapping."""
    unit = {"batch_id": batch_id, "object_id": api.object_id}
    return Outgoing(records_key(source), RAW_RECORDS.name, records_key(source), unit=unit)


def _rows(batch_id: int, first: int, page: int, fresh: Sequence[Row]) -> list[tuple[object, ...]]:
    return [
        (batch_id, number, row.cells, page, page, row.place, len(row.cells.encode()), row.row_hash)
        for number, row in enumerate(fresh, first)
    ]


def _unreadable(batch_id: int, page: int, unreadable: Sequence[Unreadable]) -> list[tuple[object, ...]]:
    return [
        (batch_id, number, page, page, one.place, len(one.raw), one.reason, one.detail, one.raw)
        for number, one in enumerate(unreadable, 1)
    ]
