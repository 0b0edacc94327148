"""REST: /quality, /rejected, /pending, /documents, /sources."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from okr_common.errors import PermanentError
from okr_etl.domain.preview import Preview, preview, unloaded
from okr_etl.mappings import Mappings
from okr_etl.store.documents import DocumentStore
from okr_etl.store.quality import QualityStore
from okr_etl.store.raw import RawStore
from okr_etl.store.waits import WaitStore

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0)]
Every = Annotated[bool, Query(alias="all", description="each time that a row came, not the last only")]


class Rows(BaseModel):
    """Rows of a file that nobody has loaded, or objects of an API (under no header)."""

    header: list[str] = Field(max_length=10_000)
    rows: list[list[str]] | list[dict[str, Any]] = Field(max_length=200_000)
    path: str = Field(default="", description="of the file, from which a mapping may read")


def previews(mappings: Mappings) -> APIRouter:
    """The route that shows what a mapping makes of rows."""
    routes = APIRouter()

    @routes.post("/sources/{source}/preview", tags=["sources"])
    async def show(source: str, rows: Rows, limit: Limit = 5) -> Preview:
        """The canonical records these rows would become, and the rows that would be rejected. Nothing is kept."""
        try:
            mapping = mappings.of(source, rows.header)
        except PermanentError as error:
            raise HTTPException(422, str(error)) from error
        batch = unloaded(rows.header, rows.rows, rows.path, datetime.now(UTC))
        return await asyncio.to_thread(preview, mapping, batch, limit, mappings.key)

    return routes


def router(
    quality: QualityStore, raw: RawStore, documents: DocumentStore, waits: WaitStore, mappings: Mappings
) -> APIRouter:
    """The routes of etl."""
    routes = APIRouter()

    async def located(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        places = await raw.whereabouts([(row["batch_id"], row["row_num"]) for row in rows])
        return [{**row, **places.get((row["batch_id"], row["row_num"]), {})} for row in rows]

    @routes.get("/quality", tags=["quality"])
    async def counts() -> dict[str, Any]:
        """Of each source: rows by result, the rejected ones by reason; and the sources that wait, with what to do.

        `folder`: where the mappings are.
        """
        folder = str(mappings.folder)
        return {"sources": await quality.counts(), "waiting": await waits.look(), "folder": folder}

    @routes.get("/rejected", tags=["quality"])
    async def rejected(
        source: str | None = None,
        reason: str | None = None,
        limit: Limit = 100,
        offset: Offset = 0,
        *,
        every: Every = False,
    ) -> list[dict[str, Any]]:
        """Rejected rows with every reason, and the file and line to mend; `reason` is a code, or `code:column`.

        One that comes again with each export is told where it came last, and in how many `exports` it was.
        """
        return await located(await quality.rejected(source, reason, limit, offset, repeated=every))

    @routes.get("/pending", tags=["quality"])
    async def pending(source: str | None = None, limit: Limit = 100, offset: Offset = 0) -> list[dict[str, Any]]:
        """Rows that wait for the row above them: the key of that parent, since when, and where they stand."""
        return await located(await quality.pending(source, limit, offset))

    @routes.get("/documents", tags=["documents"])
    async def list_documents(
        source: str | None = None, entity: str | None = None, after: UUID | None = None, limit: Limit = 100
    ) -> list[dict[str, Any]]:
        """Curated documents in the order of their ids; `after` is the last id of the page before."""
        return await documents.list(source, entity, after, limit)

    @routes.get("/documents/{entity_id}", tags=["documents"])
    async def document(entity_id: UUID) -> dict[str, Any]:
        """One curated document."""
        found = await documents.get(entity_id)
        if found is None:
            raise HTTPException(404, f"there is no document of {entity_id}; GET /documents lists them")
        return found

    return routes
