"""What the oracle looks at: one unmoving, read-only view of each database, and the broker."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from okr_cli.reach import Reach
from okr_common.postgres.names import DATABASES
from okr_common.sql import queries

SQL = queries(__package__)
PREFETCH = 5_000


@dataclass(frozen=True)
class View:
    """A database as it was when the look began."""

    connection: asyncpg.Connection

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """All rows of a named query."""
        return await self.connection.fetch(SQL[query], *arguments)

    async def stream(self, query: str, *arguments: object) -> AsyncIterator[asyncpg.Record]:
        """The rows of a named query, a few thousand at a time."""
        async for row in self.connection.cursor(SQL[query], *arguments, prefetch=PREFETCH):
            yield row

    async def value(self, query: str, *arguments: object) -> object:
        """The one value of a named query."""
        return await self.connection.fetchval(SQL[query], *arguments)


@dataclass(frozen=True)
class Evidence:
    """All four databases and where the broker is."""

    raw: View
    processed: View
    curated: View
    ops: View
    bootstrap: str

    def databases(self) -> Mapping[str, View]:
        """The views by name."""
        return {name: getattr(self, name) for name in DATABASES}


@asynccontextmanager
async def evidence(reach: Reach) -> AsyncIterator[Evidence]:
    """Opens the views; each is a repeatable-read transaction, so that a check sees one moment of it."""
    async with AsyncExitStack() as stack:
        views = {}
        for name in DATABASES:
            connection = await reach.connect(name)
            stack.push_async_callback(connection.close)
            await stack.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
            views[name] = View(connection)
        yield Evidence(**views, bootstrap=reach.bootstrap)
