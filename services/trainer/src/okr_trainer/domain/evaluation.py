"""How predictions did once their outcomes were known, beside the baselines that saw the same.

Rows are grouped by how much of the period was over; intervals come from drawing whole key results, because the rows of
one key result share its outcome.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from okr_trainer.domain.metrics import METRICS, Column

MODEL = "model"
SEED = 20170131
LEVEL = (2.5, 97.5)
"""Percentiles of the interval."""
MOST_DRAWS, LEAST_DRAWS, CELLS = 200, 20, 2_000_000
QUARTERS = {"up to 25 %": 0.25, "up to 50 %": 0.5, "up to 75 %": 0.75, "up to 90 %": 0.9, "the rest": 9.0}


@dataclass(frozen=True, slots=True)
class Scored:
    """A prediction whose outcome is known."""

    key_result_id: str
    elapsed: float
    achieved: bool
    probability: float
    baselines: Mapping[str, float]


def month(elapsed: float) -> int:
    """Which twelfth of the period a prediction was made in, 1 to 12: the month, where the period is a year.

    >>> month(30 / 364), month(333 / 364), month(0.0), month(1.2)
    (1, 11, 1, 12)
    """
    return min(12, max(1, ceil(elapsed * 12)))


def quarter(elapsed: float) -> str:
    """Which part of the period, as it is usually reported.

    >>> quarter(0.2), quarter(0.95)
    ('up to 25 %', 'the rest')
    """
    return next(name for name, end in QUARTERS.items() if elapsed <= end or end > 1.0)


def evaluate(rows: Sequence[Scored]) -> dict[str, Any]:
    """The whole table: overall, the first half of the period, by part of the period, by month."""
    return {
        "all": table(rows),
        "first_half": table([row for row in rows if row.elapsed <= 0.5]),  # noqa: PLR2004
        "by_elapsed": {name: table(group) for name, group in _grouped(rows, lambda row: quarter(row.elapsed)).items()},
        "by_month": {str(name): table(group) for name, group in _grouped(rows, lambda row: month(row.elapsed)).items()},
    }


def _grouped(rows: Iterable[Scored], key: Any) -> dict[Any, list[Scored]]:  # noqa: ANN401
    groups: dict[Any, list[Scored]] = {}
    for row in sorted(rows, key=lambda row: row.elapsed):
        groups.setdefault(key(row), []).append(row)
    return groups


def table(rows: Sequence[Scored]) -> dict[str, Any]:
    """Of these rows: n, and by predictor then metric [value, low, high]; None: undefined."""
    if not rows:
        return {"n": 0, "key_results": 0, "achieved": 0, "predictors": {}}
    outcomes = np.array([row.achieved for row in rows], dtype=np.float64)
    draws = _draws([row.key_result_id for row in rows])
    common = set.intersection(*(set(row.baselines) for row in rows))
    columns = {MODEL: [row.probability for row in rows]}
    columns |= {name: [row.baselines[name] for row in rows] for name in sorted(common)}
    return {
        "n": len(rows),
        "key_results": len({row.key_result_id for row in rows}),
        "achieved": int(outcomes.sum()),
        "predictors": {name: _measured(outcomes, np.array(column), draws) for name, column in columns.items()},
    }


def _measured(outcomes: Column, probabilities: Column, draws: Column) -> dict[str, list[float | None]]:
    ones = np.ones((1, len(outcomes)))
    return {
        name: [_number(metric(outcomes, probabilities, ones)[0]), *_interval(metric(outcomes, probabilities, draws))]
        for name, metric in METRICS.items()
    }


def _interval(drawn: Column) -> list[float | None]:
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return [None, None]
    return [_number(one) for one in np.percentile(defined, LEVEL)]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 5)


def _draws(key_results: Sequence[str]) -> NDArray[np.float64]:
    """How often each row was drawn, in each of some draws of whole key results; the same for the same rows."""
    names, place = np.unique(np.array(key_results), return_inverse=True)
    count = int(np.clip(CELLS // len(key_results), LEAST_DRAWS, MOST_DRAWS))
    chosen = np.random.default_rng(SEED).multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=count)
    return chosen[:, place].astype(np.float64)


def headline(evaluated: Mapping[str, Any], part: str = "all") -> dict[str, dict[str, float]]:
    """Predictor to metric to value, for an event."""
    return {
        predictor: {name: value[0] for name, value in measured.items() if value[0] is not None}
        for predictor, measured in evaluated[part]["predictors"].items()
    }
