"""POST /files as HTTP has it: what is asked for, and how clients learn what became of it."""

from http import HTTPStatus
from typing import Annotated, NoReturn

from fastapi import APIRouter, HTTPException, Query, Request, Response
from starlette.requests import ClientDisconnect

from okr_ingest_csv.settings import IngestCsvSettings
from okr_ingest_csv.uploads import Uploaded, Uploads

Name = Annotated[str, Query(description="what the file is called; it must fit the patterns, as goals.csv does")]
Source = Annotated[str | None, Query(description="whose file it is; without it the mappings recognise the file")]


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
