"""`okr rejected`: rows that break a rule, with file, line, what was read and what would be right."""

import asyncio
from typing import Annotated, Any

import asyncpg
import orjson
import typer

from okr_cli.options import JsonOption, LimitOption, SourceOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import Column, show
from okr_common.sql import queries

SQL = queries("okr_cli")
COLUMNS = (
    Column("source", "source"),
    Column("where", "file and line"),
    Column("row_num", "row", right=True),
    Column("reasons", "reasons"),
    Column("said", "what was read, what would be right"),
)
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only with this reason code.")]


def rejected(
    context: typer.Context,
    reason: ReasonOption = None,
    source: SourceOption = None,
    limit: LimitOption = 50,
    *,
    as_json: JsonOption = False,
) -> None:
    """Rows that break a rule: where they stand, and what would be right."""
    show("Rejected rows", asyncio.run(listed(reach_of(context), source, reason, limit)), COLUMNS, as_json=as_json)


async def listed(reach: Reach, source: str | None, reason: str | None, limit: int) -> list[dict[str, Any]]:
    """The rejected rows, each with its place in its file and its cells."""
    async with reach.database("processed") as processed, reach.database("raw") as raw:
        rows = await processed.fetch(SQL["rejected"], source, reason, limit)
        pairs = [row["batch_id"] for row in rows], [row["row_num"] for row in rows]
        places = {(row["batch_id"], row["row_num"]): row for row in await raw.fetch(SQL["rows_of"], *pairs)}
    return [_told(dict(row), places.get((row["batch_id"], row["row_num"]))) for row in rows]


def _told(row: dict[str, Any], place: asyncpg.Record | None) -> dict[str, Any]:
    detail = orjson.loads(row["detail"])
    told = {**row, "detail": detail, "said": said(detail), "where": "", "cells": None}
    if place is not None:
        cells = orjson.loads(place["cells"])
        header = orjson.loads(place["header"]) if place["header"] else []
        told["where"] = f"{place['path']}:{place['first_line']}" if place["path"] else f"batch {row['batch_id']}"
        told["cells"] = dict(zip(header, cells, strict=False)) if header else cells
    return told


def said(detail: object) -> str:
    """The detail of each reason in one line.

    >>> said({"missing_value:year": "nothing was read; a whole number would be right"})
    'missing_value:year: nothing was read; a whole number would be right'
    """
    if not isinstance(detail, dict):
        return str(detail)
    return "; ".join(
        f"{reason}: {words if isinstance(words, str) else _flat(words)}" for reason, words in detail.items()
    )


def _flat(words: object) -> str:
    if isinstance(words, dict):
        return ", ".join(f"{name} {value!r}" for name, value in words.items())
    return str(words)
