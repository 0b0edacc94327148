"""Rejected rows that were exported, mended and sent back: their cells as they were before that, and which they were."""

from collections.abc import Sequence

import orjson
import polars as pl

from okr_common.spreadsheets import WHICH, as_it_was, is_told, which_of


def as_they_were(header: Sequence[str], rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a file under this header; of an `okr rejected export` without what was put before their formulas."""
    if not is_told(header):
        return rows
    return rows.with_columns(pl.col("cells").map_elements(_as_they_were, return_dtype=pl.String))


def taken_for(header: Sequence[str], rows: pl.DataFrame) -> list[tuple[int, int, int]]:
    """Of the rows of such a file, as far as they say it: (batch, row) they were, and the row they are now."""
    if not is_told(header) or WHICH not in header:
        return []
    place, found = header.index(WHICH), []
    for row_num, cells in rows.select("row_num", "cells").iter_rows():
        was = which_of("".join(orjson.loads(cells)[place : place + 1]))
        if was is not None:
            found.append((*was, row_num))
    return found


def _as_they_were(cells: str) -> str:
    return orjson.dumps([as_it_was(cell) for cell in orjson.loads(cells)]).decode()
