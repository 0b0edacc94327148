"""`okr pending`: rows that wait for the row above them in a tree."""

from typing import Any

import typer

from okr_cli.files import called
from okr_cli.options import JsonOption, LimitOption, SourceOption
from okr_cli.reach import reach_of
from okr_cli.show import Column, show

COLUMNS = (
    Column("source", "source"),
    Column("where", "file and line", called),
    Column("row_num", "row", right=True),
    Column("parent", "waits for"),
    Column("since", "since"),
)


def pending(
    context: typer.Context, source: SourceOption = None, limit: LimitOption = 50, *, as_json: JsonOption = False
) -> None:
    """Rows whose parent has not come yet: where they stand, and the key they wait for."""
    wanted: dict[str, str | int] = {"limit": limit, **({"source": source} if source else {})}
    found = reach_of(context).get("etl", "/pending", **wanted).json()
    show("Pending rows", [_told(row) for row in found], COLUMNS, as_json=as_json)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "where": f"{row['path']}:{row['line']}" if row.get("path") else f"batch {row['batch_id']}"}
