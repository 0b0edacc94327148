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
    return _in_time(applied, spoken) and set(check_ins["entity_id"]) <= gone


def plain(
    applied: Applied, proposed: Proposed, batch: RawBatch, said: pl.Series | None, spoken: datetime | None
) -> bool:
    """Whether no row of the batch takes back what another row of its file says, or has it taken back.

    `said`: the check-ins of the file's batches before, as `ids_of` tells them; None where they are not known. Rows that
    are equal cell by cell are as one.
    """
    if said is None or applied.resolved["contradicts"].any() or not _in_time(applied, spoken):
        return False
    ids = proposed.wide["check_in.id"]
    told = batch.rows.join(proposed.wide.select(ROW), on=ROW, how="semi")[CELLS]
    return ids.n_unique() == told.n_unique() and not ids_of(proposed).is_in(said.implode()).any()


def ids_of(proposed: Proposed) -> pl.Series:
    """The check-ins that the rows speak of, as hashes of 8 bytes."""
    return proposed.wide["check_in.id"].hash()


def _in_time(applied: Applied, spoken: datetime | None) -> bool:
    """No definition or outcome that was there before changes for a time of which rows before may have spoken."""
    changed = applied.resolved.filter(pl.col("verdict").is_in([CHANGED, KEPT]) & (pl.col("entity") != "check_in"))
    changed = changed.filter(pl.col("held_number").is_not_null())
    return changed.is_empty() or (spoken is not None and bool((changed["held_from"] > spoken).all()))
