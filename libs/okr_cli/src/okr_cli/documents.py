"""`okr documents`: the curated JSON documents."""

import asyncio
from typing import Annotated, Any

import orjson
import typer

from okr_cli.options import JsonOption, LimitOption, SourceOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import Column, show
from okr_common.sql import queries

SQL = queries("okr_cli")
app = typer.Typer(help="Curated, model-ready JSON documents.", no_args_is_help=True)
COLUMNS = (
    Column("entity_id", "id"),
    Column("entity", "of"),
    Column("source", "source"),
    Column("version", "version", right=True),
    Column("text", "text", lambda text: str(text)[:160]),
    Column("changed_at", "changed (UTC)"),
)
EntityOption = Annotated[str | None, typer.Option("--of", help="objective or key_result.")]


@app.command("list")
def list_(
    context: typer.Context,
    entity: EntityOption = None,
    source: SourceOption = None,
    limit: LimitOption = 20,
    *,
    as_json: JsonOption = False,
) -> None:
    """The documents that changed last; all of each with --json."""
    show("Documents", asyncio.run(listed(reach_of(context), source, entity, limit)), COLUMNS, as_json=as_json)


async def listed(reach: Reach, source: str | None, entity: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest documents."""
    async with reach.database("curated") as curated:
        rows = await curated.fetch(SQL["documents"], source, entity, limit)
    return [{**row, "meta": orjson.loads(row["meta"]), "labels": orjson.loads(row["labels"])} for row in rows]
