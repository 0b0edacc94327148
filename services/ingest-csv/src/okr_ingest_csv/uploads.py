"""Files that are sent: taken in whole, offered to the intake, and kept if they are news."""

import asyncio
from collections.abc import AsyncIterator
from difflib import get_close_matches
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from fastapi import HTTPException
from pydantic import BaseModel

from okr_common.clock import Clock, utc_now
from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_common.sources import SourcesFolder
from okr_common.sql import queries
from okr_ingest_csv.domain.upload import checked_name, is_upload, place
from okr_ingest_csv.receiving import NoSpaceError, Receiving, TooLargeError
from okr_ingest_csv.settings import IngestCsvSettings

log = logger(__name__)
SQL = queries(__package__)


class Uploaded(BaseModel):
    """What became of an upload: the file it is now, and that file's state."""

    file_id: int
    source: str
    state: str
    reason: str | None
    detail: str | None


class Database(Protocol):
    """What is asked of okr_raw here."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:  # noqa: ANN401 - asyncpg's own signature
        """All rows."""
        ...

    async def fetchrow(self, query: str, *args: Any) -> Any:  # noqa: ANN401
        """The first row, or None."""
        ...

    async def execute(self, query: str, *args: Any) -> Any:  # noqa: ANN401
        """Changes something."""
        ...


class Takes(Protocol):
    """Whoever takes complete files."""

    def offer(self, path: Path, folder: Path, hint: str | None = None, /) -> "asyncio.Future[bool]":
        """Take this file in its turn."""
        ...


class Uploads:
    """Takes what is sent, and keeps of it what is news."""

    def __init__(
        self,
        database: Database,
        intake: Takes,
        sources: SourcesFolder,
        settings: IngestCsvSettings,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._intake = intake
        self._sources = sources
        self._patterns = settings.patterns
        self._clock = clock
        self._folder = settings.upload_folder.absolute()
        self._receiving = Receiving(self._folder, settings.max_upload_bytes, settings.min_free_bytes)

    async def tidy(self) -> None:
        """At start: what was left of uploads that never ended, or of copies that a crash kept."""
        try:
            await asyncio.to_thread(self._receiving.sweep_parts)
            for row in await self._database.fetch(SQL["needless_copies"], f"{self._folder}/"):
                if is_upload(Path(row["path"]).name):
                    await self._drop(Path(row["path"]))
        except OSError as error:
            log.warning("uploads_not_possible", folder=str(self._folder), error=str(error))

    async def take(self, chunks: AsyncIterator[bytes], name: str, source: str | None, length: int) -> Path:
        """Checks what can be known before, then writes it all. Raises HTTPException with what to do."""
        try:
            path = place(
                self._folder, self._known(source), checked_name(name, self._patterns), self._clock(), uuid4().hex[:8]
            )
            self._receiving.must_have_room(length)
            await self._receiving.receive(chunks, path)
        except PermanentError as error:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
        except TooLargeError as error:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from None
        except NoSpaceError as error:
            raise HTTPException(HTTPStatus.INSUFFICIENT_STORAGE, str(error)) from None
        except OSError as error:
            detail = f"{error.filename or self._folder}: {error.strerror}; the service must be able to write there"
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, detail) from error
        return path

    async def fate(self, path: Path) -> tuple[Uploaded, bool]:
        """What became of it, and whether it is a new file. A copy of a file that was read to its end is not kept."""
        dealt_with = await self._intake.offer(path, self._folder)
        row = await self._database.fetchrow(SQL["fate"], str(path))
        if not dealt_with or row is None:
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"the file is safe at {path}, and the service is stopping: it is read after the next start",
            )
        if row["file_id"] is None:
            await self._drop(path)
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"{row['seen_as']}: {row['seen_detail']}")
        same = row["seen_as"] == "same_bytes"
        if same and row["state"] == "done":
            await self._drop(path)
        return Uploaded.model_validate({key: row[key] for key in Uploaded.model_fields}), not same

    async def _drop(self, path: Path) -> None:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        await self._database.execute(SQL["unsight"], str(path))

    def _known(self, source: str | None) -> str | None:
        """The source, if it has files. Raises PermanentError that names the nearest one."""
        if source is None:
            return None
        sources = self._sources.current()
        try:
            known = sources.recognise("", (), source).source
        except PermanentError as error:
            near = get_close_matches(source, sources.mappings, n=1)
            raise PermanentError(error.reason, f"{error}" + (f"; did you mean {near[0]}?" if near else "")) from None
        if sources.mappings[known].kind != "csv":
            raise PermanentError("unrecognised", f"{known} is read from an API, not from files")
        return known
