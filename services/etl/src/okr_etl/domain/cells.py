"""The cells of raw rows as text, under the mapping's own column names."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import orjson
import polars as pl

from okr_common.cleaning import clean
from okr_common.sources import Column, Mapping, reading
from okr_common.sources.language import FILE_ORIGINS
from okr_etl.domain.cleaning import cleaned

READ = "read:"
"""Prefix of the text as read, beside the typed column of the same name."""
CELLS = "cells"
COUNT = "row:count"
SURPLUS = "row:surplus"
ROW = "row_num"
PART = "row:part"
"""Where a row holds several check-ins (wide files, lists in objects), which of them: 1, 2, 3; of other rows 0."""
RESERVED = frozenset({ROW, CELLS})
"""The only names of ours that a mapping could use, too; all others hold a colon or a dot."""
EMPTY: MappingOf[str, str] = MappingProxyType({})
_ARRAY = "row:array"
_NUL = r"\u0000"
_NUL_OUTSIDE_BACKSLASHES = r"((?:^|[^\\])(?:\\\\)*)(?:\\u0000)+"


def texts(
    rows: pl.DataFrame, mapping: Mapping, header: Sequence[str], told: MappingOf[str, str] = EMPTY
) -> pl.DataFrame:
    """Of `rows` (row_num, cells as JSON text): row_num, `read:<column>` as cleaned text or null, and the row's shape.

    A row of a file is an array, read by the header's places; `told` is what the file itself says, by the words of
    FILE_ORIGINS. A row of an API is an object, read by paths.
    NULs, which no text column can hold, are left out.
    """
    if rows[CELLS].str.contains(_NUL, literal=True).any():
        rows = rows.with_columns(pl.col(CELLS).str.replace_all(_NUL_OUTSIDE_BACKSLASHES, "$1"))
    if mapping.kind == "api":
        return _objects(rows, mapping, told)
    decoded = rows.with_columns(pl.col(CELLS).str.json_decode(pl.List(pl.String)).alias(_ARRAY))
    repeat = mapping.rows.repeat
    if repeat is None:
        return _part(decoded, mapping, header, told, 0)
    parts = [_part(decoded, mapping, header, told, number) for number in range(1, repeat + 1)]
    own = [pl.col(READ + name).is_not_null() for name, column in mapping.columns.items() if "{n}" in column.origin]
    return pl.concat(parts).filter(pl.any_horizontal(own)).sort(ROW, PART)


def _objects(rows: pl.DataFrame, mapping: Mapping, told: MappingOf[str, str]) -> pl.DataFrame:
    """What the columns read in each object, or in each element of its list.

    One pass in Python reads an object once for all columns; polars reads it once for each, at a third of the speed.
    """
    how = reading(mapping)
    places: list[int] = []
    parts: list[int] = []
    found: dict[str, list[str | None]] = {name: [] for name in how.names}
    for place, cells in enumerate(rows[CELLS]):
        for part, read in enumerate(how.rows(_object(cells)), start=1):
            places.append(place)
            parts.append(part if mapping.rows.each else 0)
            for name, text in read.items():
                found[name].append(text)
    read_texts = pl.DataFrame(found, schema=dict.fromkeys(found, pl.String))
    columns = (
        _of_file(name, told[column.origin], column)
        if column.origin in FILE_ORIGINS
        else _without_blanks(pl.col(name), column).alias(READ + name)
        for name, column in mapping.columns.items()
    )
    return pl.concat([rows.select(ROW, CELLS)[places], read_texts], how="horizontal").select(
        *(ROW, CELLS),
        pl.lit(0, pl.Int64).alias(COUNT),
        pl.lit(value=False).alias(SURPLUS),
        *columns,
        pl.Series(PART, parts, pl.Int32),
    )


def _object(cells: str) -> Any:  # noqa: ANN401 - any JSON
    """None where nobody can read it, as what nests a thousand levels deep: its columns are blank."""
    try:
        return orjson.loads(cells)
    except orjson.JSONDecodeError:
        return None


def _part(
    decoded: pl.DataFrame, mapping: Mapping, header: Sequence[str], told: MappingOf[str, str], number: int
) -> pl.DataFrame:
    """What the columns read where `{n}` stands for this number; one that the header lacks is blank there."""
    columns = (
        _of_file(name, told[column.origin], column)
        if column.origin in told
        else _at_place(name, _place(column, header, number), column)
        for name, column in mapping.columns.items()
    )
    return decoded.select(ROW, CELLS, *_counted(len(header)), *columns, pl.lit(number).alias(PART))


def _counted(width: int) -> list[pl.Expr]:
    beyond = pl.col(_ARRAY).list.slice(width).list.eval(cleaned(pl.element()) != "").list.any()
    return [pl.col(_ARRAY).list.len().cast(pl.Int64).alias(COUNT), beyond.fill_null(value=False).alias(SURPLUS)]


def _place(column: Column, header: Sequence[str], number: int) -> int | None:
    """Of names that stand twice the first one's; None where the header has none of them."""
    names = [text.strip() for text in header]
    found = column.found(names, number)
    return None if found is None else names.index(found)


def _at_place(name: str, place: int | None, column: Column) -> pl.Expr:
    if place is None:
        return pl.lit(None, pl.String).alias(READ + name)
    return _without_blanks(pl.col(_ARRAY).list.get(place, null_on_oob=True), column).alias(READ + name)


def _of_file(name: str, text: str, column: Column) -> pl.Expr:
    return _without_blanks(pl.lit(text, pl.String), column).alias(READ + name)


def _without_blanks(text: pl.Expr, column: Column) -> pl.Expr:
    blanks = {"", *(clean(word).text for word in column.blanks)}
    return cleaned(text).replace(sorted(blanks), None)
