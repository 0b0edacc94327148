"""Asks the databases of a stack while something is measured."""

import asyncio
import time
from typing import Any

import asyncpg

from okr_stack.stack import Stack

GIVE_UP_SECONDS = 1_800
MOST_SECONDS = 0.2
"""Between two questions."""


class Asking:
    """Over one connection a database, which stays: with one a question a quarter of the server's time went there."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._connections: dict[str, asyncpg.Connection] = {}

    async def ask(self, database: str, query: str) -> Any:  # noqa: ANN401 - whatever is asked for
        """One value."""
        return await (await self._connected(database)).fetchval(query)

    async def row(self, database: str, query: str, *said: object) -> asyncpg.Record:
        """One row. Raises LookupError where there is none."""
        row = await (await self._connected(database)).fetchrow(query, *said)
        if row is None:
            raise LookupError(f"{database} has no row for: {query}")
        return row

    async def rows(self, database: str, query: str, *said: object) -> list[asyncpg.Record]:
        """All rows."""
        return list(await (await self._connected(database)).fetch(query, *said))

    async def _connected(self, database: str) -> asyncpg.Connection:
        if database not in self._connections:
            self._connections[database] = await asyncpg.connect(self._stack.admin_dsn(f"okr_{database}"))
        return self._connections[database]

    async def until(self, database: str, query: str) -> None:
        """Until the query says true; asked the less often the longer it takes: each question takes processor time."""
        began = time.monotonic()
        while not await self.ask(database, query):
            waited = time.monotonic() - began
            if waited > GIVE_UP_SECONDS:
                raise TimeoutError(f"not within {GIVE_UP_SECONDS} s: {query}")
            await asyncio.sleep(min(0.02 + waited / 100, MOST_SECONDS))

    async def close(self) -> None:
        """Closes what was opened."""
        for connection in self._connections.values():
            await connection.close()
