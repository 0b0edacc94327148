"""The formulas of the features, for all key results that are judged at once: a column per feature, then a row for each.

Sums, products and quotients of columns are what they are of single numbers, to the last bit. Logarithms and tanh are
taken one by one: numpy's differ by processor.
"""

from collections.abc import Callable, Sequence
from math import log, tanh
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from okr_trainer.domain import tallies as keys
from okr_trainer.domain.facts import NUMBERS, Facts
from okr_trainer.domain.features import AT, ATTRIBUTE, CROSSED, LAST_STAGE, NAMES, RATE, STAGES, Features, squash
from okr_trainer.domain.moments import Moments, moments
from okr_trainer.domain.numbers import LOGS, Column, bounded, log_of
from okr_trainer.domain.past import Past

Told = NDArray[np.bool_]
WEEK, QUARTER = 7, 90
_LOGS = np.array(LOGS)
_CROSSED_AT = tuple(tuple((name, f"{name}{AT}{stage}") for name in CROSSED) for stage in STAGES)


class Seen(NamedTuple):
    """What models see of key results: a row of features for each, and the same numbers as columns, by name.

    In columns stands 0 where a row lacks the feature; attributes are in the rows only. `places`: where each stands.
    """

    xs: list[Features]
    columns: dict[str, Column]
    places: list[Moments]


def features(rows: Sequence[Facts], past: Past) -> Seen:
    """What models see of these, as all of them are judged by what was known of the past."""
    known = dict(zip(NUMBERS, np.array([row.numbers for row in rows], dtype=np.float64).T, strict=True))
    places = moments(known["left"], known["elapsed"], known["progress"], known["margin"])
    columns = _known(known) | _stands(rows, places, past) | _base(past, len(rows))
    numbers = np.array([columns[name] for name in NAMES]).T.tolist()  # each row's lie together, and are read together
    stages = np.minimum(known["check_ins"], LAST_STAGE).astype(np.int64)
    xs = [_of_one(row, said, stage, past) for row, said, stage in zip(rows, numbers, stages.tolist(), strict=True)]
    return Seen(xs, columns | _crossed(columns, stages), places)


def _of_one(row: Facts, numbers: Sequence[float], stage: int, past: Past) -> Features:
    """One row: numbers, words, attributes, and what means another thing at each stage once more."""
    x: Features = dict(zip(NAMES, numbers, strict=True))
    x["direction"], x["metric_kind"], x["stage"] = row.direction, row.metric_kind, STAGES[stage]
    attributes = _of_attributes(x, row, past) if row.attributes else ()
    for name, crossed in _CROSSED_AT[stage]:
        x[crossed] = x[name]
    for name in attributes:
        x[f"{name}{AT}{STAGES[stage]}"] = x[name]
    return x


def _of_attributes(x: Features, row: Facts, past: Past) -> Sequence[str]:
    """Adds words, how those ended that say the same, and numbers; returns the names of the numbers."""
    rates: Features = {}
    numbers: Features = {}
    for name, value in row.attributes.items():
        named = ATTRIBUTE + name
        if isinstance(value, str):
            x[named] = value
            rates[named + RATE] = past.odds_of(keys.word_key(name, value))
        else:
            numbers[named] = squash(value)
    x |= rates
    x |= numbers
    return tuple(numbers)


def _crossed(columns: dict[str, Column], stages: NDArray[np.int64]) -> dict[str, Column]:
    at = enumerate(_CROSSED_AT)
    return {crossed: _where(stages == stage, columns[name]) for stage, names in at for name, crossed in names}


def _known(known: dict[str, Column]) -> dict[str, Column]:
    """What is told by the key result itself."""
    due_known, moving = ~np.isnan(known["left"]), ~np.isnan(known["progress"])
    valued = ~np.isnan(known["margin"])
    elapsed = _where(due_known, _within(known["elapsed"], 0.0, 1.5))
    margin, meets, slope = _where(valued, known["margin"]), known["meets"], known["slope"]
    projected = _within(margin + slope * _least(1.0 - elapsed, 0.0), -2.0, 2.0)
    progress = _where(moving, _within(known["progress"], -1.0, 3.0))
    near = _each(tanh, margin / 0.02)
    pace_ratio, need_ratio = _ratios(progress, elapsed, moving & due_known)
    return {
        **_due(known, due_known),
        "elapsed": elapsed,
        "age": _logs(_least(known["age"], 0.0), 12.0),
        "due_unknown": _flag(~due_known),
        "margin": margin,
        "margin_near": near,
        "margin_far": _each(tanh, margin / 0.1),
        "margin_by_elapsed": near * elapsed,
        "meets_now": meets,
        "meets_by_elapsed": meets * elapsed,
        "progress": progress,
        "pace": _where(moving, progress - elapsed),
        "pace_ratio": pace_ratio,
        "need_ratio": need_ratio,
        "slope": slope,
        "projected": projected,
        "projected_far": _each(tanh, projected / 0.1),
        "days_since": _logs(_least(known["days_since"], 0.0), 12.0),
        "no_value": _flag(~valued),
        **{name: _logs(known[name], 12.0) for name in ("check_ins", "target_changes", "due_changes")},
        **{name: known[name] for name in ("predecessor", "predecessor_margin", "hit_rate", "series_odds")},
        **{name: known[name] for name in ("owner_odds", "owner_reach", "owner_lately", "owner_margin")},
        "objective_odds": known["objective_odds"],
        **{name: _logs(known[name], 20.0) for name in ("same_due", "open_in_source", "open_in_objective")},
    }


def _due(known: dict[str, Column], due_known: Told) -> dict[str, Column]:
    """What the due date says; of one that was not known yet nothing."""
    days, length = _least(_where(due_known, known["left"]), 0.0), _least(known["length"], 1.0)
    return {
        "days_left": _logs(days, 12.0),
        "length": _where(due_known, _logs(length, 12.0)),
        "left": _where(due_known, _within(days / (1.0 + length), 0.0, 1.0)),
        "last_week": _flag(due_known & (days <= WEEK)),
        "far": _flag(days > QUARTER),
    }


def _ratios(progress: Column, elapsed: Column, told: Told) -> tuple[Column, Column]:
    """How fast it went, and how fast it has to go; a twentieth is added to each so that none is endless."""
    done, over = _within(progress, 0.0, 1.5), np.where(elapsed < 1.0, elapsed, 1.0)
    pace, need = (done + 0.05) / (over + 0.05), (_least(1.0 - done, 0.0) + 0.05) / (1.0 - over + 0.05)
    return _logs_of_ratios(np.where(told, pace, 1.0)), _logs_of_ratios(np.where(told, need, 1.0))


def _logs_of_ratios(ratios: Column) -> Column:
    return _each(lambda ratio: bounded(log(ratio), -4.0, 4.0), ratios) if (ratios != 1.0).any() else ratios - 1.0


def _stands(rows: Sequence[Facts], places: Sequence[Moments], past: Past) -> dict[str, Column]:
    """How those ended that once stood there."""
    odds = [
        [past.odds_at(row.source, row.direction, at) for at in stood] for row, stood in zip(rows, places, strict=True)
    ]
    return dict(zip(("left_odds", "way_odds", "gap_odds"), np.array(odds).T, strict=True))


def _base(past: Past, rows: int) -> dict[str, Column]:
    """What all key results of the model have in common."""
    (of_50, of_500), base_odds = past.lately, bounded(past.odds, -8.0, 8.0)
    shared = {"base_of_50": of_50, "base_of_500": of_500, "base_rate": past.rate, "base_odds": base_odds}
    return {name: np.full(rows, value) for name, value in shared.items()}


def _each(function: Callable[[float], float], column: Column) -> Column:
    return np.array([function(value) for value in column.tolist()])


def _logs(counts: Column, most: float) -> Column:
    """log1p of counts that are not negative, and not more than `most`."""
    if counts.max() < len(_LOGS):
        return _LOGS[counts.astype(np.int64)]
    return np.array([min(most, log_of(int(count))) for count in counts.tolist()])


def _flag(column: Told) -> Column:
    return column.astype(np.float64)


def _where(told: Told, column: Column) -> Column:
    return np.where(told, column, 0.0)


def _least(column: Column, least: float) -> Column:
    return np.where(column > least, column, least)


def _within(column: Column, lowest: float, highest: float) -> Column:
    """As `bounded`, but that NaN stays."""
    return np.where(column < lowest, lowest, np.where(column > highest, highest, column))
