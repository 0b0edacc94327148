"""How far a key result is, and whether it is reached, as polars expressions (domain: progress, scores)."""

import polars as pl

PARTIAL = 0.7
"""Of the way: the field's mark for a stretch goal that counts as a success."""


def reached(direction: pl.Expr, baseline: pl.Expr, target: pl.Expr, value: pl.Expr, *, inclusive: bool) -> pl.Expr:
    """True, false, or null where there is no target, no value or no direction.

    An increase or decrease is reached on its target; a level to be kept only if `inclusive`. To stay between is to stay
    above the baseline and below the target; without one of them it is null.
    """
    over = value >= baseline if inclusive else value > baseline
    above = value >= target if inclusive else value > target
    below = value <= target if inclusive else value < target
    return (
        pl.when(direction == "increase")
        .then(value >= target)
        .when(direction == "decrease")
        .then(value <= target)
        .when(direction == "stay_above")
        .then(above)
        .when(direction == "stay_below")
        .then(below)
        .when((direction == "stay_between") & baseline.is_not_null() & target.is_not_null())
        .then(over & below)
    )


def progress(direction: pl.Expr, baseline: pl.Expr, target: pl.Expr, value: pl.Expr, *, inclusive: bool) -> pl.Expr:
    """(value - baseline) / (target - baseline), unclamped, for increase and decrease; 0 or 1 for the stays.

    Null without target, value or direction, and for an increase or decrease without baseline. A target equal to its
    baseline leaves no way to go: 0.
    """
    way = target - baseline
    moved = pl.when(way == 0).then(0.0).otherwise((value - baseline) / way)
    stays = reached(direction, baseline, target, value, inclusive=inclusive).cast(pl.Float64)
    return pl.when(direction.is_in(["increase", "decrease"])).then(moved).otherwise(stays)


def resolution(achieved: pl.Expr, progressed: pl.Expr, direction: pl.Expr) -> pl.Expr:
    """achieved, partial (a stretch goal's success) or missed."""
    partly = direction.is_in(["increase", "decrease"]) & (progressed >= PARTIAL)
    return (
        pl.when(achieved)
        .then(pl.lit("achieved"))
        .when(partly.fill_null(value=False))
        .then(pl.lit("partial"))
        .otherwise(pl.lit("missed"))
    )
