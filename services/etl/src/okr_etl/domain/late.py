"""Rows that waited for a parent, and the batch that brings it: applied one after another, in the order they came."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from okr_etl.domain.batch import Applied, Proposed, RawBatch, apply
from okr_etl.domain.contradictions import NONE_SAID, unwritten
from okr_etl.domain.head import Times, later
from okr_etl.domain.versions import placed


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are applied together: those of a batch before that waited, or the batch itself."""

    batch: RawBatch
    proposed: Proposed


def apply_in_turn(
    parts: Sequence[Part], held: pl.DataFrame, floor: datetime | None, said: pl.Series, spoken: datetime | None
) -> list[Applied]:
    """What each changes, finding what those before it made; the last one is the batch whose turn it is.

    Of all the new versions `seq` tells the order. `floor` as in `versions.resolve`; `said` as in
    `contradictions.marked`, of the last one's file; `spoken` as in `contradictions.unwritten`.
    """
    found: list[Applied] = []
    for part in parts:
        of_file = part.batch.unit == parts[-1].batch.unit
        seen = held if of_file else held.with_columns(of_unit=pl.lit(value=False))
        applied = apply(part.proposed, seen, floor, said if of_file else NONE_SAID)
        found.append(applied)
        if part is parts[-1]:
            break
        made = applied.resolved.filter(pl.col("number").is_not_null())
        made = made.with_columns(held_from="holds_from", of_unit=pl.lit(of_file))
        held = pl.concat([held, made.select(held.columns)])
        said = pl.concat([said, unwritten(applied.resolved, spoken)]) if of_file else said
    return found if len(found) == 1 else list(_in_one_order(found))


def times_of(parts: Sequence[Part]) -> Times:
    """What all of them tell of time."""
    times = [part.proposed.times for part in parts]
    newest, spoken = (one.newest for one in times), (one.spoken for one in times)
    return Times(later(*newest), later(*spoken))


def _in_one_order(found: Sequence[Applied]) -> Iterator[Applied]:
    marked = [one.resolved.with_columns(pl.lit(place).alias("part")) for place, one in enumerate(found)]
    ordered = placed(pl.concat(marked))
    for place, one in enumerate(found):
        yield replace(one, resolved=ordered.filter(pl.col("part") == place).drop("part"))
