"""REST of ingest-csv: what became of each file, and why."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, HTTPException, Query

from okr_common.errors import PermanentError
from okr_common.sql import queries
from okr_ingest_csv import view
from okr_ingest_csv.domain.profile import Profile
from okr_ingest_csv.store import LetGo
from okr_ingest_csv.sweep import Swept

SQL = queries(__package__)
State = Literal["discovered", "waiting", "validating", "loading", "quarantined", "done", "failed", "vanished"]
Limit = Annotated[int, Query(ge=1, le=1000, description="at most so many")]
UNREADABLE_SHOWN = 100
"""Of a file with more unreadable records the first so many; all of them are in okr_raw.unreadable."""


class Database(Protocol):
    """What is asked of okr_raw here."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:  # noqa: ANN401 - asyncpg's own signature
        """All rows."""
        ...

    async def fetchrow(self, query: str, *args: Any) -> Any:  # noqa: ANN401
        """The first row, or None."""
        ...


Releasing = Callable[[int], Awaitable[LetGo]]
"""Lets a quarantined file go; raises PermanentError where that cannot be."""


class Sweeps(Protocol):
    """Whoever can sweep."""

    async def sweep(self) -> Swept:
        """One sweep."""
        ...


def router(database: Database, sweeper: Sweeps, releasing: Releasing) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["files"])

    @routes.get("/files")
    async def files(
        state: State | None = None, source: str | None = None, before: int | None = None, limit: Limit = 100
    ) -> dict[str, Any]:
        """The files, newest first. `before` is the `next` of the page before."""
        rows = [dict(row) for row in await database.fetch(SQL["files"], state, source, before, limit)]
        return {"files": rows, "next": rows[-1]["file_id"] if len(rows) == limit else None}

    @routes.get("/files/{file_id}")
    async def file(file_id: int) -> dict[str, Any]:
        """One file: how it was read and why so, what was found in it, its states, batches and unreadable records."""
        row = await database.fetchrow(SQL["file"], file_id)
        if row is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no file {file_id}; GET /files lists them")
        unreadable = await database.fetch(SQL["file_unreadable"], file_id, UNREADABLE_SHOWN)
        profiles = [Profile.from_json(one["profile"]) for one in await database.fetch(SQL["file_profiles"], file_id)]
        return {
            **view.of_file(row),
            **view.of_profile(row, Profile.of_all(profiles)),
            "findings": [dict(one) for one in await database.fetch(SQL["file_findings"], file_id)],
            "history": [dict(one) for one in await database.fetch(SQL["file_history"], file_id)],
            "paths": [one["path"] for one in await database.fetch(SQL["file_paths"], file_id)],
            "batch_list": [dict(one) for one in await database.fetch(SQL["file_batches"], file_id)],
            "unreadable_list": [view.of_unreadable(one, row["encoding"]) for one in unreadable],
        }

    @routes.post("/files/{file_id}/release")
    async def release(file_id: int) -> LetGo:
        """Let a quarantined file go: its rows are announced after everything its source has had until now."""
        try:
            return await releasing(file_id)
        except PermanentError as error:
            raise HTTPException(HTTPStatus.CONFLICT, str(error)) from error

    @routes.get("/left-alone")
    async def left_alone(after: str = "", limit: Limit = 100) -> dict[str, Any]:
        """Paths in the watched folders that are not read, and why."""
        rows = [dict(row) for row in await database.fetch(SQL["left_alone"], after, limit)]
        return {"paths": rows, "next": rows[-1]["path"] if len(rows) == limit else None}

    @routes.post("/sweep")
    async def sweep() -> Swept:
        """Look into all folders now; answers when every complete file is claimed."""
        return await sweeper.sweep()

    return routes
