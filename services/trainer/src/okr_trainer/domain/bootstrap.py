"""How far chance alone would move a measure: rows are drawn again and again, whole key results at a time.

The rows of one key result share its outcome, so they are no independent evidence.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from okr_trainer.domain.metrics import SMALLER_IS_BETTER, Answers
from okr_trainer.domain.numbers import Column

SEED = 20170131
LEVEL = (2.5, 97.5)
"""Percentiles of the interval."""
MOST_DRAWS, LEAST_DRAWS, CELLS, SLICE = 200, 20, 4_000_000, 500_000
"""A draw costs a cell per row: many rows, whose intervals are narrow anyway, get fewer draws; so many cells at once."""
ENOUGH, STUDENT = 100, 2.093
"""Draws that tell the percentiles; with fewer, Student's t of the fewest draws (19 degrees of freedom, 97.5 %)."""
FEWEST = 20
"""Key results: drawing fewer of them again and again shows too little of what chance can do."""
BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell"
Figures = dict[str, Column]
"""Of a predictor: measure by name; the first value is of the rows as they are, the others of the draws."""


def figures(outcomes: Column, said: Mapping[str, Column], key_results: Sequence[str]) -> dict[str, Figures]:
    """Every measure of each predictor, on the same draws."""
    parts = list(_weights(key_results))
    return {name: _measured(Answers(outcomes, column), parts) for name, column in said.items()}


def _measured(answers: Answers, parts: Sequence[Column]) -> Figures:
    return _together([answers.measured(part) for part in parts])


def _together(parts: Sequence[Figures]) -> Figures:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _weights(key_results: Sequence[str]) -> Iterator[Column]:
    """How often each row counts: once, then as often as it was drawn; the same for the same rows."""
    names, place = np.unique(np.array(key_results), return_inverse=True)
    yield np.ones((1, len(place)))
    count = int(np.clip(CELLS // len(place), LEAST_DRAWS, MOST_DRAWS))
    shares = np.full(len(names), 1.0 / len(names))
    chosen = np.random.default_rng(SEED).multinomial(len(names), shares, size=count)
    step = max(1, SLICE // len(place))
    for start in range(0, count, step):
        yield chosen[start : start + step, place].astype(np.float64)


def interval(figure: Column) -> list[float | None]:
    """Value, low, high; None: undefined."""
    drawn = figure[1:][~np.isnan(figure[1:])]
    low, high = _between(figure[0], drawn) if len(drawn) else (np.nan, np.nan)
    return [number(figure[0]), number(low), number(high)]


def _between(value: float, drawn: Column) -> tuple[float, float]:
    """Of few draws the percentiles are their extremes, which lie too near: then as if they were normal."""
    if len(drawn) < ENOUGH and len(drawn) > 1:
        reach = STUDENT * float(np.std(drawn, ddof=1))
        return value - reach, value + reach
    low, high = np.percentile(drawn, LEVEL)
    return float(low), float(high)


def verdict(name: str, difference: Sequence[float | None], key_results: int) -> str:
    """Of a measure's difference, the model minus a baseline: whether chance alone would explain it.

    >>> lower, unclear = [-0.2, -0.3, -0.1], [0.1, -0.1, 0.3]
    >>> verdict("log_loss", lower, 99), verdict("auc", lower, 99), verdict("auc", unclear, 99), verdict("auc", lower, 9)
    ('better', 'worse', 'cannot tell', 'cannot tell')
    """
    _, low, high = difference
    if key_results < FEWEST or low is None or high is None or low <= 0.0 <= high:
        return CANNOT_TELL
    return BETTER if (high < 0.0) == (name in SMALLER_IS_BETTER) else WORSE


def number(value: float) -> float | None:
    """Rounded for people and JSON; None for NaN."""
    return None if np.isnan(value) else round(float(value), 5)
