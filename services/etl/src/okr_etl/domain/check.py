"""What only polars can tell about a mapping: whether its expressions compute, and to the types that are needed."""

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from datetime import date

import polars as pl

from okr_common.cleaning import clean
from okr_common.sources import Mapping, references
from okr_etl.domain.cells import RESERVED
from okr_etl.domain.derive import FINAL, empty, expressions
from okr_etl.domain.expression_words import in_our_words
from okr_etl.domain.one_row import strange
from okr_etl.domain.shape import ONLY

DAY = date(2017, 1, 31)
_DATES = (pl.Date, pl.Datetime)
_NO_TEXT = (pl.Duration, pl.List, pl.Array, pl.Struct, pl.Binary, pl.Object)
"""What a goal cannot be told in; between two expressions it may stand."""
_NEEDED: dict[str, tuple[str, tuple[type[pl.DataType], ...]]] = {
    "start_on": ("a date", _DATES),
    "due_on": ("a date", _DATES),
    "end_on": ("a date", _DATES),
    "due_known": ("true or false", (pl.Boolean,)),
    "as_of": ("a date", _DATES),
    "recorded_at": ("a timestamp", _DATES),
    "known_at": ("a date", _DATES),
    "most": ("a number", ()),
    "baseline": ("a number", ()),
    "target": ("a number", ()),
    "value": ("a number", (pl.Boolean,)),
    "confidence": ("a number", ()),
    "weight": ("a number", ()),
    "direction": ("a word", (pl.String,)),
    "metric_kind": ("a word", (pl.String,)),
}


def trouble(mapping: Mapping) -> list[str]:
    """Why this mapping cannot be carried out; empty when it can. Each sentence begins with the key."""
    taken = [name for name in (*mapping.columns, *mapping.derived) if name in RESERVED]
    if taken:
        return [f"{name}: etl itself uses this name; call the column otherwise" for name in taken]
    return [*_unreadable(mapping), *_uncomputable(mapping)]


def _unreadable(mapping: Mapping) -> Iterator[str]:
    for name, column in mapping.columns.items():
        for word, one, other in _two_meanings(column.map or {}):
            yield f"columns.{name}.map: two of its words read {word} when cleaned, but mean {one} and {other}"
        for written in column.formats if column.type == "date" and not column.time_zone else ():
            if "%" in written and not _reads_dates(written):
                yield f"columns.{name}.formats: {written} does not read back {DAY:{written}}, the day it writes"


def _two_meanings(words: MappingOf[str, str]) -> Iterator[tuple[str, str, str]]:
    known: dict[str, str] = {}
    for word, meant in words.items():
        former = known.setdefault(clean(word).text, meant)
        if former != meant:
            yield clean(word).text, former, meant


def _reads_dates(written: str) -> bool:
    text = DAY.strftime(written)
    try:
        return pl.Series([text]).str.to_date(written, strict=False).to_list() == [DAY]
    except pl.exceptions.PolarsError:
        return False


KEYS = {FINAL: "entities.outcome.source.when", ONLY: "rows.only"}


def _uncomputable(mapping: Mapping) -> Iterator[str]:
    frame = empty(mapping)
    only = {ONLY: mapping.rows.only} if mapping.rows.only else {}
    for name, text in {**only, **expressions(mapping)}.items():
        key = KEYS.get(name, f"derived.{name}")
        try:
            expression = pl.sql_expr(text)
            if told := strange(text):
                yield f"{key}: {told}"
            frame = frame.with_columns(expression.alias(name))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            yield f"{key}: {in_our_words(error, frame.columns)}"
            return
    yield from _mistyped(mapping, frame.schema)


def _mistyped(mapping: Mapping, schema: pl.Schema) -> Iterator[str]:
    for _, field, name in references(mapping):
        if name in mapping.derived:
            wanted = _wanted(field, schema[name])
            if wanted:
                yield f"derived.{name}: {field} needs {wanted}, but this gives {schema[name]}"
    for name, key in KEYS.items():
        if name in schema and schema[name] != pl.Boolean:
            yield f"{key}: must be true or false, but gives {schema[name]}"


def _wanted(field: str, dtype: pl.DataType) -> str | None:
    """What this field must be, where this is not it."""
    if field not in _NEEDED:
        return "what text can hold" if dtype in _NO_TEXT else None
    wanted, dtypes = _NEEDED[field]
    return None if dtype in dtypes or (wanted == "a number" and dtype.is_numeric()) else wanted
