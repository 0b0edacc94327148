"""Connections to one database."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import stamina

from okr_common import metrics
from okr_common.errors import RetryableError
from okr_common.logs import logger

log = logger(__name__)
Done = TypeVar("Done")
HOST_CHARACTERS = 30
"""PostgreSQL cuts an application's name after 63 bytes, and the number of the process comes last."""

AWAY = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a session that was terminated while idle says so at its next use
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,  # too many connections, or its disk is full: it says which
)
"""The database is away for now: retry in place."""
TANGLED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""Another transaction was in the way: run the transaction again."""
RETRYABLE = (*AWAY, *TANGLED, RetryableError)

ANYHOW = {"plan_cache_mode": "force_custom_plan"}
"""A plan that was made while the tables were empty reads all of them once they are full."""
BY_KEY = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
"""Planned once: to plan a look-up took twice as long as to do it. The index is used also of a table that was empty."""


async def open_pool(
    dsn: str, application: str, *, size: int = 4, short_reads: bool = False, leaves_nothing: bool = False
) -> asyncpg.Pool:
    """A pool whose connections carry `application` and this process in pg_stat_activity.

    `leaves_nothing`: no use of a connection leaves anything behind in its session, such as a lock or a setting of the
    session (those of a transaction go with it), so it is not reset after each. `short_reads`: the same, for queries
    that look up a few rows by their keys, thousands of times. Waits for a database that is still starting.
    """
    async for attempt in stamina.retry_context(on=AWAY, attempts=None, timeout=60, wait_max=1):
        with attempt:
            return await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=size,
                reset=_leave if short_reads or leaves_nothing else None,
                command_timeout=120,
                server_settings={
                    "application_name": f"{application}@{socket.gethostname()[:HOST_CHARACTERS]}:{os.getpid()}",
                    "timezone": "UTC",
                    **(BY_KEY if short_reads else ANYHOW),
                    # as on no spinning disk: else a thousand rows of a large table are looked for by reading all of it
                    "random_page_cost": "1.1",
                },
            )
    raise AssertionError("unreachable: the loop returns or raises")


async def _leave(_: asyncpg.Connection) -> None:
    """Nothing to reset but an open transaction, which the driver sees to: else each use is one more question."""


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def until_done(operation: str, attempt: Callable[[], Awaitable[Done]], stop: asyncio.Event) -> Done:
    """Repeats `attempt` while database or broker are away or another transaction is in the way, until `stop`.

    Waits 0.1 s, then twice as long each time, up to 2 s. When stopped, raises the last error.
    """
    wait = 0.1
    while True:
        try:
            return await attempt()
        except RETRYABLE as error:
            metrics.RETRIES.labels(operation).inc()
            log.warning("retrying", operation=operation, error=repr(error), wait_seconds=wait)
            if stop.is_set():
                raise
            await _pause(wait, stop)
            wait = min(wait * 2, 2.0)
