"""Everything that is asked of okr_raw to judge files that were read to their ends."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import orjson

from okr_common.delivery.outbox import Connection
from okr_common.sources import Read
from okr_ingest_csv.domain.batch import Batch, repeated
from okr_ingest_csv.domain.profile import Profile
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.domain.quality import Former, Summary, findings_of, reason_to_stop
from okr_ingest_csv.store.changes import Pair, compared, counted, numbered
from okr_ingest_csv.store.endings import Ending
from okr_ingest_csv.store.turns import SQL

Repeats = Sequence[int | None]
FORMERS = 5
"""So many of the source's files before are compared."""
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

    file_id: int
    summary: Summary
    batch_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Before:
    """What the source had before: its files, the newest first; of that one also the batches with its rows."""

    formers: tuple[Former, ...]
    file_id: int = 0
    batch_ids: tuple[int, ...] = ()

    def and_then(self, whole: Whole) -> "Before":
        """After one more file."""
        summary = whole.summary
        former = Former(summary.header, summary.rows, summary.profile.blank)
        return Before((former, *self.formers[: FORMERS - 1]), whole.file_id, whole.batch_ids)

    def beside(self, whole: Whole) -> Pair | None:
        """The newest one and this, to be compared; None where there is nothing to compare, or too much."""
        if not self.batch_ids or not whole.batch_ids or not _comparable(whole) or self.formers[0].rows > COMPARED_ROWS:
            return None
        same_header = self.formers[0].header == whole.summary.header
        return Pair(whole.file_id, whole.batch_ids, self.file_id, self.batch_ids, same_header)


async def repeats_in_memory(last: Sequence[Portion]) -> Repeats:
    """How many rows of each file repeat an earlier one; None where not all of its digests are here."""
    return await asyncio.to_thread(lambda: [_repeats_in_memory(portion) for portion in last]) if last else []


def _repeats_in_memory(portion: Portion) -> int | None:
    digests = portion.batch.digests if portion.number == 1 else portion.digests
    return None if digests is None else repeated(digests)


class Facts:
    """Asks in the session that has the rows of the last batches already, the batches themselves not yet."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def endings(self, last: Sequence[Portion], repeats_known: Repeats, read: Read) -> list[Ending]:
        """How files of one source end, each with its last batch, in order."""
        if not last:
            return []
        before = await self._before(last[0].file)
        wholes = [await self._whole(portion) for portion in last]
        await self._connection.execute(f"set local work_mem = '{WORK_MEMORY}'")
        endings: dict[int, Ending] = {}
        pairs: list[Pair | None] = []
        for portion, known, whole in zip(last, repeats_known, wholes, strict=True):
            repeats = await self._repeats(whole) if known is None else known
            ending = _judged(portion.file, replace(whole.summary, duplicates=repeats or 0), before, read)
            pairs.append(before.beside(whole))
            before = before.and_then(whole) if ending.state == "done" else before
            endings[whole.file_id] = replace(ending, duplicates=repeats)
        changes = await compared(self._connection, [pair for pair in pairs if pair])
        for file_id, change in changes.items():
            endings[file_id] = replace(endings[file_id], **asdict(change))
        return list(endings.values())

    async def _before(self, file: Claimed) -> Before:
        rows = await self._connection.fetch(SQL["formers"], file.source, file.file_id, FORMERS)
        formers = [Former(tuple(orjson.loads(row["header"])), row["rows"], {}) for row in rows]
        if not rows:
            return Before(())
        batches = await self._connection.fetch(SQL["batches_of"], rows[0]["file_id"])
        blank = Profile.of_all([Profile.from_json(one["profile"]) for one in batches if one["profile"]]).blank
        rows_of = tuple(one["rows_of"] for one in batches)
        return Before((replace(formers[0], blank=blank), *formers[1:]), rows[0]["file_id"], rows_of)

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
        return Whole(file.file_id, summary, tuple(ids))

    async def _repeats(self, whole: Whole) -> int | None:
        """How many rows of the file repeat an earlier one; None where that is not counted."""
        if not _comparable(whole):
            return None
        rows = await counted(self._connection, "count_duplicates", *numbered([whole.batch_ids]))
        return None if rows is None else sum(row["duplicates"] for row in rows)


def _comparable(whole: Whole) -> bool:
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
