"""Derived columns: polars SQL expressions over the typed ones."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.cells import PART, ROW

FINAL = "outcome.is_final"
"""The name under which `outcome.source.when` is computed."""
DTYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A column that could not be computed for one row."""

    row_num: int
    column: str
    message: str


def expressions(mapping: Mapping) -> dict[str, str]:
    """All expressions of a mapping by the column they make, in the order they are computed."""
    final = mapping.entities.final
    return {**mapping.derived, **({FINAL: final.when} if final else {})}


def derive(frame: pl.DataFrame, computed: MappingOf[str, str]) -> tuple[pl.DataFrame, list[Failure]]:
    """The frame with its derived columns, without the rows for which one of them fails or gives no number."""
    made, failures = _computed(frame, computed)
    for name, text in computed.items():
        if made.schema[name].is_float():
            endless = ~pl.col(name).is_finite().fill_null(value=True)
            failures += [
                Failure(
                    row, name, f"{text}: gives {value}, which is no number; divide by NULLIF(..., 0) to mean nothing"
                )
                for row, value in made.filter(endless).select(ROW, name).iter_rows()
            ]
            made = made.filter(~endless)
    return made, failures


def _computed(frame: pl.DataFrame, computed: MappingOf[str, str]) -> tuple[pl.DataFrame, list[Failure]]:
    """See `derive`.

    polars fails a whole column for one bad row, so a failing frame is halved until the rows to blame are found.
    """
    try:
        return _with(frame, computed), []
    except pl.exceptions.PolarsError:
        if frame.height == 1:
            return _with(frame.clear(), computed), [_blame(frame, computed)]
    middle = frame.height // 2
    upper, lower = _computed(frame[:middle], computed), _computed(frame[middle:], computed)
    return pl.concat([upper[0], lower[0]], how="vertical_relaxed"), upper[1] + lower[1]


def _with(frame: pl.DataFrame, computed: MappingOf[str, str]) -> pl.DataFrame:
    for name, text in computed.items():
        frame = frame.with_columns(pl.sql_expr(text).alias(name))
    return frame


def _blame(row: pl.DataFrame, computed: MappingOf[str, str]) -> Failure:
    for name, text in computed.items():
        try:
            row = _with(row, {name: text})
        except pl.exceptions.PolarsError as error:
            return Failure(int(row[ROW][0]), name, f"{text}: {first_line(error)}")
    raise AssertionError("one of the expressions fails, or they would not be looked at one by one")


def first_line(error: BaseException) -> str:
    """Of what polars says, without its context."""
    return str(error).split("\n", maxsplit=1)[0][:300]


def empty(mapping: Mapping) -> pl.DataFrame:
    """No rows, with the typed columns of this mapping."""
    schema: dict[str, pl.DataType] = {name: DTYPES[column.type] for name, column in mapping.columns.items()}
    parents = {here: schema[there] for here, there in mapping.inherited.items()}
    return pl.DataFrame(schema={ROW: pl.Int64(), PART: pl.Int32(), **schema, **parents})
