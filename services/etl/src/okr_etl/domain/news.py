"""Reading only the news of a file: the rows that the source's file before it did not say.

A row that was said before says nothing new, unless something it speaks of was said otherwise since. No row of the file
before can have done that, as that is `plain`; the file's own news can, and then all of it must be read.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime

import polars as pl

from okr_etl.domain.batch import Applied, Proposed, RawBatch
from okr_etl.domain.cells import CELLS, ROW
from okr_etl.domain.versions import CHANGED, KEPT, NEW


class MoreNeeded(Exception):  # noqa: N818 - no error: the batch is read again, whole
    """The news alone does not tell what the batch says."""


def suffices(applied: Applied, gone: AbstractSet[str], spoken: datetime | None) -> bool:
    """Whether the rows that were not read would say nothing else.

    `gone` as in `RawBatch`; `spoken`: the newest time of which any row before told a definition or an outcome. A
    check-in had one row in the file before: if it is no new one, that row must be gone. A definition or an outcome is
    said by many rows: none of them may speak of the time from which a change holds, or of a later one.
    """
    check_ins = applied.resolved.filter((pl.col("entity") == "check_in") & (pl.col("verdict") != NEW))
    return _late(applied, spoken).is_empty() and set(check_ins["entity_id"]) <= gone


def plain(applied: Applied, proposed: Proposed, batch: RawBatch, spoken: datetime | None) -> bool:
    """Whether no row of the batch takes back what another row of its file says, or has it taken back.

    Rows that are equal cell by cell are as one.
    """
    if applied.contradicting or applied.ignored:
        return False
    late = _late(applied, spoken)
    if late.height and (spoken is None or late["held_from"].min() != spoken):
        return False
    again = pl.concat([late["again"], applied.resolved.filter(pl.col("entity") == "check_in")["again"]]).any()
    told = batch.rows.join(proposed.wide.select(ROW), on=ROW, how="semi")[CELLS]
    return proposed.wide["check_in.id"].n_unique() == told.n_unique() and not again


def _late(applied: Applied, spoken: datetime | None) -> pl.DataFrame:
    """Definitions and outcomes that were there before, and change for a time of which rows before may have spoken."""
    changed = applied.resolved.filter(pl.col("verdict").is_in([CHANGED, KEPT]) & (pl.col("entity") != "check_in"))
    changed = changed.filter(pl.col("held_number").is_not_null())
    return changed if spoken is None else changed.filter(~(pl.col("held_from") > spoken))
