"""okr_processed: why the batches of a source, or its replay, cannot go on. Its owner writes it, each replica tells."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import asyncpg

from okr_common.errors import PermanentError
from okr_etl.store import SQL

Work = Literal["batches", "replay"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a source waits: at which position, for which reason code, and since when for this very reason."""

    position: int | None
    reason: str
    detail: str
    since: datetime | None = field(default=None, compare=False)

    @classmethod
    def after(cls, error: Exception, position: int | None = None) -> "Waiting":
        """For this error; one that nobody foresaw is told as `failed`."""
        return cls(position, error.reason if isinstance(error, PermanentError) else "failed", str(error) or repr(error))


class WaitStore:
    """One kind of work. `known` are the sources that wait, of all replicas, as they were last looked at."""

    def __init__(self, pool: asyncpg.Pool, work: Work) -> None:
        self._pool = pool
        self._work = work
        self.known: dict[str, Waiting] = {}

    async def look(self) -> dict[str, Waiting]:
        """All that stand written."""
        rows = await self._pool.fetch(SQL["waits"], self._work)
        self.known = {source: Waiting(*told) for source, *told in map(tuple, rows)}
        return self.known

    async def put(self, source: str, waiting: Waiting) -> bool:
        """Writes it down; False where it is known already."""
        if self.known.get(source) == waiting:
            return False
        told = (waiting.position, waiting.reason, waiting.detail)
        since = await self._pool.fetchval(SQL["put_wait"], source, self._work, *told)
        self.known[source] = Waiting(*told, since)
        return True

    async def clear(self, source: str) -> None:
        """It goes on. Where the database is away just then, the next look finds the row again."""
        if self.known.pop(source, None) is not None:
            await self._pool.execute(SQL["clear_wait"], source, self._work)
