"""What was counted and what was rejected, for people."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import asyncpg
import orjson

from okr_etl.store import SQL


class Today(NamedTuple):
    """Of a source: which day it is there, and what its mapping says of its check-ins."""

    day: date
    has_status: bool
    "Its mapping gives words the meaning of a status."
    tells_days: bool = True
    "Its rows say of which days its check-ins are; else they are of the days their files came."
    grace_days: int | None = None
    "So many days after a due date a check-in still counts for the outcome; None where no due date brings one."


class Patience(NamedTuple):
    """In days: how long nobody may tell of a goal, its value may stand still, and a row may wait for its parent.

    And for how long after its due date a key result is told of for its late check-ins, or for want of any.
    """

    silent: int = 30
    still: int = 28
    pending: int = 7
    due: int = 90


class QualityStore:
    """Reads okr_processed."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def counts(self) -> list[dict[str, Any]]:
        """Of each source how many rows had which result, and how many were rejected for which reason."""
        reasons: dict[str, dict[str, int]] = {}
        for row in await self._pool.fetch(SQL["quality_reasons"]):
            reasons.setdefault(row["source"], {})[row["reason"]] = row["rows"]
        rows = await self._pool.fetch(SQL["quality_counts"])
        return [{**row, "reasons": reasons.get(row["source"], {})} for row in rows]

    async def applied_since(self, moment: datetime) -> dict[str, int]:
        """What became of the rows of the batches that were applied since then, and what was decided of key results."""
        found = [await self._pool.fetchrow(SQL[query], moment) for query in ("applied_since", "decided_since")]
        return {name: count for row in found for name, count in (row or {}).items()}

    async def warnings(
        self, sources: Mapping[str, Today], patience: Patience, warning: str | None, limit: int
    ) -> list[dict[str, Any]]:
        """Goals under way that break a rule of the field, ended ones without a value, and words that are no status."""
        days, worded = [one.day for one in sources.values()], [name for name, one in sources.items() if one.has_status]
        asked = (list(sources), days, patience.silent, patience.still, warning, limit, worded, patience.pending)
        grace, told = [one.grace_days for one in sources.values()], [one.tells_days for one in sources.values()]
        return [dict(row) for row in await self._pool.fetch(SQL["warnings"], *asked, grace, told, patience.due)]

    async def rejected(
        self, source: str | None, reason: str | None, limit: int, offset: int, *, repeated: bool
    ) -> list[dict[str, Any]]:
        """Rejected rows, the newest batch of a source first; `repeated`: each time that one came, not the last only."""
        rows = await self._pool.fetch(SQL["list_rejected"], source, reason, limit, offset, repeated)
        return [{**row, "detail": orjson.loads(row["detail"])} for row in rows]

    async def pending(self, source: str | None, limit: int, offset: int) -> list[dict[str, Any]]:
        """Rows that wait for a parent, the newest batch of a source first."""
        return [dict(row) for row in await self._pool.fetch(SQL["list_pending"], source, limit, offset)]
