"""The canonical fields of every row, as the mapping's entities say which columns make them.

One wide frame holds them side by side as `objective.title`, `key_result.target` and so on.
"""

from datetime import datetime

import polars as pl

from okr_common.sources import CheckInBlock, KeyResultBlock, Mapping, ObjectiveBlock
from okr_etl.domain import progress
from okr_etl.domain.alignment import aligned
from okr_etl.domain.derive import FINAL

TIME = "row.time"
"""The knowledge time of what a row says for the first time."""
INSTANT = pl.Datetime("us", "UTC")


def canonical(typed: pl.DataFrame, mapping: Mapping, ingested_at: datetime) -> pl.DataFrame:
    """The wide frame: the typed columns, and beside them the canonical fields and times of every row.

    A check-in is held from when it was written down; where nobody says when, the later arrival holds.
    """
    of = mapping.entities
    frame = typed.with_columns(
        *_objective(of.objective),
        *_key_result(of.key_result),
        *_check_in(of.check_in, of.key_result),
        *(aligned(block).alias(f"{entity}.alignment") for entity, block in of.alignments.items()),
        *([text(of.objective.period.label).alias("objective.period")] if of.objective.period else []),
        *([pl.col(of.key_result.due_known).alias("key_result.due_known")] if of.key_result.due_known else []),
        **{"outcome.source_id": _key(of.key_result.key)},
    )
    final = of.final.value if of.final else None
    frame = frame.with_columns(_final(final).alias("outcome.final_value"))
    frame = frame.with_columns(*_progress(of.key_result), _time(mapping, ingested_at))
    return frame.with_columns(*_outcome(mapping), **{"check_in.held_from": pl.col("check_in.recorded_at")})


def _key(parts: tuple[str, ...]) -> pl.Expr:
    """The parts joined by `/`; where there are several, a `/` or `%` inside a part is written as in URLs."""
    texts = [pl.col(part).cast(pl.String) for part in parts]
    return pl.concat_str([_escaped(part) for part in texts] if len(texts) > 1 else texts, separator="/")


def _escaped(part: pl.Expr) -> pl.Expr:
    return part.str.replace_all("%", "%25", literal=True).str.replace_all("/", "%2F", literal=True)


def text(name: str | None) -> pl.Expr:
    """A column as text; without one, null."""
    return pl.lit(None, pl.String) if name is None else pl.col(name).cast(pl.String)


def number(name: str | None) -> pl.Expr:
    """A column as a finite number; without one, null. There is no negative zero, which is equal to zero."""
    if name is None:
        return pl.lit(None, pl.Float64)
    figure = pl.col(name).cast(pl.Float64)
    return pl.when(figure.is_finite()).then(figure + 0.0)


def day(name: str | None) -> pl.Expr:
    """A column as a day; without one, null."""
    return pl.lit(None, pl.Date) if name is None else pl.col(name).cast(pl.Date)


def _instant(name: str | None) -> pl.Expr:
    """A day is its midnight, a naive time is UTC."""
    if name is None:
        return pl.lit(None, INSTANT)
    return pl.col(name).cast(INSTANT)


def _named(entity: str, **fields: pl.Expr) -> list[pl.Expr]:
    return [expression.alias(f"{entity}.{name}") for name, expression in fields.items()]


def _objective(block: ObjectiveBlock) -> list[pl.Expr]:
    return _named(
        "objective",
        source_id=_key(block.key),
        title=text(block.title),
        description=text(block.description),
        start_on=day(block.start_on),
        due_on=day(block.due_on),
    )


def _key_result(block: KeyResultBlock) -> list[pl.Expr]:
    return _named(
        "key_result",
        source_id=_key(block.key),
        title=text(block.title),
        description=text(block.description),
        metric_kind=text(block.metric_kind),
        direction=text(block.direction),
        inclusive=pl.lit(value=block.inclusive),
        unit=text(block.unit),
        baseline=number(block.baseline),
        target=_target(block),
        start_on=day(block.start_on),
        due_on=day(block.due_on),
        owner=text(block.owner),
    )


def _target(block: KeyResultBlock) -> pl.Expr:
    target = number(block.target)
    return pl.when(~target.is_in(list(block.no_target))).then(target) if block.no_target else target


def _check_in(block: CheckInBlock, key_result: KeyResultBlock) -> list[pl.Expr]:
    return _named(
        "check_in",
        source_id=_key(block.key),
        as_of=day(block.as_of),
        recorded_at=_instant(block.recorded_at),
        value=number(block.value),
        target=_target(key_result),
        status_raw=text(block.status_raw),
        status=text(block.status),
        confidence=number(block.confidence),
        comment=text(block.comment),
    )


def _final(name: str | None) -> pl.Expr:
    return pl.col("check_in.value") if name is None else number(name)


def _progress(block: KeyResultBlock) -> list[pl.Expr]:
    direction, value = pl.col("key_result.direction"), pl.col("check_in.value")
    baseline, target, final = pl.col("key_result.baseline"), pl.col("key_result.target"), pl.col("outcome.final_value")
    return [
        progress.progress(direction, baseline, target, value, inclusive=block.inclusive).alias("check_in.progress"),
        progress.reached(direction, baseline, target, final, inclusive=block.inclusive).alias("outcome.achieved"),
        progress.progress(direction, baseline, target, final, inclusive=block.inclusive).alias("outcome.progress"),
    ]


def _time(mapping: Mapping, ingested_at: datetime) -> pl.Expr:
    otherwise = pl.col("check_in.as_of").cast(INSTANT) if mapping.clock == "data" else pl.lit(ingested_at, INSTANT)
    return pl.coalesce(pl.col("check_in.recorded_at"), otherwise).alias(TIME)


def _outcome(mapping: Mapping) -> list[pl.Expr]:
    """A row is an outcome where the source calls it final and there is a target and a value to judge by."""
    block = mapping.entities.final
    achieved, direction = pl.col("outcome.achieved"), pl.col("key_result.direction")
    known = _instant(block.known_at) if block else pl.lit(None, INSTANT)
    final = pl.col(FINAL).fill_null(value=False) & achieved.is_not_null() if block else pl.lit(value=False)
    return [
        final.alias(FINAL),
        pl.coalesce("check_in.recorded_at", pl.col("check_in.as_of").cast(INSTANT)).alias("definition.held_from"),
        *_named(
            "outcome",
            target=pl.col("key_result.target"),
            resolution=progress.resolution(achieved, pl.col("outcome.progress"), direction),
            label_basis=pl.lit("source"),
            held_from=known,
        ),
    ]
