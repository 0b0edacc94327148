"""Looking at what was fetched: for the steps of a run, and for people."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import asyncpg

from okr_common.topology import Stage
from okr_ingest_api.domain.requests import Request
from okr_ingest_api.store.pages import SQL, as_request, records_key


class Ledger:
    """Reads api_request and what hangs on it."""

    def __init__(self, pool: asyncpg.Pool, stage: Stage) -> None:
        self._pool = pool
        self._stage = stage

    async def requests_of_run(self, run_id: UUID) -> list[Request]:
        """What this run has begun."""
        return [as_request(row) for row in await self._pool.fetch(SQL["requests_of_run"], run_id)]

    async def newest_rows(self, run_id: UUID, source: str, limit: int) -> list[str]:
        """The newest of the objects this run stored, as JSON."""
        return [row["cells"] for row in await self._pool.fetch(SQL["newest_rows"], run_id, source, limit)]

    async def unsent(self, sources: Sequence[str]) -> int:
        """How many outbox rows of these sources Kafka has not acknowledged."""
        keys = [key for source in sources for key in (source, records_key(source))]
        return int(await self._pool.fetchval(SQL["unsent"], self._stage.service, keys))

    async def discrepancies(self, run_id: UUID) -> list[str]:
        """Where a request's own figures differ from the batches and rows that are there."""
        rows = await self._pool.fetch(SQL["stored"], run_id)
        return [told for row in rows for told in _differences(row)]

    async def latest(self) -> dict[str, Request]:
        """The newest request of each source."""
        requests = [as_request(row) for row in await self._pool.fetch(SQL["latest_requests"])]
        return {request.source: request for request in requests}

    async def of_source(self, source: str, limit: int) -> list[Request]:
        """The newest requests of one source."""
        return [as_request(row) for row in await self._pool.fetch(SQL["requests_of_source"], source, limit)]

    async def holdings(self) -> dict[str, dict[str, int]]:
        """By source: how many objects are known and how many batches are released."""
        rows = await self._pool.fetch(SQL["holdings"])
        return {row["source"]: {"objects": row["objects"], "batches": row["batches"]} for row in rows}


def as_json(request: Request) -> dict[str, Any]:
    """A request as people see it."""
    return {**asdict(request), "records": request.records}


def _differences(row: asyncpg.Record) -> list[str]:
    where = f"{row['source']}, request {row['request']}"
    pairs = {
        "rows": (row["rows"], row["batch_rows"]),
        "rows found": (row["rows"], row["found_rows"]),
        "highest row": (row["rows"], row["highest"]),
        "unreadable": (row["unreadable"], row["batch_unreadable"]),
        "batches": (row["batches"], row["found_batches"]),
        "batches released": (row["batches"], row["released"]),
    }
    return [f"{where}: {what}: {said} said, {found} there" for what, (said, found) in pairs.items() if said != found]
