r"""Figures as people write them: `1,234.56`, `1.234,56`, `1 234,56`, `1'234.56`, `£12.50m`, `(500)`, `500-`, `12 %`.

What a comma or a point means cannot be told from a figure alone (`1,234`), so only a column that says its decimal mark
has the other one as a mark of thousands; spaces and apostrophes group thousands everywhere.
"""

from math import isfinite

import polars as pl

from okr_common.sources import Column

_MONEY = r"(?:\p{Sc}|[A-Z]{3}|[A-Z]{1,2}\p{Sc}|[kK]r\.?|Fr\.?|Rs\.?|zł|Kč|Ft|TL)"
_MINUS = r"[-\u2212\u2013]"
_EXACT = 2**53
"""Up to here every whole figure is one of floating point, too."""
_GROUPED = {None: " \u2009'\u2019", ".": " \u2009'\u2019,", ",": " \u2009'\u2019."}
"""Decimal mark -> what may stand between thousands."""
_LAKHS = r"|\d{1,2}(?:,\d{2})+,\d{3}"
"""As India groups, where the comma does: 12,34,567."""
_NO_CENTS = r"[-\u2212\u2013\u2014]{1,2}"
"""After the decimal mark: `5.-` is 5."""
_PATTERN = (
    r"^(?P<open>\()?\s*(?P<sign>[+]|MINUS)?\s*(?:MONEY\s*)?(?P<within>\()?\s*(?P<inner>MINUS)?\s*"
    r"(?P<figure>FIGURE)(?P<tens>[eE][+-]?\d{1,3})?\s*(?P<times>TIMES)?\s*(?P<percent>%)?\s*"
    r"(?P<shut>\))?\s*(?:MONEY)?\s*(?P<after>MINUS)?\s*(?P<close>\))?$"
)


def number(text: pl.Expr, column: Column) -> pl.Expr:
    """The finite figure in a cleaned text; null where it is none, or where its marks contradict each other."""
    return text.map_batches(lambda texts: _read(texts, column), return_dtype=pl.Float64)


def integer(text: pl.Expr, column: Column) -> pl.Expr:
    """A whole figure, with or without decimals of zero; one with marks only as far as it is exact."""
    figure = number(text, column)
    whole = pl.when((figure == figure.floor()) & (figure.abs() <= _EXACT)).then(figure).cast(pl.Int64, strict=False)
    return pl.coalesce(text.cast(pl.Int64, strict=False), whole) if column.decimal != "," else whole


def _read(texts: pl.Series, column: Column) -> pl.Series:
    """As machines write figures first: most columns hold nothing else, and that is ten times faster."""
    if column.decimal == ",":
        plain = pl.Series([None], dtype=pl.Float64).new_from_index(0, len(texts))
    else:
        plain = texts.cast(pl.Float64, strict=False)
        if plain.null_count() == texts.null_count() and isfinite(plain.sum()):
            return plain
        plain = plain.set(~plain.is_finite(), None)
    odd = plain.is_null() & texts.is_not_null()
    if not odd.any():
        return plain
    words = pl.DataFrame({"text": texts.filter(odd).unique()})
    means = words.with_columns(_value(pl.col("text").str.extract_groups(pattern(column)), column).alias("figure"))
    read = pl.DataFrame({"text": texts}).join(means, on="text", how="left", maintain_order="left")["figure"]
    return plain.zip_with(~odd, read)


def pattern(column: Column) -> str:
    """What a figure of this column looks like, as a regular expression with named groups."""
    words = "|".join(sorted(column.multipliers, key=len, reverse=True)) or "\\b\\B"
    parts = {"MINUS": _MINUS, "MONEY": _MONEY, "FIGURE": _figure(column.decimal), "TIMES": words}
    made = _PATTERN
    for name, part in parts.items():
        made = made.replace(name, part)
    return made


def _figure(decimal: str | None) -> str:
    point = "[,]" if decimal == "," else "[.]"
    groups = "|".join(rf"(?:[{mark}]\d{{3}})+" for mark in _GROUPED[decimal])
    lakhs = _LAKHS if decimal == "." else ""
    return rf"(?:\d{{1,3}}(?:{groups}){lakhs}|\d+)(?:{point}(?:{_NO_CENTS}|\d*))?|{point}\d+"


def _value(written: pl.Expr, column: Column) -> pl.Expr:
    field = written.struct.field
    figure = field("figure").str.replace_all(f"[{_GROUPED[column.decimal]}]|{_NO_CENTS}$", "")
    written_out = pl.concat_str(figure.str.replace(",", ".", literal=True), field("tens").fill_null(""))
    size = written_out.cast(pl.Float64, strict=False) * _times(field("times"), column)
    if column.percent == "fraction":
        size = pl.when(field("percent").is_not_null()).then(size / 100).otherwise(size)
    there = {name: field(name).is_not_null() for name in ("open", "within", "shut", "close", "sign", "inner", "after")}
    signs = pl.sum_horizontal(there[name] for name in ("open", "within", "sign", "inner", "after"))
    plus = (field("sign") == "+").fill_null(value=False)
    signed = pl.when((signs == 0) | ((signs == 1) & plus)).then(size).when(signs == 1).then(-size)
    opened, closed = (
        pl.sum_horizontal(there[one], there[other]) for one, other in (("open", "within"), ("shut", "close"))
    )
    return pl.when((opened == closed) & size.is_finite()).then(signed)


def _times(word: pl.Expr, column: Column) -> pl.Expr:
    return pl.lit(1.0) if not column.multipliers else word.replace_strict(column.multipliers, default=1.0)
