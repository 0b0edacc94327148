"""The cells of raw rows as text, under the mapping's own column names."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from types import MappingProxyType
from typing import Any

import orjson
import polars as pl

from okr_common.sources import Column, Mapping, reading
from okr_common.sources.language import FILE_ORIGINS
from okr_etl.domain import outline
from okr_etl.domain.cleaning import cleaned
from okr_etl.domain.filling import Above, below, filled
from okr_etl.domain.meaning import meant

READ = "read:"
"""Prefix of the text as read, beside the typed column of the same name."""
CELLS = "cells"
COUNT = "row:count"
SURPLUS = "row:surplus"
ROW = "row_num"
PART = "row:part"
"""Where a row holds several check-ins (wide files, lists in objects), which of them: 1, 2, 3; of other rows 0."""
MISSING = "parent:missing"
CHAIN = "parent:chain"
"""Of a row in a tree: the key of a parent that is not there, and the cycle it is a part of."""
RESERVED = frozenset({ROW, CELLS})
"""The only names of ours that a mapping could use, too; all others hold a colon or a dot."""
EMPTY: MappingOf[str, str] = MappingProxyType({})
_ARRAY = "row:array"
_READ_AT_ONCE = 10_000
_NUL = r"\u0000"
_NUL_OUTSIDE_BACKSLASHES = r"((?:^|[^\\])(?:\\\\)*)(?:\\u0000)+"


def texts(
    rows: pl.DataFrame,
    mapping: Mapping,
    header: Sequence[str],
    told: MappingOf[str, str] = EMPTY,
    key: bytes = b"",
    *,
    above: Above = EMPTY,
) -> pl.DataFrame:
    """Of `rows` (row_num, cells as JSON text): row_num, `read:<column>` as it is meant or null, and the row's shape.

    A row of a file is an array, read by the header's places; `told` is what the file itself says, by the words of
    FILE_ORIGINS. A row of an API is an object, read by paths. `key` hides the people in them. `above`: what the rows
    of the file before these leave to be filled down.
    NULs, which no text column can hold, are left out.
    """
    rows = _without_nuls(rows)
    if mapping.kind == "api":
        return _objects(rows, mapping, told, key)
    # what reading leaves behind is several times the texts themselves: only of a part of the rows at a time
    read = []
    for part in rows.iter_slices(_READ_AT_ONCE) if rows.height else [rows]:
        whole, above = _in_order(_arrays(part, mapping, header, told, key), mapping, above)
        read.append(_there(whole, mapping))
    return pl.concat(read)


def _without_nuls(rows: pl.DataFrame) -> pl.DataFrame:
    if not rows[CELLS].str.contains(_NUL, literal=True).any():
        return rows
    return rows.with_columns(pl.col(CELLS).str.replace_all(_NUL_OUTSIDE_BACKSLASHES, "$1"))


def _in_order(rows: pl.DataFrame, mapping: Mapping, above: Above) -> tuple[pl.DataFrame, Above]:
    """The rows with what they have from those above them, and what they leave to the rows after them."""
    indented = mapping.rows.indented
    placed, above = outline.placed(rows, [READ + name for name in indented.above] if indented else (), above)
    names = [READ + name for name in mapping.rows.fill_down]
    whole = filled(placed.drop(outline.INDENT, strict=False), names, above, own_texts(mapping))
    return whole, below(whole, names, above)


def last_texts(
    rows: pl.DataFrame, mapping: Mapping, header: Sequence[str], key: bytes = b"", above: Above = EMPTY
) -> Above:
    """What these rows and those above them leave to the rows after them; no more is read than that takes."""
    block = mapping.rows
    names = [*block.fill_down, *((block.indented.by, *block.indented.above) if block.indented else ())]
    order = block.model_copy(update={"repeat": None, "only": None})
    alone = mapping.model_copy(update={"columns": {name: mapping.columns[name] for name in names}, "rows": order})
    found: Above = {}
    for end in range(rows.height, 0, -_READ_AT_ONCE):
        if knows_all(found, mapping):
            break
        part = _without_nuls(rows.slice(max(end - _READ_AT_ONCE, 0), min(end, _READ_AT_ONCE)))
        found = outline.joined(_in_order(_arrays(part, alone, header, EMPTY, key), alone, {})[1], found)
    return outline.joined(above, found)


def knows_all(above: Above, mapping: Mapping) -> bool:
    """Whether no row before these can add anything to what they leave."""
    filled_down = all(READ + name in above for name in mapping.rows.fill_down)
    return filled_down and (mapping.rows.indented is None or outline.is_whole(above))


def own_texts(mapping: Mapping) -> list[pl.Expr]:
    """What the columns read in a row itself, not of what its file says to all rows."""
    return [pl.col(READ + name) for name, column in mapping.columns.items() if column.origin not in FILE_ORIGINS]


def _arrays(
    rows: pl.DataFrame, mapping: Mapping, header: Sequence[str], told: MappingOf[str, str], key: bytes
) -> pl.DataFrame:
    """What the columns read in each row of a file, or in each part of it."""
    decoded = rows.with_columns(pl.col(CELLS).str.json_decode(pl.List(pl.String)).alias(_ARRAY))
    names = [text.strip() for text in header]

    def part(number: int) -> pl.DataFrame:
        """What the columns read where `{n}` stands for this number; one that the header lacks is blank there."""
        read = _read(mapping, lambda _, column: _in_file(column, names, number, told), key)
        indents = [_indent(mapping.columns[block.by], names, key)] if (block := mapping.rows.indented) else []
        return decoded.select(ROW, CELLS, *_counted(len(header)), *read, pl.lit(number).alias(PART), *indents)

    repeat = mapping.rows.repeat
    if repeat is None:
        return part(0)
    return pl.concat(map(part, range(1, repeat + 1))).sort(ROW, PART)


def _indent(column: Column, names: Sequence[str], key: bytes) -> pl.Expr:
    """Null where the text is none as it is meant, though something may stand there."""
    cell = _in_file(column, names, 0, EMPTY)
    return pl.when(meant(cell, column, key).is_not_null()).then(outline.indent(cell)).alias(outline.INDENT)


def _there(parts: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Of a row with `{n}` the parts that hold anything of their own."""
    if mapping.rows.repeat is None:
        return parts
    own = [pl.col(READ + name).is_not_null() for name, column in mapping.columns.items() if "{n}" in column.origin]
    return parts.filter(pl.any_horizontal(own))


def _objects(rows: pl.DataFrame, mapping: Mapping, told: MappingOf[str, str], key: bytes) -> pl.DataFrame:
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

    def origin(name: str, column: Column) -> pl.Expr:
        return pl.lit(told[column.origin], pl.String) if column.origin in FILE_ORIGINS else pl.col(name)

    return pl.concat([rows.select(ROW, CELLS)[places], read_texts], how="horizontal").select(
        *(ROW, CELLS),
        pl.lit(0, pl.Int64).alias(COUNT),
        pl.lit(value=False).alias(SURPLUS),
        *_read(mapping, origin, key),
        pl.Series(PART, parts, pl.Int32),
    )


def _object(cells: str) -> Any:  # noqa: ANN401 - any JSON
    """None where nobody can read it, as what nests a thousand levels deep: its columns are blank."""
    try:
        return orjson.loads(cells)
    except orjson.JSONDecodeError:
        return None


def _read(mapping: Mapping, origin: Callable[[str, Column], pl.Expr], key: bytes) -> Iterator[pl.Expr]:
    """Of each column what it reads; `origin` gives its raw text."""
    for name, column in mapping.columns.items():
        yield meant(origin(name, column), column, key).alias(READ + name)


def _counted(width: int) -> list[pl.Expr]:
    beyond = pl.col(_ARRAY).list.slice(width).list.eval(cleaned(pl.element()) != "").list.any()
    return [pl.col(_ARRAY).list.len().cast(pl.Int64).alias(COUNT), beyond.fill_null(value=False).alias(SURPLUS)]


def _in_file(column: Column, names: Sequence[str], number: int, told: MappingOf[str, str]) -> pl.Expr:
    """What the file says, or the cell under the column's name: of names that stand twice the first one's."""
    if column.origin in told:
        return pl.lit(told[column.origin], pl.String)
    found = column.found(names, number)
    if found is None:
        return pl.lit(None, pl.String)
    return pl.col(_ARRAY).list.get(names.index(found), null_on_oob=True)
