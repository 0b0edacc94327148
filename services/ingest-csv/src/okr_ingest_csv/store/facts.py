"""Everything that is asked of okr_raw to judge a file that was read to its end."""

from collections import Counter
from collections.abc import Sequence

import asyncpg
import orjson

from okr_common.delivery.outbox import Connection
from okr_common.sources import Read
from okr_ingest_csv.domain.batch import Batch
from okr_ingest_csv.domain.profile import Profile
from okr_ingest_csv.domain.quality import Former, Summary, findings_of, reason_to_stop
from okr_ingest_csv.store.endings import Ending
from okr_ingest_csv.store.turns import SQL

FORMERS = 5
"""So many of the source's files before are compared."""
COMPARED_ROWS = 5_000_000
"""Of a larger file nobody counts which rows it repeats: the answer would cost more than it tells."""


class Facts:
    """Asks for one file; `file` is its row as `hold` gives it."""

    def __init__(self, connection: Connection, file: asyncpg.Record) -> None:
        self._connection = connection
        self._file = file

    async def ending(self, batch: Batch, number: int, read: Read) -> Ending:
        """How the file ends with this last batch, whose rows are stored already, the batch itself not yet."""
        file, rows = self._file, self._file["rows"] + batch.rows
        former_rows = await self._connection.fetch(SQL["formers"], file["source"], file["file_id"], FORMERS)
        ids = [batch.batch_id, *[row["batch_id"] for row in await self._fetch("batches_of", number)]]
        compared = 0 < rows <= COMPARED_ROWS
        duplicates = await self._connection.fetchval(SQL["count_duplicates"], ids) if compared else None
        known = await self._known(ids, former_rows) if compared else None
        summary = await self._summary(batch, number, rows, duplicates or 0)
        findings = tuple(findings_of(summary, [_former(row) for row in former_rows], read))
        error = reason_to_stop(findings)
        if error is not None:
            return Ending(
                "quarantined", error.kind, _what_now(error.detail, file["file_id"]), findings, duplicates, known
            )
        reason = None if rows or summary.unreadable else "header_only"
        return Ending("done", reason, None, findings, duplicates, known)

    async def _known(self, ids: Sequence[int], formers: Sequence[asyncpg.Record]) -> int | None:
        if not formers:
            return None
        return int(await self._connection.fetchval(SQL["count_known"], ids, formers[0]["file_id"]))

    async def _summary(self, batch: Batch, number: int, rows: int, duplicates: int) -> Summary:
        file = self._file
        unreadable = Counter(one.reason for one in batch.unreadable)
        for row in await self._fetch("unreadable_of", number):
            unreadable[row["reason"]] += row["records"]
        profile = Profile.of_all(
            [batch.profile, *[Profile.from_json(row["profile"]) for row in await self._fetch("profiles_of", number)]]
        )
        guess = file["encoding_how"] if file["encoding_guessed"] else None
        header = tuple(orjson.loads(file["header"]))
        return Summary(header, file["header_line"] or 0, guess, rows, unreadable, profile, duplicates)

    async def _fetch(self, query: str, number: int) -> list[asyncpg.Record]:
        """Of the batches stored before; a first batch has none."""
        return await self._connection.fetch(SQL[query], self._file["file_id"]) if number > 1 else []


def _former(row: asyncpg.Record) -> Former:
    blank = {int(column): int(cells) for column, cells in orjson.loads(row["blank"]).items()}
    return Former(tuple(orjson.loads(row["header"])), row["rows"], blank)


def _what_now(detail: str, file_id: int) -> str:
    look, release = f"okr files show {file_id}", f"okr files release {file_id}"
    return f"{detail}. Look at it ({look}), then let it go ({release}) or mend the export."
