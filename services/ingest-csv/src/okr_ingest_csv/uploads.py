"""POST /files: a file comes in as the body of a request, and the answer says what became of it."""

import asyncio
from collections.abc import AsyncIterator
from difflib import get_close_matches
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, NoReturn, Protocol
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

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
Name = Annotated[str, Query(description="what the file is called; it must fit the patterns, as goals.csv does")]
Source = Annotated[str | None, Query(description="whose file it is; without it the mappings recognise the file")]


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


def router(uploads: Uploads, settings: IngestCsvSettings) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["files"])

    @routes.post("/files", status_code=HTTPStatus.CREATED)
    async def upload(request: Request, response: Response, name: Name, source: Source = None) -> Uploaded:
        """Send a file as the body, whole; not as a form.

        201: a new file, which may have failed (state, reason, detail). 200: the source's latest file holds these very
        bytes; its id is told. 413, 415, 422, 507: not taken; the detail says what to do.
        """
        try:
            _must_be_the_file_itself(request)
            path = await uploads.take(request.stream(), name, source, _length(request))
        except HTTPException:
            await _hear_out(request, settings.max_upload_bytes)
            raise
        except ClientDisconnect:
            _gave_up()
        uploaded, new = await uploads.fate(path)
        response.headers["Location"] = f"/files/{uploaded.file_id}"
        response.status_code = HTTPStatus.CREATED if new else HTTPStatus.OK
        return uploaded

    return routes


def _must_be_the_file_itself(request: Request) -> None:
    """What wraps a form around a file would stand in the file as lines."""
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "the body is a form; send the file itself as the body, with curl: --data-binary @goals.csv",
        )


def _length(request: Request) -> int:
    """As declared; 0 where the client does not know it yet."""
    return int(request.headers.get("content-length", 0))


async def _hear_out(request: Request, max_bytes: int) -> None:
    """A client that sends all before it listens would find the connection closed, and never see why.

    One that asked first (Expect: 100-continue) has sent nothing, and is answered at once.
    """
    if "expect" in request.headers:
        return
    heard = 0
    try:
        async for chunk in request.stream():
            heard += len(chunk)
            if heard > max_bytes:
                return
    except (ClientDisconnect, RuntimeError):  # it has gone, or all was heard
        return


def _gave_up() -> NoReturn:
    raise HTTPException(HTTPStatus.BAD_REQUEST, "the connection broke off before the file was whole; send it again")
