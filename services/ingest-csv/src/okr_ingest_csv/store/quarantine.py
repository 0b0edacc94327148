"""Letting a quarantined file go: its rows get their turn, after everything its source has had until now."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import orjson

from okr_common.delivery.release import lock_source
from okr_common.errors import PermanentError
from okr_common.events import Event, FileDone
from okr_common.sources import Mapping, MissingColumn, missing_columns
from okr_ingest_csv.domain.verdict import repair_of
from okr_ingest_csv.store.claiming import validated
from okr_ingest_csv.store.claims import Store
from okr_ingest_csv.store.turns import SQL

DETAIL = "it was quarantined ({reason}) and let go"


@dataclass(frozen=True, slots=True)
class LetGo:
    """A file that was let go: its source, and whether it is done or waits to be read."""

    file_id: int
    source: str
    state: str


class Quarantine:
    """The quarantined files of okr_raw."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def source_of(self, file_id: int) -> str | None:
        """The source of this file; None where there is no such file."""
        source: str | None = await self._store.pool.fetchval(SQL["source_of_file"], file_id)
        return source

    async def let_go(self, file_id: int, source: str, mapping: Mapping | None) -> LetGo:
        """Rows that were read are announced; a file that lacked columns is read now, if the mapping was mended.

        Raises PermanentError("not_quarantined" | "missing_columns" | "unrecognised").
        """
        async with self._store.pool.acquire() as connection, connection.transaction():
            await lock_source(connection, source)
            file = await connection.fetchrow(SQL["quarantined"], file_id)
            if file is None or file["state"] != "quarantined":
                raise _not_quarantined(file_id, file)
            unread = file["reason"] == "missing_columns"
            repair = _repair(file, mapping) if unread else None
            state = "waiting" if unread else "done"
            detail = DETAIL.format(reason=file["reason"])
            row = await connection.fetchrow(SQL["let_go"], file_id, state, None if unread else "let_go", detail, repair)
            events: list[Event] = await self._store.turns.release(connection, source)
            events.append(_validated(file) if unread else FileDone(source=source, file_id=file_id, **dict(row or {})))
            await self._store.turns.announce(connection, events)
        self._store.turns.committed()
        return LetGo(file_id, source, state)


def _validated(file: asyncpg.Record) -> Event:
    header = orjson.loads(file["header"])
    guessed = file["encoding_guessed"]
    return validated(file["source"], file["file_id"], file["encoding"], file["delimiter"], header, guessed=guessed)


def _repair(file: asyncpg.Record, mapping: Mapping | None) -> str | None:
    if mapping is None:
        raise PermanentError("unrecognised", f"{file['source']} has no mapping now; put it back first")
    header = orjson.loads(file["header"])
    missing = missing_columns(mapping, header)
    if missing:
        raise PermanentError("missing_columns", _still(file["file_id"], missing))
    repair = repair_of(mapping, header)
    return orjson.dumps(repair).decode() if repair else None


def _still(file_id: int, missing: Sequence[MissingColumn]) -> str:
    names = ", ".join(one.name for one in missing)
    return (
        f"file {file_id} still lacks {names}, which the mapping reads; mend the mapping, then let it go. Where its "
        "header was taken from the wrong line, drop the file again: then it is looked for anew"
    )


def _not_quarantined(file_id: int, file: asyncpg.Record | None) -> PermanentError:
    state = f"it is {file['state']}" if file else "there is no such file"
    return PermanentError("not_quarantined", f"file {file_id} cannot be let go: {state}")
