"""Measures of order: whether the key results that were missed had been put below those that were achieved.

Rows of one probability stand together, and nobody can tell them apart; a measure counts them as if shuffled.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from okr_trainer.domain.numbers import Column


class Order(NamedTuple):
    """Rows from the lowest probability up: their places, where each next probability begins, their outcomes."""

    places: NDArray[np.int64]
    first: NDArray[np.int64]
    achieved: Column


class Ties(NamedTuple):
    """Weight of achieved and of missed rows at each probability that was said, the lowest first; a row per draw."""

    achieved: Column
    missed: Column


def in_order(outcomes: Column, probabilities: Column) -> Order:
    """Sorted once, weighed many times."""
    places = np.argsort(probabilities, kind="stable")
    ordered = probabilities[places]
    return Order(places, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]), outcomes[places])


def ties(order: Order, weights: Column) -> Ties:
    """`weights` has a row per draw: how often each of the rows counts."""
    drawn = weights[:, order.places]
    achieved = np.add.reduceat(drawn * order.achieved, order.first, axis=1)
    return Ties(achieved, np.add.reduceat(drawn * (1.0 - order.achieved), order.first, axis=1))


def roc_auc(found: Ties) -> Column:
    """The chance that an achieved row ranks above a missed one; ties count half. NaN where one class is absent."""
    below = np.cumsum(found.missed, axis=1) - found.missed
    pairs = found.achieved.sum(axis=1) * found.missed.sum(axis=1)
    return _share((found.achieved * (below + found.missed / 2.0)).sum(axis=1), pairs)


def pr_auc(found: Ties) -> Column:
    """Average precision of finding missed rows from the lowest probability up. NaN where none was missed.

    What it is worth to guess: the share that was missed.
    """
    caught = np.cumsum(found.missed, axis=1)
    flagged = caught + np.cumsum(found.achieved, axis=1)
    precision = np.divide(caught, flagged, out=np.zeros_like(caught), where=flagged > 0)
    return _share((precision * found.missed).sum(axis=1), caught[:, -1])


def recall_at(found: Ties, rate: float) -> Column:
    """The share of missed rows among this share of all rows, those with the lowest probabilities. NaN: none missed.

    Where the limit falls among rows of one probability, as many of them count as there is room for, as if shuffled.
    """
    here = found.achieved + found.missed
    room = rate * here.sum(axis=1, keepdims=True) - (np.cumsum(here, axis=1) - here)
    part = np.divide(np.clip(room, 0.0, here), here, out=np.zeros_like(here), where=here > 0)
    return _share((part * found.missed).sum(axis=1), found.missed.sum(axis=1))


def _share(part: Column, whole: Column) -> Column:
    shares: Column = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return shares
