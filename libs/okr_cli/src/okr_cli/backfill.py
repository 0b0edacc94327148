"""`okr backfill`: a source's batches again, with today's mapping; only what differs is written and published."""

import asyncio
from typing import Annotated, Any

import typer

from okr_cli.context import err, out
from okr_cli.ingest import progress
from okr_cli.options import JsonOption, LimitOption, SourceOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import Column, print_json, show
from okr_common import polling
from okr_common.counted import counted
from okr_common.errors import OkrError

app = typer.Typer(help="Replays: do a source's batches again after its mapping was mended.", no_args_is_help=True)
OfSource = Annotated[str, typer.Option("--source", "-s", help="Whose batches.")]
FromOption = Annotated[
    int | None, typer.Option("--from", help="From the file of this batch on (`okr lineage` tells batches); else all.")
]
VersionOption = Annotated[
    int | None,
    typer.Option("--mapping-version", help="With a former mapping (`okr backfill mappings`); the file stays as it is."),
]
NoWaitOption = Annotated[
    bool, typer.Option("--no-wait", help="Return at once; `okr backfill list` shows how far it is.")
]
ASKED = (
    Column("source", "source"),
    Column("state", "state"),
    Column("batches_done", "done", right=True),
    Column("batches", "of batches", right=True),
    Column("waits", "why it waits"),
    Column("asked_at", "asked for (UTC)"),
)
MAPPINGS = (
    Column("version", "version", right=True),
    Column("hash", "hash"),
    Column("first_used_at", "first used (UTC)"),
)
DONE = (
    Column("source", "source"),
    Column("generation", "generation", right=True),
    Column("first_position", "from position", right=True),
    Column("position", "to", right=True),
    Column("versions", "published", right=True),
    Column("withdrawn", "withdrawn", right=True),
    Column("closed", "closed", right=True),
    Column("finished_at", "held since (UTC)"),
)


@app.command("etl")
def of_etl(
    context: typer.Context,
    source: OfSource,
    batch: FromOption = None,
    mapping_version: VersionOption = None,
    *,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Do the batches of a source again, with today's mapping. A stopped one goes on. Ctrl-C leaves it running."""
    wanted = {"batch": batch, "mapping_version": mapping_version}
    asked(reach_of(context), source, wanted, wait=not no_wait, as_json=as_json)


@app.command("list")
def list_(
    context: typer.Context, source: SourceOption = None, limit: LimitOption = 20, *, as_json: JsonOption = False
) -> None:
    """Replays under way, and those that hold."""
    found = _replays(reach_of(context), source, limit)
    if as_json:
        print_json(found)
        return
    show("Asked for", found["asked"], ASKED, as_json=False)
    show("Done", found["done"], DONE, as_json=False)


@app.command()
def mappings(context: typer.Context, source: OfSource, *, as_json: JsonOption = False) -> None:
    """The mappings a source was applied with, the newest first."""
    found = reach_of(context).get("etl", f"/sources/{source}/mappings").json()
    show(f"Mappings of {source}", found, MAPPINGS, as_json=as_json)


@app.command()
def stop(context: typer.Context, source: OfSource) -> None:
    """Stop a replay between two batches; `okr backfill etl` with the same --from goes on with it."""
    reach_of(context).post("etl", f"/sources/{source}/replay/stop", {})
    out.print(f"the replay of {source} is stopped; nothing that was published has changed", highlight=False)


def asked(reach: Reach, source: str, wanted: dict[str, Any], *, wait: bool, as_json: bool) -> None:
    """Asks for a replay, and waits for it with a progress bar. Raises OkrError where it cannot go on."""
    replay = reach.post("etl", f"/sources/{source}/replay", wanted).json()
    done = asyncio.run(_ended(reach, source, replay["asked_at"])) if wait else None
    if as_json:
        print_json(done or replay)
    elif done is None:
        out.print(
            f"asked for: {counted(replay['batches'], 'batch', 'batches')} of {source}; see `okr backfill list`",
            highlight=False,
        )
    else:
        _report(done)


async def _ended(reach: Reach, source: str, asked_at: str) -> dict[str, Any]:
    with progress() as bars:
        bar = bars.add_task(f"{source}: batches", total=None)

        async def look() -> dict[str, Any] | None:
            found = await asyncio.to_thread(_replays, reach, source, 1)
            for replay in found["asked"]:
                bars.update(bar, completed=replay["batches_done"], total=replay["batches"])
                _must_go_on(replay)
                return None
            return next((one for one in found["done"] if one["asked_at"] == asked_at), None)

        return await polling.until(look) or {}


def _must_go_on(replay: dict[str, Any]) -> None:
    if replay["waits"]:
        raise OkrError(f"the replay waits: {replay['waits']}. It goes on by itself once that is mended.")
    if replay["state"] == "stopped":
        raise OkrError(f"the replay of {replay['source']} was stopped; the same command goes on with it")


def _replays(reach: Reach, source: str | None, limit: int) -> dict[str, Any]:
    wanted = {"limit": limit} if source is None else {"limit": limit, "source": source}
    found: dict[str, Any] = reach.get("etl", "/replays", **wanted).json()
    return found


def _report(done: dict[str, Any]) -> None:
    if not done["versions"]:
        out.print(f"{done['source']}: nothing differs, so nothing was published", highlight=False)
        return
    out.print(
        f"{done['source']}: generation {done['generation']} holds; {counted(done['versions'], 'version')} published, "
        f"{counted(done['closed'], 'of them closes', 'of them close')} what nothing says any more; "
        f"{counted(done['withdrawn'], 'earlier version')} withdrawn",
        highlight=False,
    )
    if done["withdrawn"]:
        err.print("the source's model is trained anew on what holds now: okr models", highlight=False)
