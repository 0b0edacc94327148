"""What a goal contributes to, by the keys under which its source knows goals."""

import polars as pl

from okr_common.sources import AlignmentBlock
from okr_etl.domain.parents import dotted_parent, first_line


def aligned(block: AlignmentBlock) -> pl.Expr:
    """A struct with the fields of `records.Alignment`; of equal parents one."""
    key = first_line(pl.col(block.key))
    weight = pl.lit(None, pl.Float64) if block.weight is None else pl.col(block.weight).cast(pl.Float64)
    return pl.struct(
        key.alias("key"),
        _parents(block, key).list.drop_nulls().list.unique(maintain_order=True).alias("parents"),
        pl.lit(block.kind).alias("kind"),
        pl.when(weight.is_finite()).then(weight).alias("weight"),
    )


def _parents(block: AlignmentBlock, key: pl.Expr) -> pl.Expr:
    if block.dotted:
        return pl.concat_list(dotted_parent(key))
    if block.parents is None:
        return pl.lit([], pl.List(pl.String))
    named = (
        pl.col(block.parents).cast(pl.String).fill_null("").str.replace_all("; ", "\n", literal=True).str.split("\n")
    )
    stripped = named.list.eval(pl.element().str.strip_chars())
    return stripped.list.eval(pl.element().filter(pl.element() != ""))
