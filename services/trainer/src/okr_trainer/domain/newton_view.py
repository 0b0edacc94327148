"""Scoring with a regression by Newton: all rows of a batch as one table, a row of it per feature.

What features add is summed in one fixed order of names, feature by feature, never as a product of matrices, whose order
of summing depends on their size: so a row's result is the same to the last bit, alone or among thousands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from okr_trainer.domain.features import ATTRIBUTE, Features, aspect_of
from okr_trainer.domain.newton import CUT, NewtonLogistic
from okr_trainer.domain.numbers import Column
from okr_trainer.domain.scores import Scores

NO_COLUMNS: Mapping[str, Column] = {}
Words = dict[float | str | None, float]
"""What each word of a feature adds; None: any other one."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """The features a model knows, in the order of their names, and the aspect of each.

    `numbers` are those that are numbers, standing in `rows` of the table and at `places` of the model. `words`: the row
    of each feature that is a word, and the place of each word.
    """

    aspects: tuple[str, ...]
    numbers: tuple[str, ...]
    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    words: dict[str, tuple[int, dict[str, int]]]


@lru_cache(maxsize=64)
def _plan(known: tuple[tuple[str, int], ...], said: tuple[tuple[str, tuple[str, ...]], ...]) -> _Plan:
    """`known`: the model's places by name; `said`: the words of each feature that has words."""
    places = {name: at for name, at in known if at}
    words = {name: {word: places[f"{name}={word}"] for word in of if f"{name}={word}" in places} for name, of in said}
    taken = {f"{name}={word}" for name, of in words.items() for word in of}
    numbers = sorted(places.keys() - taken)
    order = {name: row for row, name in enumerate(sorted({*numbers, *words}))}
    return _Plan(
        tuple(aspect_of(name) for name in order),
        tuple(numbers),
        np.array([order[name] for name in numbers], dtype=np.int64),
        np.array([places[name] for name in numbers], dtype=np.int64),
        {name: (order[name], of) for name, of in words.items()},
    )


class NewtonView:
    """What the model knows at one moment: what a row lacks counts as 0 there.

    A usual row adds nothing, as all is centred.
    """

    def __init__(self, model: NewtonLogistic) -> None:
        self._base = float(model.weights[0])
        words = tuple((name, tuple(of)) for name, of in model.words.items())
        self._plan = _plan(tuple(model.places.items()), words)
        scales = model.means, model.spreads, model.weights
        self._scales = tuple(column[self._plan.places, None] for column in scales)
        self._words = {
            name: (row, _of_words({word: tuple(float(column[at]) for column in scales) for word, at in of.items()}))
            for name, (row, of) in self._plan.words.items()
        }

    def score(self, xs: Sequence[Features], columns: Mapping[str, Column] = NO_COLUMNS) -> Scores:
        """Log-odds and contributions of these rows. `columns`: numbers of them that are known as columns already."""
        raw = np.full(len(xs), self._base)
        aspects: dict[str, Column] = {}
        for aspect, part in zip(self._plan.aspects, self._parts(xs, columns), strict=True):
            raw += part
            if aspect in aspects:
                aspects[aspect] += part
            else:
                aspects[aspect] = part
        return Scores(raw, aspects)

    def _parts(self, xs: Sequence[Features], columns: Mapping[str, Column]) -> Column:
        """What each feature adds to each row."""
        parts = np.zeros((len(self._plan.aspects), len(xs)))
        parts[self._plan.rows] += _adds(self._scales, _table_of(self._plan.numbers, xs, columns))
        for name, (row, said) in self._words.items():
            none = said[None]
            parts[row] += [said.get(x.get(name), none) for x in xs]
        return parts


def _table_of(numbers: tuple[str, ...], xs: Sequence[Features], columns: Mapping[str, Column]) -> Column:
    if not columns:
        return _table(numbers, xs)
    found = (columns[name] if name in columns else [_number(x.get(name, 0.0)) for x in xs] for name in numbers)
    return np.array(list(found)).reshape(len(numbers), len(xs))


def _table(numbers: tuple[str, ...], xs: Sequence[Features]) -> Column:
    """A row per number, a column per row of features; 0 where there is none."""
    table = np.zeros((len(numbers), len(xs)))
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, x in enumerate(xs):
        alike.setdefault(tuple(x), []).append(number)
    for names, columns in alike.items():
        sure, rows, others = _found(names, numbers)
        if len(sure) > 1:
            pick = itemgetter(*sure)
            table[rows[:, None], columns] = np.array([pick(xs[column]) for column in columns]).T
        for name, row in others:
            table[row, columns] = [_number(xs[column][name]) for column in columns]
    return table


@lru_cache(maxsize=1024)
def _found(
    names: tuple[str, ...], numbers: tuple[str, ...]
) -> tuple[tuple[str, ...], NDArray[np.int64], list[tuple[str, int]]]:
    """Which of these names are numbers of the model, and their rows; apart, what may be a word in some rows."""
    rows = {name: row for row, name in enumerate(numbers)}
    found = [name for name in names if name in rows]
    sure = [name for name in found if not name.startswith(ATTRIBUTE)]
    sure = sure if len(sure) > 1 else []
    others = [(name, rows[name]) for name in found if name not in sure]
    return tuple(sure), np.array([rows[name] for name in sure], dtype=np.int64), others


def _number(value: float | str) -> float:
    return value if isinstance(value, float) else 0.0


def _of_words(places: Mapping[str, Any]) -> Words:
    lacking = {word: float(_adds(place, 0.0)) for word, place in places.items()}
    none = sum(lacking.values())
    said: Words = {word: none - lacking[word] + float(_adds(place, 1.0)) for word, place in places.items()}
    return said | {None: none}


def _adds(scales: Any, value: Any) -> Any:  # noqa: ANN401 - numbers or columns of them
    """`scales`: mean, spread and weight."""
    mean, spread, weight = scales
    return np.clip((value - mean) / spread, -CUT, CUT) * weight
