"""Looks at the databases themselves: do they answer, and what waits in their outboxes."""

import asyncio
import time
from collections.abc import Mapping

import asyncpg

from okr_common.postgres.pool import RETRYABLE
from okr_common.sql import queries
from okr_monitor.domain.system_health import Outbox, Probe

SQL = queries("okr_monitor")


class Databases:
    """All four, by name."""

    def __init__(self, pools: Mapping[str, asyncpg.Pool], timeout_seconds: float) -> None:
        self._pools = pools
        self._timeout = timeout_seconds

    async def probe(self) -> list[Probe]:
        """Asks each for an answer."""
        return list(await asyncio.gather(*(self._probe(name, pool) for name, pool in self._pools.items())))

    async def _probe(self, name: str, pool: asyncpg.Pool) -> Probe:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                await pool.fetchval("select 1")
        except (*RETRYABLE, asyncpg.PostgresError) as error:
            return Probe(kind="database", name=f"okr_{name}", answered=False, ready=False, detail=_why(error))
        took = (time.monotonic() - began) * 1000
        return Probe(kind="database", name=f"okr_{name}", answered=True, ready=True, milliseconds=took)

    async def outboxes(self) -> list[Outbox] | None:
        """What is still to be published, or None where a database does not say."""
        try:
            async with asyncio.timeout(self._timeout):
                found = [(name, await pool.fetch(SQL["outbox"])) for name, pool in self._pools.items()]
        except (*RETRYABLE, asyncpg.PostgresError):
            return None
        return [Outbox(database=f"okr_{name}", **row) for name, rows in found for row in rows]


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__
