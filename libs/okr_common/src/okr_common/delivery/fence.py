"""The fence: a new owner ends the database session of the former one before its first write.

A stopped process (SIGSTOP, a long pause) may still hold locks; when it wakes, its connection is gone.
"""

from okr_common.delivery.outbox import SQL, Connection
from okr_common.logs import logger

log = logger(__name__)


async def take(connection: Connection, name: str, holder: str) -> None:
    """Makes this connection's backend the only one that writes under `name`."""
    await end(connection, name)
    await connection.execute(SQL["fence_take"], name, holder)


async def end(connection: Connection, name: str) -> None:
    """Ends the session of whoever writes under `name`, other than this one."""
    former = await connection.fetchval(SQL["fence_holder"], name)
    if former is not None and await connection.fetchval(SQL["fence_terminate"], former):
        log.warning("fenced_former_owner", fence=name, backend_pid=former)
