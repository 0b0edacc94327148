"""Measures of probabilities against outcomes, each with optional weights per row.

Weights serve the bootstrap: how often a row was drawn.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
CLIP = 1e-12
"""Log loss of a certain error is finite: the probability counts as this far from 0 and 1."""


def roc_auc(outcomes: Column, probabilities: Column, weights: Column) -> Column:
    """The chance that an achieved row ranks above a missed one; ties count half. NaN where one class is absent.

    `weights` has one row per draw; so has the answer.
    """
    order = np.argsort(probabilities, kind="stable")
    ordered = probabilities[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    drawn = weights[:, order]
    achieved = np.add.reduceat(drawn * outcomes[order], first, axis=1)
    missed = np.add.reduceat(drawn * (1.0 - outcomes[order]), first, axis=1)
    below = np.cumsum(missed, axis=1) - missed
    pairs = achieved.sum(axis=1) * missed.sum(axis=1)
    won = (achieved * (below + missed / 2.0)).sum(axis=1)
    areas: Column = np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)
    return areas


def brier(outcomes: Column, probabilities: Column, weights: Column) -> Column:
    """Mean squared error."""
    return _mean((probabilities - outcomes) ** 2, weights)


def log_loss(outcomes: Column, probabilities: Column, weights: Column) -> Column:
    """Mean negative log likelihood, in nats."""
    clipped = np.clip(probabilities, CLIP, 1.0 - CLIP)
    return _mean(-(outcomes * np.log(clipped) + (1.0 - outcomes) * np.log1p(-clipped)), weights)


def accuracy(outcomes: Column, probabilities: Column, weights: Column) -> Column:
    """The share on the right side of one half."""
    return _mean(((probabilities > 0.5) == (outcomes > 0.5)).astype(np.float64), weights)  # noqa: PLR2004


def calibration_error(outcomes: Column, probabilities: Column, weights: Column) -> Column:
    """Expected calibration error: of ten bins of probabilities, how far the mean one lies from the share achieved.

    >>> calibration_error(np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.ones((1, 2)))
    array([0.])
    """
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    member = (bins[:, None] == np.arange(BINS)).astype(np.float64)
    gaps: Column = np.abs((weights * (probabilities - outcomes)) @ member).sum(axis=1) / weights.sum(axis=1)
    return gaps


def _mean(losses: Column, weights: Column) -> Column:
    total: Column = weights @ losses / weights.sum(axis=1)
    return total


BINS = 10

METRICS: dict[str, Callable[[Column, Column, Column], Column]] = {
    "auc": roc_auc,
    "brier": brier,
    "log_loss": log_loss,
    "accuracy": accuracy,
}
