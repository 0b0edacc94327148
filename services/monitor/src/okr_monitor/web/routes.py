"""The page's addresses: / for the page, /live for its changes, /static for its files."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from okr_monitor.web.board import Boards
from okr_monitor.web.broadcast import Broadcast
from okr_monitor.web.page import Asset, Pages

PING_SECONDS = 15


def router(boards: Boards, pages: Pages, broadcast: Broadcast, static: Mapping[str, Asset]) -> APIRouter:
    """The routes; they are for people, so the API's description leaves them out."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(pages.page(await boards.now()), headers={"Cache-Control": "no-store"})

    @routes.get("/live")
    async def live() -> EventSourceResponse:
        return EventSourceResponse(_messages(broadcast), ping=PING_SECONDS)

    @routes.get("/static/{name}")
    async def file(name: str) -> Response:
        if name not in static:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"the page has no file {name!r}")
        asset = static[name]
        kept = {"Cache-Control": "public, max-age=31536000, immutable"}  # its address changes with its content
        return Response(asset.content, media_type=asset.media_type, headers=kept)

    return routes


async def _messages(broadcast: Broadcast) -> AsyncIterator[ServerSentEvent]:
    """Unnamed messages: htmx swaps them in."""
    async for html in broadcast.follow():
        yield ServerSentEvent(data=html)
