"""Writing many rows to a file for other programs: JSON Lines, Parquet, CSV. A file appears when it is whole."""

import csv
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

import orjson
import typer

from okr_cli.context import err
from okr_common.counted import counted
from okr_common.errors import OkrError
from okr_common.spreadsheets import harmless


class Format(StrEnum):
    """What a file of rows may be."""

    JSONL = "jsonl"
    PARQUET = "parquet"


FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="One JSON object a line, or columns; else by the file's name: .parquet are columns."),
]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="Where to; else standard output.")]


async def export(rows: AsyncIterator[Mapping[str, Any]], form: Format | None, output: Path | None) -> int:
    """Writes the rows and returns how many there were; in Parquet an object becomes columns, level by level.

    Where there is none, JSON Lines are an empty file. Parquet would have no columns: OkrError, and nothing is written.
    """
    if output is not None and not output.parent.is_dir():
        raise OkrError(f"there is no folder {output.parent} for {output.name}")
    if (form or _by_name(output)) is Format.JSONL:
        with opened(output) as file:
            return await _lines(rows, file)
    if output is None:
        raise OkrError("Parquet is no text: name a file with --output")
    lines = output.with_name(f".{output.name}.jsonl")
    try:
        with lines.open("w", encoding="utf-8") as file:
            count = await _lines(rows, file)
        if not count:
            raise _no_columns(output)
        _as_parquet(lines, output)
        return count
    finally:
        lines.unlink(missing_ok=True)


def _no_columns(output: Path) -> OkrError:
    left = "; the older file of that name is left as it was" if output.exists() else ""
    return OkrError(f"there is nothing to write, and without rows Parquet has no columns: no {output}{left}")


def _by_name(output: Path | None) -> Format:
    return Format.PARQUET if output is not None and output.suffix.lower() == ".parquet" else Format.JSONL


async def _lines(rows: AsyncIterator[Mapping[str, Any]], file: TextIO) -> int:
    count = 0
    async for row in rows:
        file.write(orjson.dumps(row, default=str).decode() + "\n")
        count += 1
    return count


def _as_parquet(lines: Path, output: Path) -> None:
    part = output.with_name(f".{output.name}.part")
    import polars as pl  # noqa: PLC0415 - a fifth of the time that each command takes to start

    frame = pl.scan_ndjson(lines, infer_schema_length=None)
    # level by level; of objects that hold nothing in any row there is no column, for Parquet has none without fields
    while objects := {name: type_ for name, type_ in frame.collect_schema().items() if isinstance(type_, pl.Struct)}:
        empty = [name for name, type_ in objects.items() if not type_.fields]
        frame = frame.drop(empty).unnest([name for name in objects if name not in empty], separator=".")
    frame.sink_parquet(part)
    part.rename(output)


def csv_rows(header: Sequence[str], rows: Iterable[Sequence[str]], output: Path | None) -> int:
    """Writes a table, its header in any case; no cell of it is taken for a formula by a spreadsheet."""
    told = [[harmless(cell) for cell in row] for row in rows]
    with opened(output) as file:
        csv.writer(file).writerows([[harmless(name) for name in header], *told])
    return len(told)


@contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """A file that appears under its name when it is whole, or standard output."""
    if output is None:
        yield sys.stdout
        return
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.rename(output)
    except OSError as error:
        raise OkrError(f"{output} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def told(count: int, one: str, output: Path | None) -> None:
    """Says how many were written, where that is not standard output."""
    if output is not None:
        err.print(f"{counted(count, one)} written to {output}", highlight=False, markup=False)
