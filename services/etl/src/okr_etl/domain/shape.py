"""Which rows of a file are check-ins, and what they have from the row above them in a tree."""

import re

import polars as pl

from okr_common.sources import Mapping, ParentBlock
from okr_etl.domain.cells import COUNT, READ
from okr_etl.domain.derive import Failure, derive

_KEY = "parent:key"


ONLY = "rows.only"
"""The name under which it is computed, and told where it fails."""


def meant(rows: pl.DataFrame, mapping: Mapping, width: int) -> tuple[pl.DataFrame, list[Failure]]:
    """Without the rows that the mapping leaves out: titles, totals, objectives that stand above their key results.

    Those stay that it cannot judge: with cells missing, or a cell of a column it looks at that does not fit. They are
    rejected for that. The failures are rows for which the expression cannot be computed at all.
    """
    only = mapping.rows.only
    if only is None:
        return rows, []
    computed, failures = derive(rows, {ONLY: only})
    looked_at = [name for name in mapping.columns if re.search(rf"\b{name}\b", only)]
    unfit = [pl.col(READ + name).is_not_null() & pl.col(name).is_null() for name in looked_at]
    odd = pl.any_horizontal(pl.col(COUNT) < width, *unfit)
    return computed.filter(pl.col(ONLY).fill_null(value=False) | odd).drop(ONLY), failures


def inherited(rows: pl.DataFrame, parent: ParentBlock | None) -> pl.DataFrame:
    """The rows, each with the columns it has from its parent: of several with the parent's key from the first."""
    if parent is None:
        return rows
    above = rows.filter(pl.col(parent.key).is_not_null()).unique(parent.key, keep="first", maintain_order=True)
    told = above.select(
        pl.col(parent.key).alias(_KEY), *(pl.col(of).alias(here) for here, of in parent.columns.items())
    )
    named = first_line(pl.col(parent.of)) if parent.of else dotted_parent(pl.col(parent.key))
    return rows.with_columns(named.alias(_KEY)).join(told, on=_KEY, how="left", maintain_order="left").drop(_KEY)


def first_line(text: pl.Expr) -> pl.Expr:
    """Of several keys on lines of their own the first."""
    return text.cast(pl.String).str.split("\n").list.first().str.strip_chars()


def dotted_parent(key: pl.Expr) -> pl.Expr:
    """Of 1.2.3 it is 1.2; a key without a dot has none.

    >>> pl.DataFrame({"key": ["1.2.3", "1.2", "1", None]}).select(dotted_parent(pl.col("key")))["key"].to_list()
    ['1.2', '1', None, None]
    """
    return key.str.extract(r"^(.*)\.[^.]*$")
