"""What a full export has no more, in okr_processed: found and closed in a decision's one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from okr_common import crash
from okr_common.delivery.outbox import Connection
from okr_common.events import AbsentClosed
from okr_common.sources import Mapping
from okr_etl.domain.absent import CLOSED, Verdict, shared
from okr_etl.domain.entities import ENTITIES
from okr_etl.domain.head import Head
from okr_etl.store import LONG_SECONDS, SQL, units
from okr_etl.store.records import Place


@dataclass(frozen=True, slots=True)
class Judged:
    """A file that is applied wholly: its batches stand from position `first` up to the head's, the last is `batch_id`.

    `in_replay`: in a replay, which writes beside what is published. `known_at`: when it became known what it lacks.
    """

    mapping: Mapping
    head: Head
    first: int
    batch_id: int
    known_at: datetime
    in_replay: bool = False

    @property
    def source(self) -> str:
        """Whose file."""
        return self.mapping.name

    @property
    def why(self) -> str:
        """What is told of an entity that is closed for it."""
        return CLOSED[self.mapping.absent.then]

    def query(self, name: str) -> str:
        """The query of this name, where it applies: to what is published, or to a replay."""
        return SQL[f"{name}_in_replay" if self.in_replay else name]


@dataclass(frozen=True, slots=True)
class Closed:
    """What came of it."""

    verdict: Verdict
    key_results: int = 0
    objectives: int = 0
    versions: int = 0


class AbsentStore:
    """Which key results are gone."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def is_decided(self, source: str, head: Head) -> bool:
        """The file at this head was judged."""
        row = await self._pool.fetchrow(SQL["absent_decided"], source, head.generation)
        return row is not None and row["position"] >= head.position

    async def knew_all(self, judged: Judged) -> bool:
        """Of the file before, everything that it lacked was closed."""
        row = await self._pool.fetchrow(SQL["absent_decided"], judged.source, judged.head.generation)
        return row is not None and row["position"] == judged.first - 1 and row["reason"] is None

    async def counted(self, judged: Judged, since: int) -> tuple[int, int]:
        """How many of its rows were rejected, and how many of the source's since this position are pending."""
        at = (judged.source, judged.head.generation, judged.first, judged.head.position, since)
        row = await self._pool.fetchrow(judged.query("counted"), *at)
        assert row is not None  # noqa: S101 - sums are one row
        return row["rejected"], row["pending"]

    async def spoken_in_part(self, judged: Judged) -> list[int]:
        """The positions of its batches of which not all rows were looked at for what they speak of."""
        rows = await self._pool.fetch(SQL["spoken_in_part"], judged.source, judged.head.generation)
        return [row["position"] for row in rows]

    async def is_unspoken(self, judged: Judged, ids: Sequence[str]) -> bool:
        """Whether one of these is open, and no row of the file that was read speaks of it."""
        return bool(await self._pool.fetchval(SQL["is_unspoken"], judged.source, judged.head.generation, ids))

    async def set_spoken(self, judged: Judged, position: int, ids: Sequence[str]) -> None:
        """Of what all rows of its batch speak."""
        await self._pool.execute(SQL["set_spoken"], judged.source, judged.head.generation, position, ids)

    async def decide(self, judged: Judged, verdict: Verdict | None) -> Closed | None:
        """Writes the verdict; where there is none yet, closes what is absent unless that is too much.

        One transaction. None where the source's head is another one by now, or its replay was stopped.
        """
        head = judged.head
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                if not await _holds(connection, judged):
                    return None
                closed = Closed(verdict) if verdict else await _close(connection, judged)
                told = (closed.verdict.reason, closed.verdict.detail)
                await connection.execute(
                    SQL["set_absent_decided"], judged.source, head.generation, head.position, *told
                )
                crash.point("absent_before_commit")
            crash.point("absent_after_commit")
            return closed


async def _holds(connection: Connection, judged: Judged) -> bool:
    """Whether the source, or its replay, is where it was when the file was judged; it stays there until the end."""
    at = (judged.source, judged.head.position, judged.head.generation)
    if judged.in_replay:
        return await connection.fetchval(SQL["lock_replay"], *at, judged.mapping.hash) is not None
    return await connection.fetchval(SQL["lock_head"], *at) is not None


async def _close(connection: Connection, judged: Judged) -> Closed:
    for scratch in ("scratch_standing", "scratch_absent"):
        await connection.execute(SQL[scratch])
    await connection.execute(judged.query("find_standing"), judged.source, timeout=LONG_SECONDS)
    await connection.execute(SQL["find_absent"], judged.source, judged.head.generation, timeout=LONG_SECONDS)
    found = await connection.fetchrow(SQL["count_absent"])
    assert found is not None  # noqa: S101 - counts are one row
    verdict = shared(judged.mapping.absent, found["key_results"], found["open"])
    if verdict.reason or not found["key_results"] + found["objectives"]:
        return Closed(verdict)
    if judged.mapping.absent.then == "delete":
        source = (judged.source,) if judged.in_replay else ()
        await connection.execute(judged.query("find_told"), *source, timeout=LONG_SECONDS)
    if judged.in_replay:
        asked = (judged.source, judged.why, judged.batch_id, judged.known_at)
        await connection.execute(SQL["close_in_replay"], *asked, timeout=LONG_SECONDS)
        return Closed(verdict, found["key_results"], found["objectives"])
    return await _publish(connection, judged, Closed(verdict, found["key_results"], found["objectives"]))


async def _publish(connection: Connection, judged: Judged, closed: Closed) -> Closed:
    """The versions that close, the current state, and the unit that is published behind the last batch's."""
    head = judged.head
    place = await units.behind(connection, Place(judged.source, head.position, head.generation))
    asked = (place.source, place.generation, place.position, place.after_seq)
    written = await connection.fetchrow(
        SQL["close_absent"], *asked, judged.why, judged.batch_id, judged.known_at, timeout=LONG_SECONDS
    )
    assert written is not None  # noqa: S101 - counts are one row
    await connection.execute(SQL["mark_aligned_with_absent"], judged.source, timeout=LONG_SECONDS)
    for entity in ENTITIES:
        query = SQL["close_current_absent"].format(entity=entity)
        await connection.execute(query, judged.why, judged.known_at, timeout=LONG_SECONDS)
    await connection.execute(SQL["hold_absent"], timeout=LONG_SECONDS)
    await connection.execute(SQL["mark_absent_documents"], judged.source, timeout=LONG_SECONDS)
    done = replace(closed, versions=written["versions"])
    told, outcomes = _told(judged, place, done), written["outcomes"]
    await units.publish_behind(connection, place, told, versions=done.versions, outcomes=outcomes, closed=done.versions)
    return done


def _told(judged: Judged, place: Place, closed: Closed) -> AbsentClosed:
    return AbsentClosed(
        source=place.source,
        position=place.position,
        generation=place.generation,
        after_seq=place.after_seq,
        batch_id=judged.batch_id,
        closed=judged.why,
        key_results=closed.key_results,
        objectives=closed.objectives,
        versions=closed.versions,
    )
