"""Frees what a replica holds that stands still: stopped, or on a machine that is gone.

In the midst of a transaction it holds rows that others wait for, and between two of them the locks of its sessions; the
server alone would let them wait for as long as the connections seem to live. Looking is a sign of life, too.
"""

import asyncio
from datetime import timedelta

import asyncpg

from okr_common.delivery import fence
from okr_common.postgres.pool import until_done

STALLED = timedelta(seconds=15)
"""Between two statements of a transaction lie seconds at most, and three looks in this time."""
LOOK_SECONDS = 5.0


class Guard:
    """Looks every few seconds at the sessions of this service in one database."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            await until_done("guard", self._look, stop)
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def _look(self) -> None:
        async with self._pool.acquire() as connection:
            await fence.end_stalled(connection, STALLED)
            await fence.end_silent(connection, STALLED)
