"""How far files have come on their way to predictions: asked of the databases, again and again."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from okr_cli.reach import Reach
from okr_common.counted import counted
from okr_common.errors import OkrError
from okr_common.sql import queries

SQL = queries("okr_cli")
LOOK_SECONDS = 0.04
"""Between two looks at least; a look that takes long makes the pause longer."""
HELD_SECONDS = 6.0
"""etl tries again each five seconds; what it says for longer is not of before the mapping was mended."""
Asked = Sequence[str] | Sequence[int]
"""Files by the paths they were dropped at, or by their ids."""
ENDED_BADLY = ("quarantined", "failed", "vanished")


class NotInTimeError(OkrError):
    """Something did not come to its end; the message says where it stands and what to look at."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where some files are. `trouble` says which cannot become predictions, and why; `waiting` which rows must wait.

    `held`: which of their sources cannot go on, and why.
    """

    files: int
    seen: int
    done: int
    trouble: tuple[str, ...]
    sources: tuple[str, ...] = ()
    bytes: int = 0
    bytes_read: int = 0
    rows: int = 0
    rows_applied: int = 0
    to_predict: int = 0
    predicted: int = 0
    outcomes: int = 0
    outcomes_heard: int = 0
    unreleased: int = 0
    batches: int = 0
    batches_applied: int = 0
    unsent: int = 0
    waiting: tuple[str, ...] = ()
    held: tuple[str, ...] = ()

    @property
    def arrived(self) -> bool:
        """Whether every file is at its end, and what can become a prediction has become one and was published."""
        return (
            self.seen == self.files == self.done + len(self.trouble)
            and not self.unreleased
            and self.batches_applied == self.batches
            and self.predicted >= self.to_predict
            and self.outcomes_heard >= self.outcomes
            and not self.unsent
        )

    def __str__(self) -> str:
        """In words, for a person who waits."""
        return (
            f"{self.done} of {counted(self.files, 'file')} read, "
            f"{self.rows_applied:,} of {counted(self.rows, 'row')} applied, "
            f"{self.predicted:,} of {counted(self.to_predict, 'prediction')} made"
        )


class Follower:
    """Looks at the way of some files; holds one connection to each database it asks."""

    def __init__(self, raw: asyncpg.Connection, processed: asyncpg.Connection, ops: asyncpg.Connection) -> None:
        self._raw = raw
        self._processed = processed
        self._ops = ops

    async def stand(self, asked: Asked) -> Stand:
        """Where these files are now."""
        paths = [one for one in asked if isinstance(one, str)]
        ids = [one for one in asked if isinstance(one, int)]
        rows = [dict(row) for row in await self._raw.fetch(SQL["followed"], paths, ids)]
        batches = [batch for row in rows for batch in row["batches"]]
        sources = sorted({row["source"] for row in rows if row["source"]})
        applied = await self._processed.fetchrow(SQL["applied"], batches)
        assert applied is not None  # noqa: S101 - an aggregate has a row
        return Stand(
            files=len(asked),
            seen=len(rows),
            done=sum(row["state"] == "done" for row in rows),
            trouble=tuple(filter(None, map(trouble, rows))),
            sources=tuple(sources),
            bytes=sum(row["bytes"] or 0 for row in rows),
            bytes_read=sum(row["next_byte"] or 0 for row in rows),
            rows=sum(row["rows"] or 0 for row in rows),
            rows_applied=applied["rows"],
            batches=len(batches),
            batches_applied=applied["batches"],
            unreleased=sum(row["unreleased"] for row in rows),
            to_predict=await self._processed.fetchval(SQL["to_predict"], batches),
            predicted=await self._ops.fetchval(SQL["predicted"], batches),
            outcomes=await self._processed.fetchval(SQL["outcomes_made"], batches),
            outcomes_heard=await self._ops.fetchval(SQL["outcomes_heard"], batches),
            unsent=await self._ops.fetchval(SQL["unsent"]),
            waiting=tuple(waits(dict(row)) for row in await self._processed.fetch(SQL["waiting_rows"], batches)),
            held=tuple(holds(dict(row)) for row in await self._processed.fetch(SQL["held_sources"], sources)),
        )

    async def until_arrived(self, asked: Asked, within_seconds: float) -> AsyncIterator[Stand]:
        """Where they are, again and again, until they have arrived. Raises NotInTimeError where they have not.

        Or cannot, since a source is held until somebody mends something.
        """
        began = since = time.monotonic()
        held: tuple[str, ...] = ()
        while True:
            looked = time.monotonic()
            stand = await self.stand(asked)
            yield stand
            if stand.arrived:
                return
            if stand.batches_applied == stand.batches or stand.held != held:
                held, since = stand.held, looked
            if held and looked - since > HELD_SECONDS:
                raise NotInTimeError(f"{stand}. {'; '.join(held)}. The rows go on by themselves once that is mended.")
            if looked - began > within_seconds:
                raise NotInTimeError(
                    f"after {within_seconds:.0f} s: {stand}. `okr status` says which part does not move."
                )
            await asyncio.sleep(max(LOOK_SECONDS, 2 * (time.monotonic() - looked)))


def trouble(row: dict[str, Any]) -> str | None:
    """Why this path cannot become predictions, or None.

    >>> trouble({"path": "a.csv", "file_id": None, "seen_as": "not_a_file", "state": None})
    'a.csv: left alone, not_a_file'
    """
    if row["file_id"] is None:
        return f"{row['path']}: left alone, {row['seen_as']}"
    if row["state"] in ENDED_BADLY:
        return f"{row['path']}: {row['state']}, {row['reason']}: {row['detail']}"
    return None


def waits(row: Mapping[str, Any]) -> str:
    """Which rows wait for the row above them, and where to look; nobody can wait until that comes.

    >>> waits({"source": "viva_goals", "rows": 3})
    '3 rows wait for their parents: okr pending --source viva_goals'
    """
    rows = counted(row["rows"], "row waits for its parent", "rows wait for their parents")
    return f"{rows}: okr pending --source {row['source']}"


def holds(row: Mapping[str, Any]) -> str:
    """Why a source cannot go on.

    >>> holds({"source": "goals", "reason": "no_mapping", "detail": "there is no goals.yaml"})
    'goals waits, no_mapping: there is no goals.yaml'
    """
    return f"{row['source']} waits, {row['reason']}: {row['detail']}"


@asynccontextmanager
async def follower(reach: Reach) -> AsyncIterator[Follower]:
    """Connects to what must be asked."""
    async with reach.database("raw") as raw, reach.database("processed") as processed, reach.database("ops") as ops:
        yield Follower(raw, processed, ops)
