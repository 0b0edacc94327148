"""Rows of one file that contradict each other: the first one counts, wherever the file is cut into batches.

A statement is what a row says of an entity from a time on. Of those that earlier batches of the file made, the ones
that were written stand in what is held (`of_unit`). Those that told nothing new are remembered as hashes; of key
results' definitions, which nearly every row repeats, only those of the newest time: of others only rows of one batch
can contradict each other, or what the file itself has changed.
"""

from datetime import datetime

import polars as pl

from okr_etl.domain.canonical import INSTANT

NONE_SAID = pl.Series("statement", dtype=pl.UInt64)
KEY = ("entity_id", "held_from")
_ODD = 0x9E3779B97F4A7C15
"""Spreads the bits; the hashes are kept in the database, so they must not depend on a library's version."""


def marked(candidates: pl.DataFrame, held: pl.DataFrame, said: pl.Series) -> pl.DataFrame:
    """The candidates with `again` (the file spoke of it before) and `contradicts` (and said something else then).

    Of each entity they stand in the order of the rows. `said`: of the file's batches before, what `unwritten` makes of
    each.
    """
    first = pl.col("content_hash").first().over(*KEY)
    own = held.filter("of_unit")
    if said.is_empty() and own.is_empty():
        return candidates.with_columns(again=pl.lit(value=False), contradicts=pl.col("content_hash") != first)
    timeless = held.filter(pl.col("held_from").is_null()).sort("number").unique("entity_id", keep="last")
    known = pl.concat([said, _hashes(own, _moment()), _hashes(own, _statement()), _hashes(timeless, _statement())])
    again, same = _moment().is_in(known.implode()), _statement().is_in(known.implode())
    before = pl.when("again").then(~pl.col("same")).otherwise(pl.col("content_hash") != first)
    return candidates.with_columns(again=again, same=same).with_columns(contradicts=before).drop("same")


def unwritten(resolved: pl.DataFrame, spoken: datetime | None) -> pl.Series:
    """What a batch says without leaving another trace: hashes of what it speaks of, and of what it says of that.

    What is said of an entity that is held without a time is what is held. `spoken`: the newest time of which any row so
    far told a definition; of key results' definitions only those of that time are remembered.
    """
    lasting = (pl.col("entity") != "key_result") | (pl.col("held_from") >= pl.lit(spoken, INSTANT))
    told = resolved.filter((pl.col("verdict") == "unchanged") & lasting)
    timed = told.filter(pl.col("held_from").is_not_null())
    return pl.concat([_hashes(told, _moment()), _hashes(timed, _statement())])


def first_statements(candidates: pl.DataFrame) -> pl.Series:
    """The same of all that rows say, the first ones where they contradict each other."""
    told = candidates.unique(list(KEY), keep="first", maintain_order=True)
    return pl.concat([_hashes(told, _moment()), _hashes(told, _statement())])


def _hashes(versions: pl.DataFrame, expression: pl.Expr) -> pl.Series:
    return versions.select(expression.alias(NONE_SAID.name)).to_series().unique()


def _moment() -> pl.Expr:
    time = pl.col("held_from").cast(pl.Int64).fill_null(0).reinterpret(signed=False)
    return _bits(pl.col("entity_id").str.replace_all("-", "", literal=True)) ^ (time * _odd())


def _statement() -> pl.Expr:
    return (_moment() * _odd()) ^ _bits(pl.col("content_hash"))


def _odd() -> pl.Expr:
    return pl.lit(_ODD, pl.UInt64)


def _bits(hexadecimal: pl.Expr) -> pl.Expr:
    """Of no content, as closed entities have, 0."""
    return hexadecimal.str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64, strict=False).fill_null(0)
