"""How good probabilities were: AUC, Brier score, accuracy, and what chance alone would move them by.

Pure functions of labels and probabilities; nothing here knows who predicted.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

RESAMPLES = 300
SEED = 20170101
TAIL = 0.025
"""Of each side of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A prediction whose outcome is known. Rows of one `cluster` (an indicator) are not independent of each other."""

    cluster: str
    achieved: bool
    by: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval; None where it cannot be told (AUC without both kinds of outcome)."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """How one predictor did."""

    auc: Figure
    brier: Figure
    accuracy: Figure


def auc(labels: Sequence[bool], scores: Sequence[float], weights: Sequence[int] | None = None) -> float | None:
    """The chance that an achieved one was given more than a missed one; ties count half. None without both kinds.

    >>> auc([True, False, True], [0.9, 0.1, 0.1])
    0.75
    """
    return Ranking(labels, scores).auc(weights or [1] * len(labels))


def brier(labels: Sequence[bool], scores: Sequence[float]) -> float:
    """The mean squared distance between probability and outcome; 0 is perfect.

    >>> brier([True, False], [0.5, 0.5])
    0.25
    """
    return sum((score - label) ** 2 for label, score in zip(labels, scores, strict=True)) / len(labels)


def accuracy(labels: Sequence[bool], scores: Sequence[float]) -> float:
    """The share that was on the right side of one half.

    >>> accuracy([True, False], [0.6, 0.7])
    0.5
    """
    return sum((score >= 0.5) == label for label, score in zip(labels, scores, strict=True)) / len(labels)  # noqa: PLR2004 - one half is what accuracy means


class Ranking:
    """Rows in the order of their scores, ties together: sorted once, weighed many times."""

    def __init__(self, labels: Sequence[bool], scores: Sequence[float]) -> None:
        ordered = sorted(range(len(scores)), key=scores.__getitem__)
        self._ties = [
            ([row for row in tie if labels[row]], [row for row in tie if not labels[row]])
            for tie in (list(rows) for _, rows in groupby(ordered, key=scores.__getitem__))
        ]

    def auc(self, weights: Sequence[int]) -> float | None:
        """See `auc`; row i counts `weights[i]` times."""
        below = pairs = positives = 0.0
        for achieved, missed in self._ties:
            up, down = sum([weights[row] for row in achieved]), sum([weights[row] for row in missed])
            pairs += up * (below + down / 2)
            below += down
            positives += up
        return pairs / (positives * below) if positives and below else None


class _Predictor:
    """One predictor's rows, prepared so that a resample costs one pass."""

    def __init__(self, rows: Sequence[Scored], name: str) -> None:
        labels, scores = [row.achieved for row in rows], [row.by[name] for row in rows]
        self._ranking = Ranking(labels, scores)
        self._errors = [(score - label) ** 2 for label, score in zip(labels, scores, strict=True)]
        self._hits = [(score >= 0.5) == label for label, score in zip(labels, scores, strict=True)]  # noqa: PLR2004

    def measure(self, weights: Sequence[int]) -> tuple[float | None, float, float]:
        """AUC, Brier score, accuracy of a resample."""
        n = sum(weights)
        error = sum(map(float.__mul__, self._errors, map(float, weights)))
        hits = sum(weight for weight, hit in zip(weights, self._hits, strict=True) if hit)
        return self._ranking.auc(weights), error / n, hits / n


@dataclass(frozen=True, slots=True)
class Comparison:
    """Predictors on the same rows. `against[rival]` is AUC, Brier, accuracy of the first minus the rival's."""

    n: int
    achieved: int
    quality: Mapping[str, Quality]
    against: Mapping[str, Quality]


def compare(rows: Sequence[Scored], names: Sequence[str], resamples: int = RESAMPLES) -> Comparison:
    """How each predictor did, and the first against each other, with paired intervals.

    The intervals come from drawing whole clusters again: rows of one indicator share their fate.
    """
    predictors = {name: _Predictor(rows, name) for name in names}
    whole = {name: one.measure([1] * len(rows)) for name, one in predictors.items()}
    drawn = [
        {name: one.measure(weights) for name, one in predictors.items()} for weights in _resamples(rows, resamples)
    ]
    first = names[0]
    return Comparison(
        n=len(rows),
        achieved=sum(row.achieved for row in rows),
        quality={name: _quality(whole[name], [draw[name] for draw in drawn]) for name in names},
        against={
            name: _quality(_minus(whole[first], whole[name]), [_minus(draw[first], draw[name]) for draw in drawn])
            for name in names[1:]
        },
    )


Measures = tuple[float | None, float | None, float | None]


def _resamples(rows: Sequence[Scored], count: int) -> list[list[int]]:
    """For each draw how often each row counts."""
    clusters = sorted({row.cluster for row in rows})
    index = {name: number for number, name in enumerate(clusters)}
    members = [index[row.cluster] for row in rows]
    chance = random.Random(SEED)  # noqa: S311 - a statistic, not a secret
    draws = []
    for _ in range(count):
        times = [0] * len(clusters)
        for drawn in chance.choices(range(len(clusters)), k=len(clusters)):
            times[drawn] += 1
        draws.append([times[member] for member in members])
    return draws


def _minus(one: Measures, other: Measures) -> Measures:
    auc_, brier_, accuracy_ = (
        None if mine is None or theirs is None else mine - theirs for mine, theirs in zip(one, other, strict=True)
    )
    return auc_, brier_, accuracy_


def _quality(whole: Measures, draws: Sequence[Measures]) -> Quality:
    auc_, brier_, accuracy_ = (_figure(value, [draw[place] for draw in draws]) for place, value in enumerate(whole))
    return Quality(auc_, brier_, accuracy_)


def _figure(value: float | None, draws: Sequence[float | None]) -> Figure:
    known = sorted(draw for draw in draws if draw is not None)
    if value is None or not known:
        return Figure(value)
    return Figure(value, quantile(known, TAIL), quantile(known, 1 - TAIL))


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of an ordered sequence lies (nearest rank).

    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5)
    3.0
    """
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
