"""What the features looked like in training, by the twelfth of the period a prediction was made in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from okr_monitor.domain.histogram import Bins, Value, count, cut

STRATA = 12


class Row(NamedTuple):
    """The features of one prediction."""

    key_result_id: str
    elapsed: float
    features: Mapping[str, Value]

    @property
    def stratum(self) -> int:
        """The twelfth of the period; what is over time counts with the last."""
        return min(STRATA - 1, max(0, int(self.elapsed * STRATA)))


@dataclass(frozen=True, slots=True)
class FeatureReference:
    """A feature in training: its bins, and how many rows of each twelfth fell into them."""

    bins: Bins
    counts: Mapping[int, Sequence[int]]

    def mixed(self, strata: Mapping[int, int]) -> tuple[list[float], float]:
        """The share of each bin if training's rows were spread over the period as these, and how many rows that is."""
        total = sum(strata.values())
        shares = [0.0] * self.bins.size
        spread = 0.0
        for stratum, number in strata.items():
            weight, rows = number / total, sum(self.counts[stratum])
            spread += weight**2 / rows
            for index, found in enumerate(self.counts[stratum]):
                shares[index] += weight * found / rows
        return shares, 1 / spread


@dataclass(frozen=True, slots=True)
class Reference:
    """What a version saw in training."""

    rows: int
    key_results: int
    features: Mapping[str, FeatureReference]
    strata: Mapping[int, int]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Reference":
        """Cuts the bins and counts; once per version."""
        names = sorted({name for row in rows for name in row.features})
        known = ((name, _feature_reference(name, rows)) for name in names)
        return cls(
            rows=len(rows),
            key_results=len({row.key_result_id for row in rows}),
            features={name: reference for name, reference in known if reference is not None},
            strata=Counter(row.stratum for row in rows),
        )


def _feature_reference(name: str, rows: Sequence[Row]) -> FeatureReference | None:
    by_stratum: dict[int, list[Value]] = {}
    for row in rows:
        if name in row.features:
            by_stratum.setdefault(row.stratum, []).append(row.features[name])
    bins = cut([value for values in by_stratum.values() for value in values])
    if bins is None:
        return None
    return FeatureReference(bins, {stratum: count(bins, values) for stratum, values in by_stratum.items()})
