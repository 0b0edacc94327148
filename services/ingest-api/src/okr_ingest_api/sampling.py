"""An answer of an API read as a page would be, and nothing of it kept: what `okr sources check` shows."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request

from okr_common.errors import OkrError, PermanentError
from okr_common.sources import ApiBlock
from okr_ingest_api.domain.objects import read_objects
from okr_ingest_api.domain.paging import read_page
from okr_ingest_api.endpoints import Endpoints

Source = Annotated[str, Query(description="whose answer it is; its endpoint need not be enabled")]


def sampled(body: bytes, api: ApiBlock) -> dict[str, Any]:
    """The records of this answer by their place from 1, those that are no rows, and what asks for the next page.

    Raises OkrError where it is no page.
    """
    page = read_page(body, api)
    rows, unreadable = read_objects(page.records, api)
    return {
        "next_page": None if page.following is None else f"{api.cursor.parameter}={page.following}",
        "rows": [{"record": row.place + 1, "cells": json.loads(row.cells)} for row in rows],
        "unreadable": [{"record": one.place + 1, "reason": one.reason, "detail": one.detail} for one in unreadable],
    }


def router(endpoints: Endpoints, most_bytes: int) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["sources"])

    @routes.post("/samples")
    async def sample(request: Request, source: Source) -> dict[str, Any]:
        """Send an answer as the API gave it: which records it holds, and how it leads to the next. Nothing is kept."""
        try:
            api, body = endpoints.of(source), await _body(request, most_bytes)
            return {"source": source, **await asyncio.to_thread(sampled, body, api)}
        except OkrError as error:
            raise HTTPException(422, str(error)) from error

    return routes


async def _body(request: Request, most_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most_bytes:
            raise PermanentError("page_too_large", f"a page has more than {most_bytes} bytes; ask for smaller ones")
    return bytes(content)
