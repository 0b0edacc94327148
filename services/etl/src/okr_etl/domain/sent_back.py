"""Rejected rows that were exported, mended and sent back: their cells as they were before that."""

from collections.abc import Sequence

import orjson
import polars as pl

from okr_common.spreadsheets import as_it_was, is_told


def as_they_were(header: Sequence[str], rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a file under this header; of an `okr rejected export` without what was put before their formulas."""
    if not is_told(header):
        return rows
    return rows.with_columns(pl.col("cells").map_elements(_as_they_were, return_dtype=pl.String))


def _as_they_were(cells: str) -> str:
    return orjson.dumps([as_it_was(cell) for cell in orjson.loads(cells)]).decode()
