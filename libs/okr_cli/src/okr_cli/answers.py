"""A recorded answer of an API: what `okr sources check` says of it, before anybody asks the API itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from okr_cli.previewed import previewed
from okr_cli.reach import Reach
from okr_cli.send import beginning
from okr_common.errors import OkrError

UNREADABLE_SHOWN = 20


def checked(reach: Reach, file: Path, source: str | None, limit: int) -> dict[str, Any]:
    """What ingest-api finds in the answer, and what etl would make of it; the lines are those of its records, from 1.

    Raises OkrError where it is no answer of this source.
    """
    if source is None:
        raise OkrError("an answer does not say whose it is; name its mapping with --source")
    content, whole = beginning(file)
    if not whole:
        raise OkrError(f"{file.name} is too large to be looked at; record a smaller page")
    sample = reach.upload("ingest-api", "/samples", iter([content]), len(content), source=source).json()
    rows = sample.pop("rows")
    body = {"header": [], "rows": [row["cells"] for row in rows], "path": ""}
    told = {"problems": [], **sample, "rows": len(rows), **previewed(reach, source, body, limit)}
    for one in (*told["preview"]["records"], *told["preview"]["rejected"]) if told["preview"] else ():
        one["line"] = rows[one["row_num"] - 1]["record"]
    return told


def told(found: dict[str, Any]) -> Iterator[str]:
    """How it was read, in lines."""
    yield f"next page   {found['next_page'] or 'none: this is the last'}"
    for one in found["unreadable"][:UNREADABLE_SHOWN]:
        yield f"unreadable  record {one['record']}, {one['reason']}: {one['detail']}"
