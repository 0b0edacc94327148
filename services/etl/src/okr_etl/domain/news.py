"""Reading only the news of a file: the rows that the source's file before it did not say.

A row that was said before says nothing new, unless something it speaks of was said otherwise since. Two rows of the
file before cannot have done that, as it is `plain`; the file's own news can, and then all of it must be read.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime

import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied, RawBatch
from okr_etl.domain.cells import CELLS
from okr_etl.domain.head import Head
from okr_etl.domain.versions import CHANGED, DUPLICATE, KEPT


class MoreNeeded(Exception):  # noqa: N818 - no error: the batch is read again, whole
    """The news alone does not tell what the batch says."""


def since(mapping: Mapping, head: Head) -> datetime | None:
    """The time after which no row of the files before can have spoken; None where that is not known."""
    return head.clock if mapping.entities.check_in.recorded_at is None else None


def suffices(applied: Applied, gone: AbstractSet[str], since: datetime | None) -> bool:
    """Whether the rows that were not read would say nothing else; `gone` as in `RawBatch`.

    A check-in that changed had one row in the file before: that must be gone. A definition or an outcome is said by
    many rows: none of them may speak of the time from which the change holds, or of a later one.
    """
    changed = applied.resolved.filter(pl.col("verdict").is_in([CHANGED, KEPT]))
    check_ins = changed.filter(pl.col("entity") == "check_in")
    others = changed.filter(pl.col("entity") != "check_in")
    later = bool((others["held_from"] > since).all()) if since else others.is_empty()
    return later and set(check_ins["entity_id"]) <= gone


def plain(applied: Applied, batch: RawBatch) -> bool:
    """Whether no two rows of the batch speak of one check-in, or differently of one definition at one time.

    Rows that are equal cell by cell are as one.
    """
    if applied.resolved["contradicts"].any():
        return False
    again = applied.resolved.filter(verdict=DUPLICATE, entity="check_in").height
    return again == 0 or again <= batch.rows.height - batch.rows[CELLS].n_unique()
