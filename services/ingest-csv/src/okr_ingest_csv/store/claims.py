"""Claiming: a complete file gets its sequence in its source, or turns out to be no news."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import orjson

from okr_common import crash
from okr_common.clock import Clock, utc_now
from okr_common.delivery.outbox import Connection
from okr_common.delivery.release import lock_source
from okr_common.events import Event, FileDiscovered, FileRejected, FileValidated
from okr_common.topology import Stage
from okr_ingest_csv.domain.discovery import UNDECIDED, LeftAlone, Look, storable
from okr_ingest_csv.domain.identity import Known, Same, identify
from okr_ingest_csv.domain.verdict import Candidate
from okr_ingest_csv.store.loads import Held
from okr_ingest_csv.store.turns import SQL, Turns


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of a candidate: the file it is now, and whether it is a new one."""

    file_id: int
    new: bool


class Store:
    """What ingest-csv knows, in okr_raw."""

    def __init__(
        self, pool: asyncpg.Pool, stage: Stage, committed: Callable[[], None] = lambda: None, clock: Clock = utc_now
    ) -> None:
        self.pool = pool
        self.turns = Turns(stage, committed)
        self._clock = clock

    async def known(self, paths: Sequence[str]) -> dict[str, Look]:
        """What these paths held when they were last looked at, by their storable names; see UNDECIDED."""
        rows = await self.pool.fetch(SQL["known_sightings"], paths, UNDECIDED)
        return {path: Look(*look) for path, *look in rows}

    async def leave_alone(self, path: str, look: Look, why: LeftAlone) -> bool:
        """Remember that this path is not read, and why; False where that was known."""
        return await self._sight(self.pool, path, look, reason=why.reason, detail=why.detail)

    async def left_alone_below(self, folder: Path, after: str) -> list[tuple[str, Look, str]]:
        """A page of the paths in this folder that are not read: their storable names, looks, and reasons."""
        rows = await self.pool.fetch(SQL["left_alone_below"], f"{folder}/", after)
        return [(path, Look(*look), reason) for path, reason, *look in rows]

    async def forget(self, paths: Sequence[str]) -> None:
        """These paths are not left alone any more."""
        await self.pool.execute(SQL["forget_left_alone"], paths)

    async def claim(self, candidate: Candidate) -> Claim | None:
        """Give the file its sequence in its source; None where another replica has dealt with this path already."""
        async with self.pool.acquire() as connection, connection.transaction():
            await lock_source(connection, candidate.source)
            seen = await connection.fetchrow(SQL["sighting"], candidate.path)
            if seen is not None and Look(*seen) == candidate.look:
                return None
            rows = await connection.fetch(SQL["known_files"], candidate.source, candidate.sha256)
            decision = identify(candidate.sha256, [Known(*row) for row in rows])
            if isinstance(decision, Same):
                await self._sight(
                    connection, candidate.path, candidate.look, file_id=decision.file_id, reason="same_bytes"
                )
                return Claim(decision.file_id, new=False)
            claim = await self._add(connection, candidate, decision.revert_of)
            crash.point("before_claim_commit")
        crash.point("after_claim_commit")
        self.turns.committed()
        return claim

    async def _add(self, connection: Connection, candidate: Candidate, revert_of: int | None) -> Claim:
        dialect = candidate.dialect
        row = await connection.fetchrow(
            SQL["add_file"],
            candidate.source,
            candidate.path,
            candidate.sha256,
            candidate.look.size,
            candidate.look.mtime_ns,
            candidate.look.inode,
            candidate.state,
            candidate.reason,
            candidate.detail,
            dialect and dialect.encoding.name,
            bool(dialect and dialect.encoding.guessed),
            dialect and dialect.encoding.how,
            dialect and dialect.delimiter,
            dialect and dialect.delimiter_how,
            dialect and orjson.dumps(dialect.header).decode(),
            dialect and dialect.header_how,
            dialect and dialect.header_line,
            candidate.repair and orjson.dumps(candidate.repair).decode(),
            revert_of,
            dialect.start.byte if dialect else 0,
            dialect.start.line if dialect else 1,
            self._clock(),
        )
        assert row is not None  # noqa: S101 - an insert returns its row
        await self.turns.announce(connection, _claimed(candidate, row["file_id"], row["sequence"]))
        return Claim(row["file_id"], new=True)

    async def unfinished_sources(self) -> list[str]:
        """The sources that have files on their way."""
        return [row["source"] for row in await self.pool.fetch(SQL["unfinished_sources"])]

    async def unfinished_files(self, source: str) -> list[int]:
        """The source's files on their way, in order."""
        return [row["file_id"] for row in await self.pool.fetch(SQL["unfinished_files"], source)]

    @asynccontextmanager
    async def hold(self, file_id: int) -> AsyncIterator["Held | None"]:
        """The file, for nobody else to load meanwhile; None where another replica has it, or it is at its end."""
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["hold"], file_id)
            yield Held(self.turns, connection, row) if row is not None and row["held"] else None

    async def _sight(
        self,
        connection: Connection | asyncpg.Pool,
        path: str,
        look: Look,
        *,
        file_id: int | None = None,
        reason: str,
        detail: str | None = None,
    ) -> bool:
        """Whether that is news."""
        return bool(
            await connection.fetchval(
                SQL["put_sighting"], storable(path), look.size, look.mtime_ns, look.inode, file_id, reason, detail
            )
        )


def _claimed(candidate: Candidate, file_id: int, sequence: int) -> list[Event]:
    """What is to be said of a new file."""
    source = candidate.source
    events: list[Event] = [
        FileDiscovered(
            source=source,
            file_id=file_id,
            sequence=sequence,
            path=candidate.path,
            bytes=candidate.look.size,
            sha256=candidate.sha256.hex(),
        )
    ]
    if candidate.state != "waiting":
        reason, detail = candidate.reason or "", candidate.detail or ""
        events.append(FileRejected(source=source, file_id=file_id, state=candidate.state, reason=reason, detail=detail))
    elif candidate.dialect is not None:
        encoding, dialect = candidate.dialect.encoding, candidate.dialect
        events.append(
            validated(source, file_id, encoding.name, dialect.delimiter, dialect.header, guessed=encoding.guessed)
        )
    return events


def validated(
    source: str, file_id: int, encoding: str, delimiter: str, header: Sequence[str], *, guessed: bool
) -> FileValidated:
    """The event that says how a file is read."""
    return FileValidated(
        source=source,
        file_id=file_id,
        encoding=encoding,
        encoding_guessed=guessed,
        delimiter=delimiter,
        header=list(header),
    )
