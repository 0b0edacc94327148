"""Pipelines by name, and scoring a batch between two learn calls, while the model is constant.

Every builder gives a model of log-odds to which each feature adds its part, so a batch is scored column by column: each
row's result depends on that row alone, to the last bit, however large the batch is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from okr_trainer.domain.features import AT, ATTRIBUTE, LAST_STAGE, WORDS, Features, aspect_of
from okr_trainer.domain.forest import Forest
from okr_trainer.domain.forest_view import ForestView
from okr_trainer.domain.mean import MeanOf
from okr_trainer.domain.newton import NewtonLogistic
from okr_trainer.domain.newton_view import NO_COLUMNS, NewtonView
from okr_trainer.domain.numbers import Column
from okr_trainer.domain.paced import PacedNewton, PacedView
from okr_trainer.domain.river_parts import LogisticRegression, OneHotEncoder, StandardScaler, compose, optim
from okr_trainer.domain.scores import Scores

Pipeline = Any
"""River ships no types."""

LATELY = tuple(
    f"{name}{stage}"
    for name in ("base_of_50", "base_of_500")
    for stage in ("", *(f"{AT}{n}" for n in range(LAST_STAGE + 1)))
)
"""These hardly vary while there are few outcomes; scaled, their chance moves upset what learns by gradients."""


def linear() -> Pipeline:
    """Scaled numbers and one-hot words into logistic regression; FTRL gives each weight its own rate."""
    return _features() | LogisticRegression(
        optimizer=optim.FTRLProximal(alpha=0.05, beta=1.0, l1=0.0, l2=1.0), intercept_lr=0.02
    )


def linear_sgd() -> Pipeline:
    """The same with one rate for all weights: faster to learn, quicker upset by a burst of labels."""
    return _features() | LogisticRegression(optimizer=optim.SGD(0.02), intercept_lr=0.03)


def newton() -> Pipeline:
    """Logistic regression of the second order: learns most from few labels."""
    return NewtonLogistic()


def linear_newton() -> Pipeline:
    """The mean of the two in log-odds: what one of them overdoes the other holds back."""
    return MeanOf([linear(), newton()])


def hoeffding_tree() -> Pipeline:
    """One tree that grows, and is cut back, as it learns: finds what goes with what, but needs many labels."""
    return Forest()


def forest() -> Pipeline:
    """The mean of ten such trees, each of which weighs rows, and watches features, by its own draws."""
    return Forest(trees=10, watched=20)


def pace_newton() -> Pipeline:
    """The pace rule, as far as it proves right, and a regression of the second order of what it leaves."""
    return PacedNewton()


def ensemble() -> Pipeline:
    """The mean, in log-odds, of what begins as the pace rule (half), what learns most from many labels, and trees."""
    return MeanOf([pace_newton(), newton(), forest()], parts=[2, 1, 1])


BUILDERS: dict[str, Callable[[], Pipeline]] = {
    "ensemble": ensemble,
    "forest": forest,
    "hoeffding_tree": hoeffding_tree,
    "linear": linear,
    "linear_newton": linear_newton,
    "linear_sgd": linear_sgd,
    "newton": newton,
    "pace_newton": pace_newton,
}


def build(name: str) -> Pipeline:
    """A new, unlearned pipeline. Raises ValueError that names the known ones."""
    if name not in BUILDERS:
        raise ValueError(f"no pipeline is called {name!r}; known are {', '.join(sorted(BUILDERS))}")
    return BUILDERS[name]()


def loosen(pipeline: Pipeline, kept: float) -> None:
    """What it has learned counts `kept` times as much from now on. River's regressions have no such memory."""
    for one in pipeline.models if isinstance(pipeline, MeanOf) else (pipeline,):
        if isinstance(one, NewtonLogistic | PacedNewton | Forest):
            one.loosen(kept)


def _features() -> Pipeline:
    numbers = compose.SelectType(float) | compose.Discard(*LATELY) | StandardScaler()
    words = compose.SelectType(str) | OneHotEncoder(drop_zeros=True)
    return numbers + words


class View(Protocol):
    """What a pipeline knows at one moment, as plain numbers: score with it until the pipeline learns again."""

    def score(self, xs: Sequence[Features], columns: Mapping[str, Column] = NO_COLUMNS) -> Scores:
        """Log-odds and contributions of these rows. `columns`: numbers of them that are known as columns already."""


def view_of(pipeline: Pipeline, words: Mapping[str, Mapping[str, int]]) -> View:
    """The view of a pipeline made here. `words`: of each categorical feature, how often each word was learned."""
    if isinstance(pipeline, MeanOf):
        return MeanView([view_of(one, words) for one in pipeline.models], pipeline.shares)
    if isinstance(pipeline, Forest):
        return ForestView(pipeline)
    if isinstance(pipeline, PacedNewton):
        return PacedView(pipeline)
    return NewtonView(pipeline) if isinstance(pipeline, NewtonLogistic) else LinearView(pipeline, words)


class MeanView:
    """The mean of several."""

    def __init__(self, views: Sequence[View], shares: Sequence[float]) -> None:
        self._views = views
        self._shares = shares

    def score(self, xs: Sequence[Features], columns: Mapping[str, Column] = NO_COLUMNS) -> Scores:
        """The mean of their log-odds, and of what each aspect added to them."""
        said = [view.score(xs, columns) for view in self._views]
        raw, aspects = np.zeros(len(xs)), dict[str, Column]()
        for share, one in zip(self._shares, said, strict=True):
            raw += share * one.raw
            for aspect, part in one.aspects.items():
                aspects[aspect] = aspects.get(aspect, 0.0) + share * part
        return Scores(raw, {aspect: aspects[aspect] for aspect in sorted(aspects)})


class _Additive:
    """Adds up what each feature adds; subclasses say what that is."""

    base: float
    typical: dict[str, float]

    def score(self, xs: Sequence[Features], _: Mapping[str, Column] = NO_COLUMNS) -> Scores:
        """Log-odds and contributions of these rows, summed in one fixed order of names."""
        raw = np.full(len(xs), self.base)
        aspects: dict[str, Column] = {}
        for name in self._names(xs):
            part = self._part(name, [x.get(name) for x in xs])
            if part is not None:
                raw += part
                aspect = aspect_of(name)
                part = part - self.typical.get(name, 0.0)
                aspects[aspect] = aspects[aspect] + part if aspect in aspects else part
        return Scores(raw, aspects)

    def _names(self, xs: Sequence[Features]) -> list[str]:
        return sorted({key for x in xs for key in x})

    def _part(self, name: str, values: list[float | str | None]) -> Column | None:
        raise NotImplementedError

    def _part_of_one(self, name: str, value: float | str | None) -> float:
        raise NotImplementedError

    def _mean_of(self, name: str, counts: Mapping[str, int]) -> float:
        """What a word of this feature adds on average, so that a usual word explains nothing."""
        total = sum(counts.values())
        return sum(self._part_of_one(name, word) * count for word, count in counts.items()) / total if total else 0.0


class LinearView(_Additive):
    """Of a scaler and a regression of River's."""

    def __init__(self, pipeline: Pipeline, words: Mapping[str, Mapping[str, int]]) -> None:
        scaler, regression = _parts(pipeline)
        weights: dict[str, float] = regression.weights
        self._numbers: dict[str, tuple[float, float]] = {
            name: (scaler.means[name], weights.get(name, 0.0) / variance**0.5)
            for name, variance in scaler.vars.items()
            if variance > 0.0
        }
        self.base = float(regression.intercept)
        self._words = {name: weight for name, weight in weights.items() if name not in scaler.counts}
        self.typical = {name: self._mean_of(name, counts) for name, counts in words.items()}

    def _part(self, name: str, values: list[float | str | None]) -> Column | None:
        if name in WORDS or name.startswith(ATTRIBUTE) or AT in name:
            return np.array([self._part_of_one(name, value) for value in values])
        if name not in self._numbers:
            return None
        mean, weight = self._numbers[name]
        numbers = np.array([mean if value is None else value for value in values], dtype=np.float64)
        part: Column = (numbers - mean) * weight
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
    return list(numbers.steps.values())[-1], regression
