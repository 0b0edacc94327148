"""Streams of rows as pairs of key and row, for `merge.outer_join`."""

from collections.abc import AsyncIterator

import asyncpg

from okr_cli.verify.merge import Pair


async def pairs(rows: AsyncIterator[asyncpg.Record], *key: str) -> AsyncIterator[Pair[asyncpg.Record]]:
    """Each row under the values of its key columns."""
    async for row in rows:
        yield tuple(row[name] for name in key), row
