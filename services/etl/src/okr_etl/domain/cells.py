"""The cells of raw rows as text, under the mapping's own column names."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from types import MappingProxyType

import polars as pl

from okr_common.cleaning import clean
from okr_common.sources import Column, Mapping, glob_pattern
from okr_etl.domain.cleaning import cleaned

READ = "read:"
"""Prefix of the text as read, beside the typed column of the same name."""
CELLS = "cells"
COUNT = "row:count"
SURPLUS = "row:surplus"
ROW = "row_num"
PART = "row:part"
"""Where a row of a wide file holds several check-ins, which of them: 1, 2, 3; of other rows 0."""
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
    FILE_ORIGINS. A row of an API is an object, read by keys and paths.
    NULs, which no text column can hold, are left out.
    """
    if rows[CELLS].str.contains(_NUL, literal=True).any():
        rows = rows.with_columns(pl.col(CELLS).str.replace_all(_NUL_OUTSIDE_BACKSLASHES, "$1"))
    if mapping.kind == "api":
        read = (_at_path(name, of) for name, of in mapping.columns.items())
        return rows.select(ROW, CELLS, *_shape(0), *read, pl.lit(0).alias(PART))
    decoded = rows.with_columns(pl.col(CELLS).str.json_decode(pl.List(pl.String)).alias(_ARRAY))
    repeat = mapping.rows.repeat
    if repeat is None:
        return _part(decoded, mapping, header, told, 0)
    parts = [_part(decoded, mapping, header, told, number) for number in range(1, repeat + 1)]
    own = [pl.col(READ + name).is_not_null() for name, column in mapping.columns.items() if "{n}" in column.origin]
    return pl.concat(parts).filter(pl.any_horizontal(own)).sort(ROW, PART)


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


def _shape(width: int) -> list[pl.Expr]:
    return [pl.lit(width, pl.Int64).alias(COUNT), pl.lit(value=False).alias(SURPLUS)]


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


def _at_path(name: str, column: Column) -> pl.Expr:
    return _without_blanks(pl.col(CELLS).str.json_path_match(json_path(column.origin)), column).alias(READ + name)


def json_path(origin: str) -> str:
    """A key or dotted path as JSONPath.

    >>> json_path("goal.title")
    "$['goal']['title']"
    """
    return "$" + "".join(f"['{part}']" for part in origin.split("."))


def _without_blanks(text: pl.Expr, column: Column) -> pl.Expr:
    blanks = {"", *(clean(word).text for word in column.blanks)}
    read = cleaned(text).replace(sorted(blanks), None)
    if not column.blanks_like:
        return read
    like = pl.any_horizontal(read.str.contains(glob_pattern(glob)) for glob in column.blanks_like)
    return pl.when(~like).then(read)
