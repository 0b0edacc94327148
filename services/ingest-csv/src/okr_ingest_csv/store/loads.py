"""Loading: a claimed file's batches, each with the file's progress, and the file's end."""

from collections.abc import AsyncIterator, Sequence

import asyncpg
import orjson

from okr_common import crash
from okr_common.delivery.outbox import Connection
from okr_common.delivery.release import lock_source
from okr_common.errors import FencedError, PermanentError
from okr_common.events import Event, FileDone, FileLoading, FileRejected
from okr_common.postgres.copying import copied
from okr_common.sources import Read
from okr_ingest_csv.domain.batch import COLUMNS, COPY_DELIMITER, COPY_QUOTE, Batch
from okr_ingest_csv.domain.plan import Range
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.domain.record import Place, Repair
from okr_ingest_csv.store.endings import STILL_LOADING, Ending, told
from okr_ingest_csv.store.facts import Facts
from okr_ingest_csv.store.turns import SQL, Turns

_UNREADABLE = ("batch_id", "number", "first_line", "last_line", "byte_start", "byte_len", "reason", "detail", "raw")


class Held:
    """A claimed file and the session that holds it."""

    def __init__(self, turns: Turns, connection: Connection, row: asyncpg.Record) -> None:
        self._turns = turns
        self._connection = connection
        self._facts = Facts(connection, row)
        self.file = _file(row)
        self.first_batch_id = int(row["batch_id"])
        self.planned = row["expected_rows"] is not None
        self.one_reader: str | None = row["one_reader"]

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
                [_range_row(file_id, number, one) for number, one in enumerate(ranges, self.file.batches + 1)],
            )
            await self._connection.execute(SQL["set_plan"], file_id, records, one_reader)
            await self._connection.execute(SQL["set_state"], file_id, "loading")
            loading = FileLoading(
                source=source, file_id=file_id, records=records, ranges=len(ranges), one_reader=one_reader
            )
            await self._turns.announce(self._connection, [loading])
        self.one_reader = one_reader
        self._turns.committed()

    async def give_up_plan(self, why: str) -> None:
        """The ranges that are not stored yet are not read in parts."""
        await self._connection.execute(SQL["set_plan"], self.file.file_id, None, why)

    async def ranges_left(self) -> list[Range]:
        """The planned ranges that are not stored yet, in order."""
        rows = await self._connection.fetch(SQL["ranges"], self.file.file_id, self.file.batches)
        return [_range(row) for row in rows]

    async def store_batch(self, batch: Batch, number: int, read: Read) -> Ending | None:
        """Rows and progress; with the last batch the file's end, judged as its source's read block wants it.

        At its end a file's batches get positions and events, if it is their turn. Raises FencedError where another
        replica has stored it.
        """
        async with self._connection.transaction():
            await self._copy(batch)
            crash.point("after_copy")
            ending = await self._facts.ending(batch, number, read) if batch.last else None
            await lock_source(self._connection, self.file.source)
            await self._advance(batch, number, ending or STILL_LOADING)
            crash.point("before_commit")
        crash.point("after_commit")
        self._turns.committed()
        return ending

    async def store_revert(self, original: int) -> None:
        """Batches that refer to the rows of the older file's batches."""
        async with self._connection.transaction():
            await lock_source(self._connection, self.file.source)
            await self._connection.execute(SQL["add_reverted_batches"], self.file.file_id, original)
            row = await self._connection.fetchrow(SQL["end_revert"], self.file.file_id, original)
            if row is None:
                raise self._fenced()
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

    async def _copy(self, batch: Batch) -> None:
        if not batch.copy:
            return
        try:
            copying = self._connection.copy_to_table(
                "raw_row",
                source=_pieces(batch.copy),
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

    async def _advance(self, batch: Batch, number: int, ending: Ending) -> None:
        """The file's progress, which tells whether the batch is still ours to store, and the batch."""
        row = await self._connection.fetchrow(
            SQL["advance"],
            self.file.file_id,
            batch.start.byte,
            number - 1,
            batch.rows,
            len(batch.unreadable),
            batch.after.byte,
            batch.after.line,
            ending.state,
            ending.reason,
            ending.detail,
            ending.duplicates,
            ending.known_rows,
            batch.batch_id,
            batch.start.row,
            batch.profile.as_json(),
        )
        if row is None:
            raise self._fenced()
        await self._copy_unreadable(batch)
        if ending is not STILL_LOADING:
            await self._put_findings(ending)
            await self._close([told(self.file, ending, dict(row))])

    async def _put_findings(self, ending: Ending) -> None:
        if ending.findings:
            await self._connection.executemany(
                SQL["put_finding"],
                [
                    (self.file.file_id, number, one.kind, one.severity, one.column, one.detail)
                    for number, one in enumerate(ending.findings, 1)
                ],
            )

    async def _copy_unreadable(self, batch: Batch) -> None:
        if batch.unreadable:
            records = [
                (
                    batch.batch_id,
                    number,
                    one.first_line,
                    one.last_line,
                    one.byte_start,
                    one.byte_len,
                    one.reason,
                    one.detail,
                    one.raw,
                )
                for number, one in enumerate(batch.unreadable, 1)
            ]
            copying = self._connection.copy_records_to_table("unreadable", records=records, columns=_UNREADABLE)
            await copied(self._connection, copying)

    async def _close(self, ended: Sequence[Event]) -> None:
        """The end of a file: batches whose turn it is now get their positions, and all is announced in order."""
        released = await self._turns.release(self._connection, self.file.source)
        await self._turns.announce(self._connection, [*released, *ended])

    def _fenced(self) -> FencedError:
        return FencedError(f"file {self.file.file_id} of {self.file.source}: another replica has taken it over")


async def _pieces(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _file(row: asyncpg.Record) -> Claimed:
    repair = orjson.loads(row["repair"]) if row["repair"] else None
    values = {
        **row,
        "header": tuple(orjson.loads(row["header"])),
        "repair": repair and Repair(repair["column"], tuple(repair["numeric"])),
    }
    return Claimed(**{field: values[field] for field in Claimed.__dataclass_fields__})


def _range_row(file_id: int, number: int, one: Range) -> tuple[int | bytes, ...]:
    start = one.start
    return file_id, number, start.byte, one.length, start.line, one.lines, start.row, one.records, one.sha256


def _range(row: asyncpg.Record) -> Range:
    start = Place(row["byte_start"], row["line_start"], row["first_row"])
    return Range(start, row["bytes"], row["lines"], row["records"], row["sha256"])
