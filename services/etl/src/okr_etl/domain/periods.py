"""The periods that objectives stand in: a label, what kind of period it names, and its first and last day.

The days are those that the newest file, or request, gives which gives any: of its rows, where they differ, the widest
span, wherever the file is cut. So a correction may narrow a period, and rows without days leave it as it was. A period
stays when no goal stands in it any more. A replay says its periods anew, from what was said before its first batch on.
"""

import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain import dates
from okr_etl.domain.canonical import day
from okr_etl.domain.ids import entity_ids

PERIOD = ("period_id", "label", "kind", "start_on", "end_on")
"""What a batch says of a period."""


def periods(wide: pl.DataFrame, mapping: Mapping, source: str) -> pl.DataFrame:
    """Each period that these rows name, once; from rows that give its days the widest span."""
    block = mapping.entities.objective.period
    if block is None:
        return pl.DataFrame(schema=dict.fromkeys(PERIOD, pl.String))
    label = pl.col("objective.period")
    told = wide.filter(label.is_not_null()).select(
        label.alias("label"),
        dates.label_kind(label).fill_null("other").alias("kind"),
        (day(block.start_on) if block.start_on else dates.date(label, block.reader("start"))).alias("start_on"),
        (day(block.end_on) if block.end_on else dates.date(label, block.reader("end"))).alias("end_on"),
    )
    found = told.group_by("label", "kind").agg(pl.col("start_on").min(), pl.col("end_on").max()).sort("label")
    sound = (pl.col("start_on") <= pl.col("end_on")).fill_null(
        value=True
    )  # one end by a column, the other by its label
    found = found.with_columns(pl.when(sound).then(pl.col("start_on", "end_on")))
    return found.with_columns(entity_ids(source, "period", found["label"]).alias("period_id")).select(PERIOD)
