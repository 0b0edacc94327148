"""Loading: a claimed file's batches, each with the file's progress, and the file's end."""

import asyncio
from collections.abc import Mapping, Sequence

import asyncpg

from okr_common import crash
from okr_common.delivery.outbox import Connection
from okr_common.delivery.release import lock_source
from okr_common.errors import FencedError, PermanentError
from okr_common.events import Event, FileDone, FileLoading, FileRejected
from okr_common.postgres.copying import copied
from okr_common.sources import Read
from okr_ingest_csv.domain.batch import COLUMNS, COPY_DELIMITER, COPY_QUOTE, Batch
from okr_ingest_csv.domain.plan import Range
from okr_ingest_csv.store.endings import STILL_LOADING, Ending, told
from okr_ingest_csv.store.facts import Facts, Portion, repeats_in_memory
from okr_ingest_csv.store.rows import (
    UNREADABLE,
    claimed_file,
    one_by_one,
    progress_row,
    range_of,
    range_row,
    unreadable_rows,
)
from okr_ingest_csv.store.turns import SQL, Turns

_COUNTS = ("rows", "unreadable", "batches")

UNHURRIED = "set local synchronous_commit = off"
"""Nobody waits until such a commit is on the disk: of a batch in the middle of a file nothing is told.

What a crash of the database takes away is gone whole, rows and progress, and is read again; the end of a file is on the
disk with all before it.
"""


class Held:
    """Claimed files of one source, in their order, and the session that holds them."""

    def __init__(self, turns: Turns, connection: Connection, rows: Sequence[asyncpg.Record]) -> None:
        self._turns = turns
        self._connection = connection
        self._facts = Facts(connection)
        self.files = [claimed_file(row) for row in rows]
        self.batch_ids = [int(row["batch_id"]) for row in rows]
        self.file = self.files[0]
        self._told_of_plan = self.file.planned or self.file.one_reader is not None

    async def draw_batch_id(self) -> int:
        """An id for the next batch; the rows carry it before the batch is there."""
        return int(await self._connection.fetchval(SQL["draw_batch_id"]))

    async def begin_plan(self) -> None:
        """The file is being looked through for places where it can be cut."""
        await self._connection.execute(SQL["set_state"], self.file.file_id, "validating")

    async def store_plan(self, ranges: Sequence[Range], one_reader: str | None = None) -> None:
        """Where the file may be cut; or, with no ranges, why one reader must read it."""
        file_id, source = self.file.file_id, self.file.source
        records = sum(one.records for one in ranges) if ranges else None
        async with self._connection.transaction():
            await self._connection.executemany(
                SQL["put_range"],
                [range_row(file_id, number, one) for number, one in enumerate(ranges, self.file.batches + 1)],
            )
            await self._connection.execute(SQL["set_plan"], file_id, records, one_reader)
            await self._connection.execute(SQL["set_state"], file_id, "loading")
            loading = FileLoading(
                source=source, file_id=file_id, records=records, ranges=len(ranges), one_reader=one_reader
            )
            await self._turns.announce(self._connection, [loading])
        self._told_of_plan = True
        self._turns.committed()

    async def give_up_plan(self, why: str) -> None:
        """The ranges that are not stored yet are not read in parts."""
        await self._connection.execute(SQL["set_plan"], self.file.file_id, None, why)

    async def ranges_left(self) -> list[Range]:
        """The planned ranges that are not stored yet, in order."""
        rows = await self._connection.fetch(SQL["ranges"], self.file.file_id, self.file.batches)
        return [range_of(row) for row in rows]

    async def store(self, portions: Sequence[Portion], read: Read) -> list[Ending]:
        """Rows and progress of a batch of each of these files; with a last batch also its file's end.

        A file's end is judged as its source's read block wants it; then its batches get positions and events, if it is
        their turn. Returns the endings, in order. Raises FencedError where another replica has stored one of them.
        """
        last = [portion for portion in portions if portion.batch.last]
        async with self._connection.transaction():
            counting = asyncio.create_task(repeats_in_memory(last))
            try:
                await self._copy([piece for portion in portions for piece in portion.batch.copy])
            finally:
                await asyncio.wait([counting])  # whichever fails, nothing else uses the connection when it rolls back
            crash.point("after_copy")
            endings = await self._facts.endings(last, counting.result(), read)
            await lock_source(self._connection, self.file.source)
            ended = dict(zip((portion.file.file_id for portion in last), endings, strict=True))
            await self._advance(portions, ended)
            if not last and not any(portion.begins_loading for portion in portions):
                await self._connection.execute(UNHURRIED)
            crash.point("before_commit")
        crash.point("after_commit")
        self._turns.committed()
        return endings

    async def store_revert(self, original: int) -> None:
        """Batches that refer to the rows of the older file's batches."""
        async with self._connection.transaction():
            await lock_source(self._connection, self.file.source)
            row = await self._connection.fetchrow(SQL["end_revert"], self.file.file_id, original)
            if row is None:
                raise self._fenced()
            await self._connection.execute(SQL["add_reverted_batches"], self.file.file_id, original)
            await self._close([FileDone(source=self.file.source, file_id=self.file.file_id, **row)])
            crash.point("before_commit")
        crash.point("after_commit")
        self._turns.committed()

    async def end(self, state: str, reason: str, detail: str) -> None:
        """The file comes to an end without being done; those after it may have their turn now."""
        async with self._connection.transaction():
            await lock_source(self._connection, self.file.source)
            if await self._connection.fetchval(SQL["end_file"], self.file.file_id, state, reason, detail) is None:
                raise self._fenced()
            source, file_id = self.file.source, self.file.file_id
            await self._close([FileRejected(source=source, file_id=file_id, state=state, reason=reason, detail=detail)])
        self._turns.committed()

    async def _copy(self, pieces: Sequence[bytes]) -> None:
        if not pieces:
            return
        try:
            copying = self._connection.copy_to_table(
                "raw_row",
                source=one_by_one(pieces),
                columns=COLUMNS,
                format="csv",
                delimiter=COPY_DELIMITER,
                quote=COPY_QUOTE,
            )
            await copied(self._connection, copying)
        except asyncpg.DataError as error:
            raise PermanentError(
                "internal_error", f"the database refused a row: {error}. Please report this."
            ) from error

    async def _advance(self, portions: Sequence[Portion], ended: Mapping[int, Ending]) -> None:
        """The files' progress, which tells whether the batches are still ours to store, and the batches."""
        values = [progress_row(portion, ended.get(portion.file.file_id, STILL_LOADING)) for portion in portions]
        rows = await self._connection.fetch(SQL["advance"], *map(list, zip(*values, strict=True)))
        if len(rows) < len(portions):
            raise self._fenced()
        await self._copy_unreadable([portion.batch for portion in portions])
        begun = [] if self._told_of_plan else [one.file for one in portions if one.begins_loading]
        await self._turns.announce(
            self._connection, [FileLoading(source=one.source, file_id=one.file_id) for one in begun]
        )
        if ended:
            await self._put_findings(ended)
            by_id = {row["file_id"]: {name: row[name] for name in _COUNTS} for row in rows}
            files = [portion.file for portion in portions if portion.file.file_id in ended]
            await self._close([told(file, ended[file.file_id], by_id[file.file_id]) for file in files])

    async def _put_findings(self, ended: Mapping[int, Ending]) -> None:
        rows = [
            (file_id, number, one.kind, one.severity, one.column, one.detail)
            for file_id, ending in ended.items()
            for number, one in enumerate(ending.findings, 1)
        ]
        if rows:
            await self._connection.executemany(SQL["put_finding"], rows)

    async def _copy_unreadable(self, batches: Sequence[Batch]) -> None:
        records = [row for batch in batches for row in unreadable_rows(batch)]
        if records:
            copying = self._connection.copy_records_to_table("unreadable", records=records, columns=UNREADABLE)
            await copied(self._connection, copying)

    async def _close(self, ended: Sequence[Event]) -> None:
        """The end of a file: batches whose turn it is now get their positions, and all is announced in order."""
        released = await self._turns.release(self._connection, self.file.source)
        await self._turns.announce(self._connection, [*released, *ended])

    def _fenced(self) -> FencedError:
        return FencedError(f"file {self.file.file_id} of {self.file.source}: another replica has taken it over")
