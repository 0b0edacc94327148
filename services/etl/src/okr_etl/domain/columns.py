"""Text becomes typed values; what does not fit gives the row a reason."""

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from datetime import date

import polars as pl

from okr_common.cleaning import clean
from okr_common.sources import Column, Mapping
from okr_etl.domain import dates, numbers
from okr_etl.domain.cells import CELLS, CHAIN, COUNT, READ, SURPLUS, own_texts

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
"""No goal lies outside; what does is a mistyped or misread date."""
CELLS_BYTES = 300_000
"""A record made of a larger row might not fit into a message (1 MiB), since a text may stand in several fields."""
_TRUE = (
    *("true", "t", "yes", "y", "on", "1", "x", "\u2713", "\u2714", "\u2705", "done", "ja", "wahr", "oui", "vrai"),
    *("s\u00ed", "si", "s\u00ec", "sim", "verdadero", "vero", "verdadeiro"),
)
_FALSE = ("false", "f", "no", "n", "off", "0", "nein", "falsch", "non", "faux", "n\u00e3o", "falso")
BOOLEANS = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
"""Small letters or capitals; a source with other words, or a blank that means no, maps text instead."""
REASONS = "row:reasons"
BLANK_ROW = "blank_row"
_SEPARATOR = "\x1f"

Rules = MappingOf[str, pl.Expr]
"""Reason -> what holds for a row that is in order. A reason is a code, and a column after a colon."""


def value(name: str, column: Column) -> pl.Expr:
    """The typed column of this name; null where the text is blank or does not fit."""
    text = pl.col(READ + name)
    return _typed(text, column).alias(name)


def _typed(text: pl.Expr, column: Column) -> pl.Expr:
    match column.type:
        case "text":
            return text if column.map is None else _meant(text, column.map)
        case "integer":
            return numbers.integer(text, column)
        case "number":
            return numbers.number(text, column)
        case "boolean":
            return text.str.to_lowercase().replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)
        case "date":
            return dates.date(text, column)
        case "timestamp":
            return dates.timestamp(text, column)


def _meant(text: pl.Expr, words: MappingOf[str, str]) -> pl.Expr:
    """The cells are cleaned, so the mapping's words are, too."""
    cleaned = {clean(word).text: meant for word, meant in words.items()}
    return text.replace_strict(cleaned, default=None, return_dtype=pl.String)


def rules(mapping: Mapping, width: int) -> Rules:
    """What must hold for a row before anything is made of it; `width` is the header's, 0 for an API."""
    found = {
        "too_few_cells": pl.col(COUNT) >= width,
        "too_many_cells": ~pl.col(SURPLUS),
        "row_too_long": pl.col(CELLS).str.len_bytes() <= CELLS_BYTES,
    }
    own = own_texts(mapping)
    if mapping.kind == "csv" and own:
        found[BLANK_ROW] = pl.any_horizontal(text.is_not_null() for text in own)
    if mapping.rows.parent:
        found["cyclic_parent"] = pl.col(CHAIN).is_null()
    for name, column in mapping.columns.items():
        found.update(_rules(name, column, required=column.required or name in needed(mapping)))
    return found


def needed(mapping: Mapping) -> set[str]:
    """The columns, typed or derived, without which a row says nothing."""
    of = mapping.entities
    keys = {*of.objective.key, *of.key_result.key, *of.check_in.key}
    key_result = {of.key_result.title, of.key_result.metric_kind, of.key_result.direction}
    return keys | key_result | {of.objective.title, of.key_result.start_on, of.key_result.due_on, of.check_in.as_of}


def _rules(name: str, column: Column, *, required: bool) -> Iterator[tuple[str, pl.Expr]]:
    text, typed = pl.col(READ + name), pl.col(name)
    if required:
        yield f"missing_value:{name}", text.is_not_null()
    if column.map is not None and column.unknown == "reject":
        yield f"unknown_word:{name}", text.is_null() | typed.is_not_null()
    elif column.type != "text":
        yield f"{NOT_A[column.type]}:{name}", text.is_null() | typed.is_not_null()
    if column.lowest is not None or column.highest is not None:
        yield f"out_of_range:{name}", _within(typed, column)
    if column.type in ("date", "timestamp"):
        yield f"date_out_of_range:{name}", typed.cast(pl.Date).is_between(FIRST_DAY, LAST_DAY)


def _within(typed: pl.Expr, column: Column) -> pl.Expr:
    ends = [typed >= column.lowest] if column.lowest is not None else []
    return pl.all_horizontal(*ends, *([typed <= column.highest] if column.highest is not None else []))


NOT_A = {
    "integer": "not_an_integer",
    "number": "not_a_number",
    "boolean": "not_a_boolean",
    "date": "not_a_date",
    "timestamp": "not_a_timestamp",
}


def judge(frame: pl.DataFrame, held: Rules) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that break no rule, and the others with their reasons; a rule that is null for a row is kept by it."""
    failing = (pl.when(~rule.fill_null(value=True)).then(pl.lit(reason)) for reason, rule in held.items())
    joined = frame.with_columns(pl.concat_str(failing, separator=_SEPARATOR, ignore_nulls=True).alias(REASONS))
    told = joined[REASONS]
    good = joined if (told == "").all() else joined.filter(told == "")
    bad = joined.filter(told != "").with_columns(pl.col(REASONS).str.split(_SEPARATOR))
    return good.drop(REASONS), bad
