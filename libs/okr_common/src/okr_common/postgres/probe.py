"""Asking a database server how it is, as a client would."""

import asyncio

import asyncpg


async def answers(dsn: str, timeout_seconds: float = 2.0) -> bool:
    """Say whether the server takes a connection and answers a query in time."""
    try:
        async with asyncio.timeout(timeout_seconds):
            connection = await asyncpg.connect(dsn)
            try:
                return bool(await connection.fetchval("SELECT 1") == 1)
            finally:
                await connection.close(timeout=1)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        return False
