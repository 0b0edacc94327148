"""The cleaning rules of okr_common over columns of text, at nearly no cost where there is nothing to clean."""

import polars as pl

from okr_common.cleaning import ODD_CHARACTER, clean

_NOT_CLEAN = rf"^[ \t\n\r]|[ \t\n\r]\z|{ODD_CHARACTER}"
_FEW = 64
"""So many texts are sooner cleaned in Python than polars has looked whether there is anything to clean."""


def cleaned(text: pl.Expr) -> pl.Expr:
    """What `okr_common.cleaning.clean` makes of each text; null stays null."""
    return text.map_batches(_cleaned, return_dtype=pl.String, is_elementwise=True)


def _cleaned(texts: pl.Series) -> pl.Series:
    """The function itself looks at the odd texts, each once: polars has another Unicode version than Python.

    All are looked at once, however often they repeat: long texts that do cost most. White space alone, with which some
    systems fill whole columns up, polars takes off.
    """
    if len(texts) <= _FEW:
        return pl.Series([None if text is None else clean(text).text for text in texts], dtype=pl.String)
    words = texts.unique()
    if not words.str.contains(_NOT_CLEAN).any():
        return texts
    odd = words.filter(words.str.contains(ODD_CHARACTER))
    return texts.replace(odd, pl.Series([clean(each).text for each in odd], dtype=pl.String)).str.strip_chars()
