"""Everything that is asked of okr_raw to judge files that were read to their ends."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from okr_common.delivery.outbox import Connection
from okr_common.logs import logger
from okr_common.sources import Read
from okr_ingest_csv.domain.batch import Batch, repeated
from okr_ingest_csv.domain.profile import Profile
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.domain.quality import Former, Summary, findings_of, reason_to_stop
from okr_ingest_csv.store.endings import Ending
from okr_ingest_csv.store.turns import SQL

log = logger(__name__)
FORMERS = 5
"""So many of the source's files before are compared."""
COUNT_SECONDS = 60.0
"""What is not counted by then is not told."""
WORK_MEMORY = "64MB"
"""With less, PostgreSQL counts a million rows over the disk."""
COMPARED_ROWS = 5_000_000
"""Of a larger file nobody counts which rows it repeats: the answer would cost more than it tells."""


@dataclass(frozen=True, slots=True)
class Portion:
    """A batch of a file: its `number` among the file's batches.

    `digests`: of the file's rows up to its end; None where not all of them were read by this process, or they are many.
    """

    file: Claimed
    batch: Batch
    number: int
    digests: bytes | None = None

    @property
    def begins_loading(self) -> bool:
        """Whether its file is seen loading from now on."""
        return self.number == 1 and not self.batch.last


@dataclass(frozen=True, slots=True)
class Whole:
    """A file that was read to its end: the batches with its rows, and what they are like."""

    summary: Summary
    batch_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Before:
    """What the source had before: its files, the newest first, and the batches with the newest one's rows."""

    formers: tuple[Former, ...]
    batch_ids: tuple[int, ...] = ()

    def and_then(self, whole: Whole) -> "Before":
        """After one more file."""
        summary = whole.summary
        former = Former(summary.header, summary.rows, summary.profile.blank)
        return Before((former, *self.formers[: FORMERS - 1]), whole.batch_ids)


class Facts:
    """Asks in the session that has the rows of the last batches already, the batches themselves not yet."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def endings(self, last: Sequence[Portion], read: Read) -> list[Ending]:
        """How files of one source end, each with its last batch, in order."""
        if not last:
            return []
        before = await self._before(last[0].file)
        wholes = [await self._whole(portion) for portion in last]
        await self._connection.execute(f"set local work_mem = '{WORK_MEMORY}'")
        endings: list[Ending] = []
        formerly: list[tuple[int, ...]] = []
        for portion, whole in zip(last, wholes, strict=True):
            repeats = await self._repeats(portion, whole)
            summary = replace(whole.summary, duplicates=repeats or 0)
            ending = _judged(portion.file, summary, before, read)
            formerly.append(before.batch_ids)
            before = before.and_then(whole) if ending.state == "done" else before
            endings.append(replace(ending, duplicates=repeats))
        known = await self._count("count_known", [one.batch_ids for one in wholes], formerly)
        return [
            replace(
                ending, known_rows=_known(known, number) if formerly[number] and _compared(wholes[number]) else None
            )
            for number, ending in enumerate(endings)
        ]

    async def _before(self, file: Claimed) -> Before:
        rows = await self._connection.fetch(SQL["formers"], file.source, file.file_id, FORMERS)
        formers = [Former(tuple(orjson.loads(row["header"])), row["rows"], {}) for row in rows]
        if not rows:
            return Before(())
        batches = await self._connection.fetch(SQL["batches_of"], rows[0]["file_id"])
        blank = Profile.of_all([Profile.from_json(one["profile"]) for one in batches if one["profile"]]).blank
        return Before((replace(formers[0], blank=blank), *formers[1:]), tuple(one["rows_of"] for one in batches))

    async def _whole(self, last: Portion) -> Whole:
        file, batch = last.file, last.batch
        unreadable = Counter(one.reason for one in batch.unreadable)
        profiles, ids = [batch.profile], [batch.batch_id]
        if last.number > 1:
            for row in await self._connection.fetch(SQL["batches_of"], file.file_id):
                profiles.append(Profile.from_json(row["profile"]))
                ids.append(row["batch_id"])
            for row in await self._connection.fetch(SQL["unreadable_of"], file.file_id):
                unreadable[row["reason"]] += row["records"]
        guess = file.encoding_how if file.encoding_guessed else None
        rows = batch.after.row - 1 - sum(unreadable.values())
        summary = Summary(file.header, file.header_line or 0, guess, rows, unreadable, Profile.of_all(profiles))
        return Whole(summary, tuple(ids))

    async def _repeats(self, portion: Portion, whole: Whole) -> int | None:
        """How many rows of the file repeat an earlier one; None where that is not counted."""
        if portion.number == 1 or portion.digests is not None:
            return await asyncio.to_thread(repeated, portion.digests or portion.batch.digests)
        counted = await self._count("count_duplicates", [whole.batch_ids]) if _compared(whole) else None
        return None if counted is None else counted.get(0, 0)

    async def _count(self, query: str, *batches: Sequence[Sequence[int]]) -> dict[int, int] | None:
        """Of each file, by its place in the lists of batches; None where the database took too long over it."""
        arrays = [array for lists in batches for array in _numbered(lists)]
        if not all(arrays[0::2]):
            return {}
        try:
            async with self._connection.transaction():  # a savepoint: what takes too long costs only itself
                rows = await self._connection.fetch(SQL[query], *arrays, timeout=COUNT_SECONDS)
        except TimeoutError:
            log.warning("not_counted", query=query, seconds=COUNT_SECONDS)
            return None
        return {row[0]: row[1] for row in rows}


def _known(known: Mapping[int, int] | None, number: int) -> int | None:
    return None if known is None else known.get(number, 0)


def _numbered(lists: Iterable[Sequence[int]]) -> tuple[list[int], list[int]]:
    pairs = [(batch_id, number) for number, ids in enumerate(lists) for batch_id in ids]
    return [batch_id for batch_id, _ in pairs], [number for _, number in pairs]


def _compared(whole: Whole) -> bool:
    return whole.summary.rows <= COMPARED_ROWS


def _judged(file: Claimed, summary: Summary, before: Before, read: Read) -> Ending:
    findings = tuple(findings_of(summary, before.formers, read))
    error = reason_to_stop(findings)
    if error is not None:
        return Ending("quarantined", error.kind, _what_now(error.detail, file.file_id), findings)
    return Ending("done", _of_nothing(summary.rows, summary.unreadable), None, findings)


def _of_nothing(rows: int, unreadable: Mapping[str, int]) -> str | None:
    return None if rows or unreadable else "header_only"


def _what_now(detail: str, file_id: int) -> str:
    look, release = f"okr files show {file_id}", f"okr files release {file_id}"
    return f"{detail}. Look at it ({look}), then let it go ({release}) or mend the export."
