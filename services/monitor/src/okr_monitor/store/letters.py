"""Dead letters, through the outbox of okr_ops."""

from collections.abc import Sequence

import asyncpg

from okr_common.delivery import outbox
from okr_common.delivery.outbox import Outgoing
from okr_common.topology import STAGES


class Letters:
    """Where the monitor leaves messages that nobody can read."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def put(self, letters: Sequence[Outgoing]) -> None:
        """Keeps them until the relay has sent them."""
        async with self._pool.acquire() as connection, connection.transaction():
            await outbox.put(connection, STAGES["monitor"].service, letters)
