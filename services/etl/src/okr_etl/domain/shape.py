"""Which rows of a file are check-ins."""

import re

import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.cells import COUNT, MISSING, READ
from okr_etl.domain.derive import Failure, derive

ONLY = "rows.only"
"""The name under which it is computed, and told where it fails."""


def meant(rows: pl.DataFrame, mapping: Mapping, width: int) -> tuple[pl.DataFrame, list[Failure]]:
    """Without the rows that the mapping leaves out: titles, totals, objectives that stand above their key results.

    Those stay that it cannot judge: with cells missing, or a cell of a column it looks at that does not fit. They are
    rejected for that. So do those that wait for the parent whose columns it looks at. The failures are rows for which
    the expression cannot be computed at all.
    """
    only = mapping.rows.only
    if only is None:
        return rows, []
    computed, failures = derive(rows, {ONLY: only})
    looked_at = [name for name in mapping.columns if re.search(rf"\b{name}\b", only)]
    unfit = [pl.col(READ + name).is_not_null() & pl.col(name).is_null() for name in looked_at]
    if any(re.search(rf"\b{name}\b", only) for name in mapping.inherited):
        unfit.append(pl.col(MISSING).is_not_null())
    odd = pl.any_horizontal(pl.col(COUNT) < width, *unfit)
    return computed.filter(pl.col(ONLY).fill_null(value=False) | odd).drop(ONLY), failures
