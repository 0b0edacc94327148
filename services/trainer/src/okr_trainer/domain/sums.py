"""Measures that are sums over rows: of losses, and of how far ten bins of probabilities are from what was achieved."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from okr_trainer.domain.numbers import Column

BINS = 10
CLIP = 1e-12
"""Log loss of a certain error is finite: the probability counts as this far from 0 and 1."""


class Sums(NamedTuple):
    """Weighted sums, a value per draw; `here` and `gaps`, probability minus outcome, one more axis, the bins."""

    rows: Column
    achieved: Column
    squared: Column
    surprise: Column
    right: Column
    here: Column
    gaps: Column


def losses(outcomes: Column, probabilities: Column) -> Column:
    """What each row adds to each sum: a row per sum, so that each lies in one piece."""
    gaps, bins = probabilities - outcomes, members(probabilities)
    right = (probabilities > 0.5) == (outcomes > 0.5)  # noqa: PLR2004
    plain = [np.ones_like(outcomes), outcomes, gaps**2, surprise(outcomes, probabilities), right]
    return np.vstack([*plain, bins, gaps * bins])


def sums(lost: Column, weights: Column) -> Sums:
    """`weights` has a row per draw: how often each of the rows counts."""
    plain, here, gaps = np.split(added(weights, lost), [-2 * BINS, -BINS], axis=1)
    rows, achieved, squared, surprised, right = plain.T
    return Sums(rows, achieved, squared, surprised, right, here, gaps)


def surprise(outcomes: Column, probabilities: Column) -> Column:
    """Of each row the negative log likelihood, in nats."""
    clipped = np.clip(probabilities, CLIP, 1.0 - CLIP)
    lost: Column = -(outcomes * np.log(clipped) + (1.0 - outcomes) * np.log1p(-clipped))
    return lost


def bins_of(probabilities: Column) -> NDArray[np.int64]:
    """Of each row the bin, 0 to 9, all of one width; 1.0 falls into the last.

    >>> bins_of(np.array([0.0, 0.1, 0.99, 1.0])).tolist()
    [0, 1, 9, 9]
    """
    bins: NDArray[np.int64] = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    return bins


def members(probabilities: Column) -> Column:
    """Of each bin a row: 1.0 at the probabilities that fall into it."""
    inside: Column = (bins_of(probabilities) == np.arange(BINS)[:, None]).astype(np.float64)
    return inside


def added(weights: Column, lost: Column) -> Column:
    """The product of `weights` and `lost`, transposed; without BLAS, whose threads wait for each other here."""
    products: Column = np.einsum("dn,kn->dk", weights, lost)
    return products


def calibration_error(found: Sums) -> Column:
    """Expected calibration error: how far in each bin the mean probability lies from the share achieved."""
    error: Column = np.abs(found.gaps).sum(axis=1) / found.rows
    return error


def reliability(found: Sums) -> Column:
    """The part of the Brier score that a better calibration would save: the mean squared gap of the bins."""
    squared = np.divide(found.gaps**2, found.here, out=np.zeros_like(found.here), where=found.here > 0)
    mean: Column = squared.sum(axis=1) / found.rows
    return mean


def uncertainty(found: Sums) -> Column:
    """The Brier score of who knows nothing but the share achieved: the same for every predictor."""
    share = found.achieved / found.rows
    spread: Column = share * (1.0 - share)
    return spread


def resolution(found: Sums) -> Column:
    """What the predictor knows beyond the share achieved: Brier score = reliability - resolution + uncertainty.

    Within a bin probabilities differ; what that gains or costs is counted here, so that the sum holds exactly.
    """
    return reliability(found) + uncertainty(found) - found.squared / found.rows
