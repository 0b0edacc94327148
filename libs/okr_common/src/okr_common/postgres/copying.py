"""COPY that ends when its connection does."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import asyncpg

from okr_common.delivery.outbox import Connection

DELIMITER, QUOTE = "\x02", "\x01"
CSV: dict[str, Any] = {"format": "csv", "delimiter": DELIMITER, "quote": QUOTE}
"""For COPY: JSON text never holds these two raw, so that none of its own quotes has to be doubled."""


async def copied(connection: Connection, copying: Coroutine[Any, Any, Any]) -> None:
    """Awaits this COPY on this connection.

    asyncpg (0.31, `copy_to_table`) waits without end where the server goes away while the socket is full. Raises
    asyncpg.ConnectionDoesNotExistError then: the database is away, and the transaction is to be done again.
    """
    lost = asyncio.get_running_loop().create_future()

    def tell(_: object) -> None:
        if not lost.done():
            lost.set_result(None)

    connection.add_termination_listener(tell)
    task = asyncio.ensure_future(copying)
    try:
        await asyncio.wait({task, lost}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise asyncpg.ConnectionDoesNotExistError("the connection was closed in the middle of a COPY")
        task.result()
    finally:
        task.cancel()
        lost.cancel()
        if not connection.is_closed():
            connection.remove_termination_listener(tell)
