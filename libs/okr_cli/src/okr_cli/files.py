"""`okr files`: every file that was seen, where it is, and why it is not done; and letting a quarantined one go."""

import asyncio
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated, Any

import typer

from okr_cli.context import out
from okr_cli.file_view import picture
from okr_cli.options import JsonOption, LimitOption, SourceOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import WHOLE, Column, print_json, show
from okr_common.sql import queries

SQL = queries("okr_cli")
_UPLOADED = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}-")
"""What POST /files puts before a name, so that two files of one name never meet."""


def named(row: Mapping[str, Any]) -> str:
    """What the file was called when it came; of a path that is no file the whole path.

    >>> named({"file_id": 7, "path": "data/uploads/_/20261125T203337Z-5e985d9e-goals.csv"})
    'goals.csv'
    """
    return row["path"] if row["file_id"] is None else called(row["path"])


def called(path: str) -> str:
    """What a file was called by who sent it.

    >>> called("data/uploads/_/20261125T203337Z-5e985d9e-goals.csv")
    'goals.csv'
    """
    return _UPLOADED.sub("", PurePath(path).name)


COLUMNS = (
    Column("file_id", "file"),
    Column("source", "source"),
    Column(WHOLE, "name", named),
    Column("state", "state"),
    Column("rows", "rows", right=True),
    Column("unreadable", "unreadable", right=True),
    Column("reason", "reason"),
    Column("discovered_at", "seen (UTC)"),
)
app = typer.Typer(help="Files: what became of each, and why. Without a verb: the newest.", invoke_without_command=True)
FileArgument = Annotated[int, typer.Argument(help="A file's number, as `okr files` lists it.")]


class FileState(StrEnum):
    """Where a file can be; `left alone` is what is no file of any source."""

    DISCOVERED = "discovered"
    WAITING = "waiting"
    VALIDATING = "validating"
    LOADING = "loading"
    QUARANTINED = "quarantined"
    DONE = "done"
    FAILED = "failed"
    VANISHED = "vanished"
    LEFT_ALONE = "left alone"


FileStateOption = Annotated[FileState | None, typer.Option("--state", help="Only in this state.")]


@app.callback()
def files(
    context: typer.Context,
    state: FileStateOption = None,
    source: SourceOption = None,
    limit: LimitOption = 50,
    *,
    as_json: JsonOption = False,
) -> None:
    """Files: what became of each, and why. Without a verb: the newest."""
    if context.invoked_subcommand is None:
        show("Files", asyncio.run(listed(reach_of(context), source, state, limit)), COLUMNS, as_json=as_json)


@app.command("show")
def show_file(context: typer.Context, file: FileArgument, *, as_json: JsonOption = False) -> None:
    """One file: how it was read and why so, what was found in it, its states, its unreadable records."""
    found = reach_of(context).get("ingest-csv", f"/files/{file}").json()
    if as_json:
        print_json(found)
    else:
        out.print(picture(found))


@app.command("release")
def release(context: typer.Context, file: FileArgument) -> None:
    """Let a quarantined file go: its rows go on, after everything its source has had until now."""
    let_go = reach_of(context).post("ingest-csv", f"/files/{file}/release", None).json()
    said = "its rows go on" if let_go["state"] == "done" else "it is read now"
    out.print(f"file {file} of {let_go['source']} is let go: {said}", highlight=False)


async def listed(reach: Reach, source: str | None, state: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest files; without a filter also the paths that were left alone."""
    async with reach.database("raw") as raw:
        rows = [dict(row) for row in await raw.fetch(SQL["files"], source, state, limit)]
        if source is None and state in (None, "left alone"):
            rows += [dict(row) for row in await raw.fetch(SQL["left_alone"], limit)]
    return [{"rows": None, "unreadable": None, "detail": None, **row, "why": why(row)} for row in rows]


def why(row: dict[str, Any]) -> str:
    """The reason code, and what it means for this file.

    >>> why({"reason": "empty", "detail": "drop it again"}), why({"reason": None})
    ('empty: drop it again', '')
    """
    return ": ".join(part for part in (row.get("reason"), row.get("detail")) if part)
