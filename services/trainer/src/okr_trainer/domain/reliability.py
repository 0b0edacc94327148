"""Whether a probability is worth what it says: of all that were given 30 %, 30 % should be achieved.

Rows fall into ten bins of equal width. Even a perfect forecaster misses its bins by chance, the more the fewer rows
there are: the ceiling says by how much, so that nobody looks for an error of zero.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from okr_trainer.domain.numbers import Column
from okr_trainer.domain.sums import BINS, added, members

SEED = 20170228
MOST_DRAWS, LEAST_DRAWS, CELLS, SLICE = 300, 100, 6_000_000, 1_000_000
"""A draw costs a cell per row, so many rows get fewer draws; a slice is drawn at once: 8 MB."""
BAND = (2.5, 97.5)


class Chance(NamedTuple):
    """What chance does to a perfectly calibrated forecaster that says the same: bins without a row are NaN."""

    errors: Column
    shares: Column

    def ceiling(self, level: float = 95.0) -> float:
        """A calibration error above this is no chance."""
        return float(np.percentile(self.errors, level))


def chance(probabilities: Column, clusters: Sequence[str]) -> Chance:
    """Draws outcomes by the probabilities themselves. Rows of one cluster share their luck, as they share an outcome.

    Each cluster draws one number between 0 and 1, and its rows above that are achieved.
    """
    names, place = np.unique(np.array(clusters), return_inverse=True)
    bins = members(probabilities)
    here = bins.sum(axis=1)
    said = bins @ probabilities
    luck = np.random.default_rng(SEED)
    draws = int(np.clip(CELLS // len(probabilities), LEAST_DRAWS, MOST_DRAWS))
    step = max(1, SLICE // len(probabilities))
    counts = [min(step, draws - start) for start in range(0, draws, step)]
    achieved = np.concatenate(
        [
            added((luck.random((count, len(names)))[:, place] < probabilities).astype(np.float64), bins)
            for count in counts
        ]
    )
    shares = np.divide(achieved, here, out=np.full_like(achieved, np.nan), where=here > 0)
    return Chance(np.abs(said - achieved).sum(axis=1) / len(probabilities), shares)


def diagram(outcomes: Column, probabilities: Column, clusters: Sequence[str]) -> dict[str, Any]:
    """The bins that hold rows, with the band in which chance alone puts a perfect forecaster's share achieved."""
    bins = members(probabilities)
    here = bins.sum(axis=1)
    drawn = chance(probabilities, clusters)
    held = np.flatnonzero(here)
    low, high = np.percentile(drawn.shares[:, held], BAND, axis=0)
    return {
        "ceiling": round(drawn.ceiling(), 5),
        "bins": [
            {
                "from": place / BINS,
                "n": int(here[place]),
                "said": round(float(bins[place] @ probabilities / here[place]), 5),
                "achieved": round(float(bins[place] @ outcomes / here[place]), 5),
                "low": round(float(low[number]), 5),
                "high": round(float(high[number]), 5),
            }
            for number, place in enumerate(held.tolist())
        ],
    }
