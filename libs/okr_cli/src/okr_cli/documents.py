"""`okr documents`: the curated JSON documents, and the rows a model learns from, for other programs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import orjson
import typer

from okr_cli.export import Format, FormatOption, OutputOption, export, told
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


@app.command("export")
def export_(
    context: typer.Context,
    entity: EntityOption = None,
    source: SourceOption = None,
    form: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """All documents: text, meta, labels. In Parquet meta and labels are columns, as meta.due_on.

    Where there is none, JSON Lines are an empty file, and exit code 1 says that there is no Parquet: it had no columns.
    """
    reach = reach_of(context)
    told(asyncio.run(_exported(reach, "all_documents", (source, entity), form, output)), "document", output)


@app.command()
def training(
    context: typer.Context, source: SourceOption = None, form: FormatOption = None, output: OutputOption = None
) -> None:
    """What models learn from: each check-in's features as they were then, and how its key result ended, if known."""
    reach = reach_of(context)
    told(asyncio.run(_exported(reach, "training_rows", (source,), form, output)), "row", output)


STANDS_IN = {"all_documents": "curated", "training_rows": "ops"}
JSON_FIELDS = frozenset({"meta", "labels", "features", "baselines"})


async def _exported(
    reach: Reach, query: str, asked: tuple[str | None, ...], form: Format | None, output: Path | None
) -> int:
    async with reach.database(STANDS_IN[query]) as connection, connection.transaction(readonly=True):
        return await export(_rows(connection, query, asked), form, output)


async def _rows(
    connection: asyncpg.Connection, query: str, asked: tuple[str | None, ...]
) -> AsyncIterator[Mapping[str, Any]]:
    async for row in connection.cursor(SQL[query], *asked, prefetch=1000):
        yield {name: orjson.loads(value) if name in JSON_FIELDS else value for name, value in row.items()}


async def listed(reach: Reach, source: str | None, entity: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest documents."""
    async with reach.database("curated") as curated:
        rows = await curated.fetch(SQL["documents"], source, entity, limit)
    return [{**row, "meta": orjson.loads(row["meta"]), "labels": orjson.loads(row["labels"])} for row in rows]
