"""Pipelines by name, and scoring a batch between two learn calls, while the model is constant.

Every builder gives a River pipeline of log-odds that are linear in its features, so a batch is scored column by
column: each row's result depends on that row alone, to the last bit, however large the batch is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from okr_trainer.domain.features import ASPECTS, ATTRIBUTE, WORDS, Features
from okr_trainer.domain.river_parts import LogisticRegression, OneHotEncoder, StandardScaler, compose, optim

Pipeline = Any
"""River ships no types."""
Column = NDArray[np.float64]


def linear() -> Pipeline:
    """Scaled numbers and one-hot words into logistic regression; FTRL gives each weight its own rate."""
    return _features() | LogisticRegression(
        optimizer=optim.FTRLProximal(alpha=0.05, beta=1.0, l1=0.0, l2=1.0), intercept_lr=0.02
    )


def linear_sgd() -> Pipeline:
    """The same with one rate for all weights: faster to learn, quicker upset by a burst of labels."""
    return _features() | LogisticRegression(optimizer=optim.SGD(0.02), intercept_lr=0.03)


BUILDERS: dict[str, Callable[[], Pipeline]] = {"linear": linear, "linear_sgd": linear_sgd}


def build(name: str) -> Pipeline:
    """A new, unlearned pipeline. Raises ValueError that names the known ones."""
    if name not in BUILDERS:
        raise ValueError(f"no pipeline is called {name!r}; known are {', '.join(sorted(BUILDERS))}")
    return BUILDERS[name]()


def _features() -> Pipeline:
    numbers = compose.SelectType(float) | StandardScaler()
    words = compose.SelectType(str) | OneHotEncoder(drop_zeros=True)
    return numbers + words


@dataclass(frozen=True, slots=True)
class Scores:
    """Of a batch: log-odds per row, and what each aspect added to them against a typical key result."""

    raw: Column
    aspects: dict[str, Column]


class LinearView:
    """What a pipeline knows at one moment, as plain numbers: score with it until the pipeline learns again."""

    def __init__(self, pipeline: Pipeline, words: Mapping[str, Mapping[str, int]]) -> None:
        """`words`: of each categorical feature, how often each word was learned."""
        scaler, regression = _parts(pipeline)
        weights: dict[str, float] = regression.weights
        self._numbers: dict[str, tuple[float, float]] = {
            name: (scaler.means[name], weights.get(name, 0.0) / variance**0.5)
            for name, variance in scaler.vars.items()
            if variance > 0.0
        }
        self._intercept = float(regression.intercept)
        self._words = {name: weight for name, weight in weights.items() if name not in scaler.counts}
        self._typical = {name: self._mean_of(name, counts) for name, counts in words.items()}

    def score(self, xs: Sequence[Features]) -> Scores:
        """Log-odds and contributions of these rows, summed in one fixed order of names."""
        raw = np.full(len(xs), self._intercept)
        aspects: dict[str, Column] = {}
        for name in sorted({key for x in xs for key in x}):
            part = self._part(name, [x.get(name) for x in xs])
            if part is not None:
                raw += part
                aspect = ASPECTS.get(name, name)
                part = part - self._typical.get(name, 0.0)
                aspects[aspect] = aspects[aspect] + part if aspect in aspects else part
        return Scores(raw, aspects)

    def _mean_of(self, name: str, counts: Mapping[str, int]) -> float:
        """What a word of this feature adds on average, so that a usual word explains nothing."""
        total = sum(counts.values())
        return sum(self._part_of_one(name, word) * count for word, count in counts.items()) / total if total else 0.0

    def _part(self, name: str, values: list[float | str | None]) -> Column | None:
        if name in WORDS or name.startswith(ATTRIBUTE):
            return np.array([self._part_of_one(name, value) for value in values])
        if name not in self._numbers:
            return None
        mean, weight = self._numbers[name]
        part: Column = (np.array(values, dtype=np.float64) - mean) * weight
        return part

    def _part_of_one(self, name: str, value: float | str | None) -> float:
        if isinstance(value, str):
            return self._words.get(f"{name}_{value}", 0.0)
        if value is None or name not in self._numbers:
            return 0.0
        mean, weight = self._numbers[name]
        return (value - mean) * weight


def _parts(pipeline: Pipeline) -> tuple[Any, Any]:
    """The scaler and the regression of a pipeline made here."""
    union, regression = pipeline.steps.values()
    numbers = next(iter(union.transformers.values()))
    return list(numbers.steps.values())[1], regression
