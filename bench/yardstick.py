"""What an online model is measured against: boosted trees, fitted anew each month on all that was known by then.

A yardstick alone: no service needs it, and scikit-learn is a tool of the developers. It sees the features the pipelines
see, learns the rows they learn, each with the same weight, and answers the same predictions. Two things are in its
favour: it sees everything again each month, and its trees find what goes with what. Against it: news wait for the month
to end.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from okr_trainer.domain.features import AT, RATE

Column = NDArray[np.float64]
SETTINGS = {"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 15, "l2_regularization": 1.0}
"""Fewer and smaller trees than scikit-learn would grow by itself, since the first months have few labels. Not tuned."""
NO_MODEL = 0.5
"""Said while one of the two outcomes was never seen."""


class Asked(NamedTuple):
    """A prediction to make. `known`: when it is asked; `ended`: when its outcome became known; None: not yet.

    `learned`: the pipelines learn it, too.
    """

    key_result_id: str
    known: datetime
    x: Mapping[str, float | str]
    learned: bool
    ended: datetime | None
    achieved: bool | None


class Known(NamedTuple):
    """A label with its features' row, and when it became known."""

    ended: datetime
    row: int
    achieved: float
    weight: float


def yardstick(asked: Sequence[Asked]) -> Column:
    """Of each prediction the probability, by the model of its month."""
    table, labels = _table([one.x for one in asked]), _labels(asked)
    said = np.full(len(asked), NO_MODEL)
    for month, rows in _by_month(asked):
        known = [label for label in labels if label.ended < month]
        if len({label.achieved for label in known}) > 1:
            said[rows] = _fitted(table, known).predict_proba(table[rows])[:, 1]
    return said


def _by_month(asked: Sequence[Asked]) -> Iterable[tuple[datetime, list[int]]]:
    """The first moment of each month in which something is asked, with what is asked in it."""
    months = [one.known.replace(day=1, hour=0, minute=0, second=0, microsecond=0) for one in asked]
    order = sorted(range(len(asked)), key=lambda row: months[row])
    return ((month, list(rows)) for month, rows in groupby(order, key=lambda row: months[row]))


def _labels(asked: Sequence[Asked]) -> list[Known]:
    """All rows of a key result together weigh as much as one, as in the pipelines."""
    ended = [(row, one) for row, one in enumerate(asked) if one.learned and one.ended and one.achieved is not None]
    counts: dict[str, int] = {}
    for _, one in ended:
        counts[one.key_result_id] = counts.get(one.key_result_id, 0) + 1
    return [Known(one.ended, row, float(one.achieved), 1.0 / counts[one.key_result_id]) for row, one in ended]  # type: ignore[arg-type]


def _fitted(table: Column, known: Sequence[Known]) -> HistGradientBoostingClassifier:
    model = HistGradientBoostingClassifier(**SETTINGS, early_stopping=False, random_state=1)
    weights = np.array([label.weight for label in known])
    return model.fit(table[[label.row for label in known]], [label.achieved for label in known], weights)


def _table(xs: Sequence[Mapping[str, float | str]]) -> Column:
    """A column per feature. Words become numbers by their order; what a row lacks is NaN, which the trees can tell.

    What linear models are told once more for each stage is left out: a tree splits by the stage itself.
    """
    names = sorted({name for x in xs for name in x if AT not in name or name.endswith(RATE)})
    words = {name: sorted({str(x[name]) for x in xs if isinstance(x.get(name), str)}) for name in names}
    place = {name: {word: float(at) for at, word in enumerate(found)} for name, found in words.items()}
    table = np.full((len(xs), len(names)), np.nan)
    for row, x in enumerate(xs):
        for column, name in enumerate(names):
            value = x.get(name)
            table[row, column] = np.nan if value is None else place[name].get(value, value)  # type: ignore[call-overload]
    return table
