"""The fence: a new owner ends the database session of the former one before its first write.

A stopped process (SIGSTOP, a long pause) may still hold locks; when it wakes, its connection is gone.
"""

from datetime import timedelta

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


async def end_stalled(connection: Connection, longest: timedelta) -> int:
    """Ends the sessions of this role that wait for their client in the midst of a transaction for longer than this.

    Their process is stopped, or its machine is gone, and others wait for what they hold. Returns how many there were.
    """
    ended = await connection.fetch(SQL["fence_end_stalled"], longest)
    for session in ended:
        log.warning("stalled_session_ended", backend_pid=session["pid"], began=str(session["xact_start"]))
    return len(ended)


async def end_silent(connection: Connection, longest: timedelta) -> int:
    """Ends the sessions of this role that hold an advisory lock, of processes that said nothing at all for this long.

    A session may be idle for as long as its process reads a file; a process that lives says something in another one
    (see `Guard`), and they have a name in common (see `open_pool`). Returns how many there were.
    """
    ended = await connection.fetch(SQL["fence_end_silent"], longest)
    for session in ended:
        log.warning("silent_session_ended", backend_pid=session["pid"], process=session["application_name"])
    return len(ended)
