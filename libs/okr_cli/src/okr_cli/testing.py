"""Pytest fixtures for the whole flow as a user sees it: files go in, predictions come out, `okr verify` recounts.

Loaded by the root conftest.py.
"""

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from okr_cli.reach import Reach
from okr_cli.verify.oracle import look
from okr_common import paths
from okr_stack.testing import StackUnderTest

SAMPLE = paths.repository() / "samples" / "mta_nyct" / "Performance_NYCT.csv"
ENCODING = "cp1252"
YEAR = 10
LOOK_EVERY_SECONDS = 0.1
PREDICTED = "select count(*) from prediction where kind in ('live', 'late') and check_in_id is not null"
UNSENT = "select count(*) from delivery.outbox where sent_at is null"
DUE = "select count(*) from document_due"


class Flow:
    """One running system: what is dropped, and what it made of it."""

    def __init__(self, stack: StackUnderTest, databases: dict[str, asyncpg.Connection]) -> None:
        self.stack = stack
        self.reach = Reach.of(stack.stack)
        self._databases = databases

    def drop(self, name: str, content: bytes) -> None:
        """A complete file appears in the watched folder."""
        part = self.stack.inbox / f".{name}.part"
        part.write_bytes(content)
        part.rename(self.stack.inbox / name)

    async def ask(self, database: str, query: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the query gives
        """One value, asked again while the database is away."""
        while True:
            try:
                return await self._databases[database].fetchval(query, *arguments)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(LOOK_EVERY_SECONDS)
                self._databases[database] = await self._connected(database)

    async def _connected(self, database: str) -> asyncpg.Connection:
        while True:
            try:
                return await asyncpg.connect(self.reach.env[f"OKR_POSTGRES_DSN_{database.upper()}"])
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def until(self, database: str, query: str, wanted: object, within_seconds: float = 90) -> None:
        """Waits until the query gives this value; says what it gave instead."""
        deadline = time.monotonic() + within_seconds
        while (found := await self.ask(database, query)) != wanted:
            if time.monotonic() > deadline:
                pytest.fail(f"{database}: {query} gave {found!r}, not {wanted!r}")
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def predicted(self, check_ins: int, within_seconds: float = 90) -> None:
        """Waits until so many check-in versions have their prediction, and nothing is left to say or to write."""
        await self.until("ops", PREDICTED, check_ins, within_seconds)
        for database in ("raw", "processed", "ops"):
            await self.until(database, UNSENT, 0)
        await self.until("processed", DUE, 0)

    async def wrong(self, *, without: Collection[str] = frozenset()) -> list[str]:
        """What `okr verify` finds; `without` as the oracle has it."""
        report = await look(self.reach, without=without)
        return [f"{check.name}: {finding}" for check in report.checks for finding in check.findings]

    async def close(self) -> None:
        """Closes the connections."""
        for connection in self._databases.values():
            await connection.close()


@pytest_asyncio.fixture
async def flow(fresh_stack: StackUnderTest) -> AsyncIterator[Flow]:
    """Kafka and PostgreSQL with nothing in them; the test starts the services it wants."""
    reach = Reach.of(fresh_stack.stack)
    databases = {name: await reach.connect(name) for name in ("raw", "processed", "curated", "ops")}
    made = Flow(fresh_stack, databases)
    yield made
    await made.close()


@dataclass(frozen=True)
class Published:
    """The sample's columns and rows."""

    header: list[str]
    rows: list[list[str]]

    def of_years(self, *years: int) -> list[list[str]]:
        """The rows of these years."""
        return [row for row in self.rows if int(row[YEAR]) in years]

    def encoded(self, rows: list[list[str]]) -> bytes:
        """Rows as the publisher writes them, under the header."""
        text = io.StringIO(newline="")
        csv.writer(text).writerows([self.header, *rows])
        return text.getvalue().encode(ENCODING)


@pytest.fixture(scope="session")
def published() -> Published:
    """The sample file."""
    with SAMPLE.open(encoding=ENCODING, newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    return Published(header, rows)
