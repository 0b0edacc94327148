"""The text of cells as it is meant, before anything is made of it: without markup, lists in order, people hidden."""

import re
from collections.abc import Callable, Sequence
from functools import partial

import orjson
import polars as pl

from okr_common.cleaning import clean
from okr_common.sources import Column, glob_pattern
from okr_etl.domain.cleaning import cleaned
from okr_etl.domain.markup import MARKED, unmarked
from okr_etl.domain.people import hidden

JOINT = "; "
"""Between the parts of a list."""
_MARKED = re.compile(MARKED)


def meant(text: pl.Expr, column: Column, key: bytes) -> pl.Expr:
    """Of texts as read what this column means; null where that is nothing. `key` is for the people in it."""
    blanks = blank_words(column)
    words = _without(cleaned(text).replace(sorted(blanks), None), column.blanks_like)
    if not (column.markup or column.separator or column.person):
        return words
    read = partial(meaning, column=column, blanks=blanks, key=key)
    return words.map_batches(lambda texts: _each(texts, read), return_dtype=pl.String, is_elementwise=True)


def _without(words: pl.Expr, globs: Sequence[str]) -> pl.Expr:
    if not globs:
        return words
    return pl.when(~pl.any_horizontal(words.str.contains(glob_pattern(glob)) for glob in globs)).then(words)


def blank_words(column: Column) -> set[str]:
    """The words that mean nothing, as cells are cleaned."""
    return {"", *(clean(word).text for word in column.blanks)}


def meaning(text: str, column: Column, blanks: set[str], key: bytes) -> str | None:
    """Of one cleaned text. A list's parts are sorted, and each stands once."""
    if column.markup and _MARKED.search(text):
        text = unmarked(text, column.markup)
    parts = parts_of(text, column.separator) if column.separator else [text]
    told = [part for part in map(str.strip, parts) if part not in blanks]
    if column.person:
        told = [hidden(part, key) for part in told]
    return JOINT.join(sorted(set(told))) or None


def parts_of(text: str, separator: str) -> list[str]:
    """What stands between the separators, or the elements where a list is written as JSON.

    >>> parts_of("a;b", ";"), parts_of('["a", 7]', ";")
    (['a', 'b'], ['a', '7'])
    """
    found = _as_json(text) if text.startswith("[") else None
    if isinstance(found, list) and all(isinstance(one, str | int | float) for one in found):
        return [clean(str(one)).text for one in found]
    return text.split(separator)


def _as_json(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _each(texts: pl.Series, read: Callable[[str], str | None]) -> pl.Series:
    """The same text means the same, so each is looked at once."""
    words = texts.drop_nulls().unique()
    means = pl.Series([read(word) for word in words], dtype=pl.String)
    return texts.replace_strict(words, means, default=None, return_dtype=pl.String)
