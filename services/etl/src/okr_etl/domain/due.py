"""Outcomes by due date: of sources that never say how a key result ended (design §8, `outcome: due`).

The last value by the due date and some days of grace tells. It is known when those days are over, on the source's
clock; a check-in that comes later, or a target that moves, makes another version of the outcome.
"""

from datetime import UTC, date, datetime

import polars as pl

from okr_common.sources import DueOutcome, Mapping
from okr_etl.domain import progress
from okr_etl.domain.canonical import INSTANT
from okr_etl.domain.cells import PART
from okr_etl.domain.entities import CANDIDATE, ENTITIES, FIELDS
from okr_etl.domain.head import Head
from okr_etl.domain.ids import content_hashes, entity_ids

ENDED_SCHEMA = {
    "key_result_id": pl.String(),
    "source_id": pl.String(),
    "direction": pl.String(),
    "baseline": pl.Float64(),
    "target": pl.Float64(),
    "due_on": pl.Date(),
    "value": pl.Float64(),
    "status": pl.String(),
    "batch_id": pl.Int64(),
    "row_num": pl.Int64(),
    "told_at": INSTANT,
}
"""Key results whose days of grace are over, each with its last value, the row that told it, and when that was known."""


def today(mapping: Mapping, head: Head, now: datetime) -> date | None:
    """The day it is in the source; None while it has no clock."""
    clock = head.coming if mapping.clock == "data" else now
    return clock.astimezone(UTC).date() if clock else None


def outcomes(ended: pl.DataFrame, mapping: Mapping, rule: DueOutcome, decided_at: datetime) -> pl.DataFrame:
    """The outcome of each that can be judged, with the columns `CANDIDATE` and `batch_id`.

    It holds from its decision on: a later decision is never too late, also where a due date came nearer.
    """
    inclusive = mapping.entities.key_result.inclusive
    direction, target, value = pl.col("direction"), pl.col("target"), pl.col("value")
    baseline = pl.col("baseline")
    way = progress.progress(direction, baseline, target, value, inclusive=inclusive)
    reached = progress.reached(direction, baseline, target, value, inclusive=inclusive)
    over = (pl.col("due_on") + pl.duration(days=rule.grace_days + 1)).cast(INSTANT)
    judged = ended.with_columns(
        achieved=_achieved(reached, way, direction, rule),
        outcome_id=entity_ids(mapping.name, "outcome", ended["source_id"]),
        held_from=pl.lit(decided_at, INSTANT),
        known=pl.max_horizontal(over, "told_at"),
        way=way,
        final_value=value,
        label_basis=pl.lit("due"),
    ).filter(pl.col("achieved").is_not_null())
    resolution = progress.resolution(pl.col("achieved"), pl.col("way"), direction)
    told = judged.with_columns(
        resolution=pl.when(pl.col("status") == "dropped").then(pl.lit("dropped")).otherwise(resolution)
    )
    return _candidates(told)


def _achieved(reached: pl.Expr, way: pl.Expr, direction: pl.Expr, rule: DueOutcome) -> pl.Expr:
    """A stretched goal counts from its share of the way on, and on its target: there may be no way to it."""
    if rule.achieved_from == 1.0:
        return reached
    moves = direction.is_in(["increase", "decrease"]) & way.is_not_null()
    return pl.when(moves).then((way >= rule.achieved_from) | reached).otherwise(reached)


def _candidates(told: pl.DataFrame) -> pl.DataFrame:
    made = told.select(
        pl.lit(ENTITIES.index("outcome")).alias("order"),
        pl.lit("outcome").alias("entity"),
        pl.col("outcome_id").alias("entity_id"),
        "source_id",
        pl.col("known").alias("time"),
        "held_from",
        *("row_num", pl.lit(0, pl.Int32).alias(PART)),
        pl.struct(FIELDS["outcome"]).struct.json_encode().alias("payload"),
        "batch_id",
    )
    return made.with_columns(content_hashes(made["payload"]).alias("content_hash")).select(*CANDIDATE, "batch_id")
