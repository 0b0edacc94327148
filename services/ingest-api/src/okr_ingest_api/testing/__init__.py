"""For tests: a fetcher that is quick to give up, and what it left in okr_raw."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from okr_common.sources import ApiBlock
from okr_common.sql import queries
from okr_common.topology import STAGES
from okr_ingest_api.client import Clients
from okr_ingest_api.domain.requests import Request
from okr_ingest_api.fetcher import Fetcher
from okr_ingest_api.settings import IngestApiSettings
from okr_ingest_api.store.pages import Store

SQL = queries(__package__)
STAGE = STAGES["ingest-api"]
SOURCE = "goals"
QUICK = IngestApiSettings(timeout_seconds=1.0, attempts=4, first_wait_seconds=0.01, longest_wait_seconds=2.0)


@dataclass
class Fetching:
    """A fetcher, its source, and the database it writes to."""

    pool: asyncpg.Pool
    api: ApiBlock
    settings: IngestApiSettings = QUICK
    is_missed: bool = False
    """It matters what the source has no more."""
    fetcher: Fetcher = field(init=False)

    def __post_init__(self) -> None:
        store, clients = Store(self.pool, STAGE), Clients(self.settings)
        self.fetcher = Fetcher(store, clients, self.settings, lambda: None, lambda _: self.is_missed)

    async def fetch(self, run_id: UUID | None = None) -> Request:
        """One pass, of a run of its own unless one is named."""
        return await self.fetcher.fetch(SOURCE, self.api, run_id or uuid4())

    def with_api(self, **changes: object) -> "Fetching":
        """Another fetcher on the same database, with these changes to the endpoint."""
        return replace(self, api=self.api.model_copy(update=changes))

    def with_settings(self, **changes: object) -> "Fetching":
        """Another fetcher on the same database, with these settings."""
        return replace(self, settings=self.settings.model_copy(update=changes))

    def missing(self) -> "Fetching":
        """Another fetcher on the same database, to which it matters what the source has no more."""
        return replace(self, is_missed=True)

    async def standing(self) -> list[Any]:
        """The stored rows that are still said, in the order of positions."""
        return [orjson.loads(row["cells"]) for row in await self.pool.fetch(SQL["standing"])]

    async def objects(self) -> list[Any]:
        """Every stored row, in the order of positions."""
        rows = await self.pool.fetch(SQL["rows"])
        return [orjson.loads(row["cells"]) for row in rows]

    async def request(self) -> Request:
        """The newest request."""
        row = await self.pool.fetchrow(SQL["newest"], SOURCE)
        assert row is not None  # noqa: S101 - for tests
        return Request(**{name: row[name] for name in Request.__dataclass_fields__})

    async def outbox(self) -> Counter[str]:
        """What waits to be announced, by topic."""
        return Counter(row["topic"] for row in await self.pool.fetch(SQL["topics"]))
