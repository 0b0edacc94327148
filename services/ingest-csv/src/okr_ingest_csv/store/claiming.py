"""Claiming files of one source: which are news, and what is written down of them and said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from okr_common.delivery.outbox import Connection
from okr_common.events import Event, FileDiscovered, FileRejected, FileValidated
from okr_ingest_csv.domain.discovery import Look, storable
from okr_ingest_csv.domain.identity import Arrived, Known, New, Same, identify_all
from okr_ingest_csv.domain.verdict import Candidate
from okr_ingest_csv.store.turns import SQL, Turns


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of a candidate: the file it is now, and whether it is a new one."""

    file_id: int
    new: bool


class Claiming:
    """In one transaction, which holds the source's lock; `now` is when the files were discovered."""

    def __init__(self, connection: Connection, turns: Turns, now: datetime) -> None:
        self._connection = connection
        self._turns = turns
        self._now = now

    async def claim(self, candidates: Sequence[Candidate]) -> list[Claim | None]:
        """Each of them in this order; None where another replica has dealt with a path already."""
        rows = await self._connection.fetch(SQL["sightings"], [storable(one.path) for one in candidates])
        seen = {row["path"]: row for row in rows}
        fresh = [one for one in candidates if not _unchanged(one, seen.get(storable(one.path)))]
        claims = await self._claim_fresh(fresh, seen) if fresh else {}
        return [claims.get(id(one)) for one in candidates]

    async def _claim_fresh(
        self, candidates: Sequence[Candidate], seen: Mapping[str, asyncpg.Record]
    ) -> dict[int, Claim | None]:
        source = candidates[0].source
        known = await self._connection.fetch(SQL["known_files"], source, [one.sha256 for one in candidates])
        ids = [row["file_id"] for row in await self._connection.fetch(SQL["draw_file_ids"], len(candidates))]
        arrived = [
            Arrived(one.sha256, file_id, one.state, _touched(one, seen.get(storable(one.path))))
            for one, file_id in zip(candidates, ids, strict=True)
        ]
        decisions = identify_all(arrived, [Known(*row) for row in known])
        await self._add_new(list(zip(candidates, ids, decisions, strict=True)))
        claims = [
            Claim(decision.file_id, new=False) if isinstance(decision, Same) else Claim(file_id, new=True)
            for file_id, decision in zip(ids, decisions, strict=True)
        ]
        await self._connection.executemany(SQL["put_sighting"], list(map(_sighting, candidates, claims)))
        return {id(one): claim for one, claim in zip(candidates, claims, strict=True)}

    async def _add_new(self, decided: Sequence[tuple[Candidate, int, Same | New]]) -> None:
        new = [(one, file_id, decision) for one, file_id, decision in decided if isinstance(decision, New)]
        if not new:
            return
        first = await self._connection.fetchval(SQL["draw_sequences"], new[0][0].source, len(new))
        numbered = list(zip(new, range(first, first + len(new)), strict=True))
        await self._connection.executemany(
            SQL["add_file"],
            [_file_row(one, file_id, sequence, decision, self._now) for (one, file_id, decision), sequence in numbered],
        )
        events = [event for (one, file_id, _), sequence in numbered for event in _claimed(one, file_id, sequence)]
        await self._turns.announce(self._connection, events)


def _unchanged(candidate: Candidate, seen: asyncpg.Record | None) -> bool:
    return seen is not None and Look(seen["size"], seen["mtime_ns"], seen["inode"]) == candidate.look


def _touched(candidate: Candidate, seen: asyncpg.Record | None) -> int | None:
    """The file that this path held when it was last looked at, if it is this source's and of the same bytes."""
    same = seen is not None and (seen["source"], seen["sha256"]) == (candidate.source, candidate.sha256)
    return seen["file_id"] if seen is not None and same else None


def _sighting(candidate: Candidate, claim: Claim) -> tuple[object, ...]:
    look, reason = candidate.look, candidate.reason if claim.new else "same_bytes"
    return storable(candidate.path), look.size, look.mtime_ns, look.inode, claim.file_id, reason, None


def _file_row(candidate: Candidate, file_id: int, sequence: int, decision: New, now: datetime) -> tuple[object, ...]:
    dialect, look = candidate.dialect, candidate.look
    return (
        file_id,
        sequence,
        candidate.source,
        candidate.path,
        candidate.sha256,
        look.size,
        look.mtime_ns,
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
        decision.revert_of,
        dialect.start.byte if dialect else 0,
        dialect.start.line if dialect else 1,
        now,
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
