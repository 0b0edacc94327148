"""Which of the proposed versions are new: compared, per entity and in order of time, with what is held already.

A definition or outcome says from when it holds, so a late or repeated row is compared with what held then. A version
older than the current one is kept, and neither published nor made current. A check-in without a time of its own is
compared with its current version: the later arrival holds. Where that one has a time, the later arrival holds from then
on, too, so that each version of a check-in has its place, whatever its rows say of times.
"""

from datetime import datetime

import polars as pl

from okr_etl.domain.cells import PART

HELD_SCHEMA = {
    "entity_id": pl.String(),
    "held_from": pl.Datetime("us", "UTC"),
    "number": pl.Int64(),
    "revision": pl.Int64(),
    "content_hash": pl.String(),
    "of_unit": pl.Boolean(),
}
"""What is held of an entity: `number` counts its versions as they came, `revision` those that were published; `of_unit`
are those that the file being applied has made."""
TOLD_SCHEMA = {"entity_id": pl.String(), "revision": pl.Int64()}
NO_CONTENT = ""
"""The hash of what a closed entity says."""
NEW, CHANGED, KEPT, DUPLICATE, UNCHANGED = "new", "changed", "kept", "duplicate", "unchanged"
PUBLISHED = (NEW, CHANGED)


def without(held: pl.DataFrame, otherwise: pl.DataFrame) -> pl.DataFrame:
    """What is held where another rule tells how key results end than did before: by due date, or by their source.

    Those versions (`TOLD_SCHEMA`) say nothing, so that whatever is told by the rule of now is news.
    """
    if otherwise.is_empty():
        return held
    marked = held.join(otherwise.with_columns(other=pl.lit(value=True)), on=["entity_id", "revision"], how="left")
    emptied = marked.with_columns(
        held_from=pl.when("other").then(None).otherwise("held_from"),
        content_hash=pl.when("other").then(pl.lit(NO_CONTENT)).otherwise("content_hash"),
    )
    return emptied.select(held.columns)


def resolve(candidates: pl.DataFrame, held: pl.DataFrame, floor: datetime | None) -> pl.DataFrame:
    """The candidates with `verdict`, `number`, `revision`, `knowledge_time` and, for published ones, `seq` from 1.

    `holds_from` is their place among what is held; null where neither they nor the current one have a time.

    No two candidates say different things of one entity and time (see `contradictions`). `floor` is the source's time
    before this batch: a later version cannot have been known earlier.
    """
    chain = _chain(candidates, _since_closed(held))
    judged = chain.with_columns(_verdict()).filter("is_candidate")
    numbered = judged.with_columns(_number(), _revision())
    final = numbered.with_columns(_verdict_by_revision(), _knowledge_time(floor))
    return placed(final)


def _since_closed(held: pl.DataFrame) -> pl.DataFrame:
    """Without what held before an entity was closed: whatever is said of it again, be it old, is news.

    The version that closed it has no content and stands before all times.
    """
    closed = pl.col("number").filter(pl.col("content_hash") == NO_CONTENT).max().over("entity_id")
    if not (held["content_hash"] == NO_CONTENT).any():
        return held
    return held.filter((pl.col("number") >= closed).fill_null(value=True))


def _chain(candidates: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Held and proposed versions of each entity, in the order they hold."""
    proposed = candidates.sort("time", "row_num", PART, maintain_order=True).with_row_index("number")
    both = pl.concat(
        [
            held.drop("of_unit").with_columns(is_candidate=pl.lit(value=False)),
            proposed.with_columns(pl.col("number").cast(pl.Int64), is_candidate=pl.lit(value=True)),
        ],
        how="diagonal",
    )
    newest = held.group_by("entity_id").agg(
        pl.col("held_from").filter(pl.col("revision").is_not_null()).max().alias("current_from"),
        pl.col("number").max().alias("held_number"),
        pl.col("revision").max().alias("held_revision"),
        (pl.col("content_hash") == NO_CONTENT).any().alias("was_closed"),
    )
    after_current = pl.when("is_candidate").then(pl.coalesce("held_from", "current_from")).otherwise("held_from")
    chain = both.join(newest, on="entity_id", how="left").with_columns(holds_from=after_current)
    return chain.sort("entity_id", "holds_from", "is_candidate", "number", nulls_last=False)


def _verdict() -> pl.Expr:
    follows = pl.col("entity_id") == pl.col("entity_id").shift(1)
    repeats = (follows & (pl.col("content_hash") == pl.col("content_hash").shift(1))).fill_null(value=False)
    late = (pl.col("holds_from") < pl.col("current_from")).fill_null(value=False)
    return (
        pl.when(repeats & pl.col("is_candidate").shift(1))
        .then(pl.lit(DUPLICATE))
        .when(repeats)
        .then(pl.lit(UNCHANGED))
        .when(late)
        .then(pl.lit(KEPT))
        .otherwise(pl.lit(CHANGED))
        .alias("verdict")
    )


def _number() -> pl.Expr:
    stored = pl.col("verdict").is_in([CHANGED, KEPT])
    count = _count_within(stored) + pl.col("held_number").fill_null(0)
    return pl.when(stored).then(count).alias("number")


def _revision() -> pl.Expr:
    published = pl.col("verdict") == CHANGED
    count = _count_within(published) + pl.col("held_revision").fill_null(0)
    return pl.when(published).then(count).alias("revision")


def _count_within(counts: pl.Expr) -> pl.Expr:
    """How many so far, of an entity's: they stand together. A window for each would take ten times as long."""
    begins = pl.col("entity_id").ne_missing(pl.col("entity_id").shift(1))
    so_far = counts.cast(pl.Int64).cum_sum()
    before = pl.when(begins).then(so_far - counts.cast(pl.Int64)).forward_fill()
    return so_far - before


def _verdict_by_revision() -> pl.Expr:
    return pl.when(pl.col("revision") == 1).then(pl.lit(NEW)).otherwise(pl.col("verdict")).alias("verdict")


def _knowledge_time(floor: datetime | None) -> pl.Expr:
    at_least = pl.lit(floor, pl.Datetime("us", "UTC"))
    later = pl.max_horizontal("time", at_least)
    return pl.when(pl.col("revision") > 1).then(later).otherwise(pl.col("time")).alias("knowledge_time")


def placed(resolved: pl.DataFrame) -> pl.DataFrame:
    """By knowledge time; ties: definitions, check-ins, outcomes, then natural key, then revision. `seq` counts them."""
    published = pl.col("verdict").is_in(PUBLISHED)
    ordered = resolved.filter(published).sort("knowledge_time", "order", "source_id", "revision")
    others = resolved.filter(~published).with_columns(seq=pl.lit(None, pl.Int64))
    return pl.concat([ordered.with_columns(seq=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)), others])


def account(resolved: pl.DataFrame, rejected: int) -> dict[str, int]:
    """Each row once, by the first that applies: rejected, pending, new, changed, duplicate, unchanged.

    New: it made a first revision of any entity. Changed: a later one. Duplicate: its check-in stands in this batch
    already.
    """
    said = {verdict: pl.col("verdict") == verdict for verdict in (NEW, CHANGED)}
    again = (pl.col("entity") == "check_in") & (pl.col("verdict") == DUPLICATE)
    rows = resolved.group_by("row_num").agg(
        pl.when(said[NEW].any())
        .then(pl.lit(NEW))
        .when(said[CHANGED].any())
        .then(pl.lit(CHANGED))
        .when(again.any())
        .then(pl.lit(DUPLICATE))
        .otherwise(pl.lit(UNCHANGED))
        .alias("result")
    )
    counts = dict(rows.group_by("result").len().iter_rows())
    used = {name: counts.get(name, 0) for name in (NEW, CHANGED, DUPLICATE, UNCHANGED)}
    return {"rejected": rejected, "pending": 0, **used}
