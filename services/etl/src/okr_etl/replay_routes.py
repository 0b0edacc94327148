"""REST: /replays, and asking for the replay of a source."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from okr_etl.domain.replay import Replay
from okr_etl.store.processed import ProcessedStore
from okr_etl.store.raw import RawStore
from okr_etl.store.replays import ReplayStore

Limit = Annotated[int, Query(ge=1, le=1000)]


class Wanted(BaseModel):
    """Which batches are to be done again. Without either: all of them."""

    batch: int | None = Field(default=None, ge=1, description="from the file or request of this batch on")
    mapping_version: int | None = Field(default=None, ge=1, description="with a former mapping instead of today's")
    rejected: bool = Field(default=False, description="from the first batch with a rejected row on")


def router(
    replays: ReplayStore,
    stores: tuple[RawStore, ProcessedStore],
    asked: Callable[[], None],
) -> APIRouter:
    """The routes; `asked` wakes whoever carries replays out."""
    raw, processed = stores
    routes = APIRouter(tags=["replays"])

    async def told(*found: Replay) -> list[dict[str, Any]]:
        waits = await replays.waits.look()
        return [{**view(one), "waits": waits[one.source].detail if one.source in waits else None} for one in found]

    @routes.get("/replays")
    async def list_replays(source: str | None = None, limit: Limit = 50) -> dict[str, Any]:
        """Those that were asked for, with how far they are; and those that hold, the newest first."""
        return {
            "asked": await told(*await replays.asked(source)),
            "done": await replays.done(source, limit),
        }

    @routes.post("/sources/{source}/replay", status_code=202)
    async def ask(source: str, wanted: Wanted) -> dict[str, Any]:
        """Do the source's batches again, with today's mapping. A stopped replay of the same batches goes on."""
        first, version = await _first(replays, raw, source, wanted), wanted.mapping_version
        if version is not None and await processed.mapping(source, version) is None:
            raise HTTPException(
                404, f"{source} has no mapping version {version}; GET /sources/{source}/mappings lists them"
            )
        await replays.ask(source, first, version)
        asked()
        replay = next(iter(await replays.asked(source)), None)
        if replay is None:
            raise HTTPException(404, f"etl has applied no batch of {source}, so there is nothing to do again")
        if (replay.first, replay.mapping_version) != (first, version):
            raise HTTPException(409, _runs_already(replay))
        return (await told(replay))[0]

    @routes.get("/sources/{source}/mappings")
    async def mappings(source: str) -> list[dict[str, Any]]:
        """The mappings its batches were applied with, the newest first."""
        return await processed.mappings(source)

    @routes.post("/sources/{source}/replay/stop")
    async def stop(source: str) -> dict[str, Any]:
        """Stop between two batches; what was published is not touched."""
        if not await replays.stop(source):
            raise HTTPException(404, f"no replay of {source} is under way; GET /replays lists them")
        return (await told(*await replays.asked(source)))[0]

    return routes


async def _first(replays: ReplayStore, raw: RawStore, source: str, wanted: Wanted) -> int:
    """The position of the first batch of the file, or request, with which it begins."""
    batch = await replays.first_rejected(source) if wanted.rejected else wanted.batch
    if batch is None and wanted.rejected:
        raise HTTPException(404, f"no row of {source} is rejected")
    if batch is None:
        return 1
    position = await raw.first_of_unit(source, batch)
    if position is None:
        raise HTTPException(
            404, f"{source} has no released batch {batch}; `okr files --source {source}` lists its files"
        )
    return position


def _runs_already(replay: Replay) -> str:
    return (
        f"a replay of {replay.source} from position {replay.first} on is under way; stop it first "
        f"(`okr backfill stop --source {replay.source}`), then ask for this one"
    )


def view(replay: Replay) -> dict[str, Any]:
    """A replay as it is told: positions of the source, and how many of its batches are done."""
    done = 0 if replay.position is None else replay.position - replay.first + 1
    return {
        "source": replay.source,
        "state": replay.state,
        "first_position": replay.first,
        "position": replay.position,
        "head": replay.head,
        "batches_done": done,
        "batches": replay.head - replay.first + 1,
        "generation": replay.generation,
        "mapping_hash": replay.mapping_hash,
        "mapping_version": replay.mapping_version,
        "asked_at": replay.asked_at,
    }
