"""`okr rejected`: records that are no rows, rows that break a rule: file, line, what was read, what would be right."""

import asyncio
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Annotated, Any

import asyncpg
import orjson
import typer

from okr_cli.backfill import NoWaitOption, OfSource, asked
from okr_cli.export import OutputOption, csv_rows, told
from okr_cli.files import called
from okr_cli.options import JsonOption, LimitOption, SourceOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import WHOLE, Column, show
from okr_common.counted import counted
from okr_common.spreadsheets import TOLD, WHICH, which
from okr_common.sql import queries

SQL = queries("okr_cli")


def seen(row: Mapping[str, Any]) -> str:
    """What is wrong with a row, in how many exports it came, if in several, and whether it came back mended.

    >>> seen({"said": "Due is blank", "exports": 5}), seen({"said": "Due is blank", "exports": 1, "sent_back": 14})
    ('Due is blank (seen in 5 exports)', 'Due is blank (sent back in batch 14)')
    """
    seen_in = f" (seen in {counted(row['exports'], 'export')})" if row["exports"] > 1 else ""
    back = f" (sent back in batch {row['sent_back']})" if row.get("sent_back") else ""
    return f"{row['said']}{seen_in}{back}"


COLUMNS = (
    Column("source", "source"),
    Column("where", "file and line", called),
    Column("row_num", "row", right=True),
    Column("reasons", "reasons"),
    Column(WHOLE, "what was read, what would be right", seen),
)
RAW_SHOWN = 200
"""Characters of an unreadable record in the listing; okr_raw has them all."""
AllOption = Annotated[
    bool, typer.Option("--all", help="Also where a row came before, and rows that were mended and sent back.")
]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only with this reason code.")]


app = typer.Typer(help="Rejected rows. Without a verb: the list of them.", invoke_without_command=True)


@app.callback()
def rejected(
    context: typer.Context,
    reason: ReasonOption = None,
    source: SourceOption = None,
    limit: LimitOption = 50,
    *,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Rows that cannot be read or break a rule: where they stand, and what would be right.

    One that comes again with each export stands here once, where it came last; one that was exported, mended and sent
    back does not any more.
    """
    if context.invoked_subcommand is None:
        found = asyncio.run(listed(reach_of(context), source, reason, limit, every=every))
        show("Rejected rows", found, COLUMNS, as_json=as_json)


@app.command("export")
def export_(
    context: typer.Context,
    source: OfSource,
    reason: ReasonOption = None,
    output: OutputOption = None,
    *,
    every: AllOption = False,
) -> None:
    """The rejected rows of a source as CSV, to be mended: where they stand, why, and their cells under their header."""
    rows = asyncio.run(mendable(reach_of(context), source, reason, every=every))
    header = list(dict.fromkeys((*TOLD, WHICH, *(name for row in rows for name in row))))
    count = csv_rows(header, ([row.get(name, "") for name in header] for row in rows), output)
    told(count, "rejected row", output)


async def mendable(reach: Reach, source: str, reason: str | None, *, every: bool = False) -> list[dict[str, str]]:
    """The rejected rows of a source, each with its cells by the header of its file, in the order of the source."""
    async with reach.database("processed") as processed, reach.database("raw") as raw:
        rows = await _rejected(processed, raw, source, reason, None, every=every)
    return [_mendable(row) for row in sorted(rows, key=itemgetter("position", "row_num"))]


def _mendable(row: dict[str, Any]) -> dict[str, str]:
    cells = row["cells"]
    named = cells if isinstance(cells, dict) else {f"cell {n}": cell for n, cell in enumerate(cells or (), 1)}
    place = which(row["batch_id"], row["row_num"])
    told = dict(zip((*TOLD, WHICH), (row["where"], " ".join(row["reasons"]), row["said"], place), strict=True))
    # told wins: a row that was sent back and is wrong again has such columns among its own
    read = {name: cell if isinstance(cell, str) else orjson.dumps(cell).decode() for name, cell in named.items()}
    return told | read | told


@app.command()
def retry(
    context: typer.Context, source: OfSource, *, no_wait: NoWaitOption = False, as_json: JsonOption = False
) -> None:
    """Do a source's batches again from the first one with a rejected row on, with today's mapping."""
    asked(reach_of(context), source, {"rejected": True}, wait=not no_wait, as_json=as_json)


async def listed(
    reach: Reach, source: str | None, reason: str | None, limit: int, *, every: bool = False
) -> list[dict[str, Any]]:
    """What was rejected, each with its place in its file: unreadable records as they stand there, rows by cells.

    `every`: each export that has a row, not the last one only, and rows that were mended and sent back.
    """
    async with reach.database("processed") as processed, reach.database("raw") as raw:
        rows = await _rejected(processed, raw, source, reason, limit, every=every)
        unreadable = [_unread(row) for row in await raw.fetch(SQL["unreadable"], source, reason, limit, every)]
    return [*unreadable, *rows][:limit]


async def _rejected(
    processed: asyncpg.Connection,
    raw: asyncpg.Connection,
    source: str | None,
    reason: str | None,
    limit: int | None,
    *,
    every: bool,
) -> list[dict[str, Any]]:
    rows = await processed.fetch(SQL["rejected"], source, reason, limit, every)
    pairs = [row["batch_id"] for row in rows], [row["row_num"] for row in rows]
    places = {(row["batch_id"], row["row_num"]): row for row in await raw.fetch(SQL["rows_of"], *pairs)}
    return [_told(dict(row), places.get((row["batch_id"], row["row_num"]))) for row in rows]


def _unread(row: asyncpg.Record) -> dict[str, Any]:
    raw = row["raw"].decode(row["encoding"] or "utf-8", errors="backslashreplace")
    return {
        "source": row["source"],
        "batch_id": row["batch_id"],
        "row_num": None,
        "reasons": [row["reason"]],
        "detail": row["detail"],
        "exports": row["exports"],
        "where": _where(row),
        "said": f"{row['detail']}: {raw[:RAW_SHOWN]!r}",
        "cells": None,
    }


def _where(row: asyncpg.Record) -> str:
    return f"{row['path']}:{row['first_line']}" if row["path"] else f"batch {row['batch_id']}"


def _told(row: dict[str, Any], place: asyncpg.Record | None) -> dict[str, Any]:
    detail = orjson.loads(row["detail"])
    told = {**row, "detail": detail, "said": said(detail), "where": "", "cells": None}
    if place is not None:
        cells = orjson.loads(place["cells"])
        header = orjson.loads(place["header"]) if place["header"] else []
        told["where"] = _where(place)
        told["cells"] = _named(header, cells) if header else cells
    return told


def _named(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Cells by their columns; a name that stands twice, or none, is told with its place, also beyond the header.

    >>> _named(["a", "b", "a"], ["1", "2", "3", "4"])
    {'a': '1', 'b': '2', 'a (3)': '3', 'cell 4': '4'}
    """
    named: dict[str, str] = {}
    for place, cell in enumerate(cells, 1):
        name = header[place - 1] if place <= len(header) else ""
        named[f"{name} ({place})" if name in named else name or f"cell {place}"] = cell
    return named


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
