"""Loading: a claimed file's batches, each with the file's progress, and the file's end."""

from collections.abc import AsyncIterator, Sequence

import asyncpg
import orjson

from okr_common import crash
from okr_common.delivery.outbox import Connection
from okr_common.delivery.release import lock_source
from okr_common.errors import FencedError, PermanentError
from okr_common.events import Event, FileDone, FileRejected
from okr_common.postgres.copying import copied
from okr_ingest_csv.domain.batch import COLUMNS, COPY_DELIMITER, COPY_QUOTE, Batch
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.store.turns import SQL, Turns

_UNREADABLE = ("batch_id", "number", "first_line", "last_line", "byte_start", "byte_len", "reason", "detail", "raw")


class Held:
    """A claimed file and the session that holds it."""

    def __init__(self, turns: Turns, connection: Connection, row: asyncpg.Record) -> None:
        self._turns = turns
        self._connection = connection
        self.file = _file(row)
        self.first_batch_id = int(row["batch_id"])

    async def draw_batch_id(self) -> int:
        """An id for the next batch; the rows carry it before the batch is there."""
        return int(await self._connection.fetchval(SQL["draw_batch_id"]))

    async def store_batch(self, batch: Batch, number: int) -> None:
        """Rows, progress and, if it is its turn, position and event; with the last batch, the file's end.

        Raises FencedError where another replica has stored it.
        """
        async with self._connection.transaction():
            await self._copy(batch)
            crash.point("after_copy")
            await lock_source(self._connection, self.file.source)
            done = await self._advance(batch, number)
            await self._close(done)
            crash.point("before_commit")
        crash.point("after_commit")
        self._turns.committed()

    async def store_revert(self, original: int) -> None:
        """Batches that refer to the rows of the older file's batches."""
        async with self._connection.transaction():
            await lock_source(self._connection, self.file.source)
            await self._connection.execute(SQL["add_reverted_batches"], self.file.file_id, original)
            row = await self._connection.fetchrow(SQL["end_revert"], self.file.file_id, original)
            if row is None:
                raise self._fenced()
            await self._close([self._done(row)])
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

    async def _advance(self, batch: Batch, number: int) -> list[Event]:
        """The file's progress, which tells whether the batch is still ours to store, and the batch."""
        file = self.file
        nothing = batch.last and batch.empty and number == 1
        row = await self._connection.fetchrow(
            SQL["advance"],
            file.file_id,
            batch.start.byte,
            number - 1,
            batch.rows,
            len(batch.unreadable),
            batch.after.byte,
            batch.after.line,
            "done" if batch.last else "loading",
            "header_only" if nothing else None,
            batch.batch_id,
            batch.start.row,
        )
        if row is None:
            raise self._fenced()
        await self._copy_unreadable(batch)
        return [self._done(row)] if batch.last else []

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
        """The end of each transaction here: whose turn it is now gets a position, and all is announced in order."""
        released = await self._turns.release(self._connection, self.file.source)
        await self._turns.announce(self._connection, [*released, *ended])

    def _done(self, row: asyncpg.Record) -> Event:
        return FileDone(
            source=self.file.source,
            file_id=self.file.file_id,
            rows=row["rows"],
            unreadable=row["unreadable"],
            batches=row["batches"],
        )

    def _fenced(self) -> FencedError:
        return FencedError(f"file {self.file.file_id} of {self.file.source}: another replica has taken it over")


async def _pieces(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _file(row: asyncpg.Record) -> Claimed:
    values = {**row, "header": tuple(orjson.loads(row["header"]))}
    return Claimed(**{field: values[field] for field in Claimed.__dataclass_fields__})
