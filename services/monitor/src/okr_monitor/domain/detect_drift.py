"""Whether the features of live predictions still look as in training: a population stability index per feature.

Most features follow the period: in March nothing is three quarters over. So live rows are compared with training rows
of the same twelfth of the period, mixed as the live ones are; else every spring would drift from every year.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from okr_monitor.domain.histogram import count
from okr_monitor.domain.reference import FeatureReference, Reference, Row
from okr_monitor.domain.stability import chance, stability_index
from okr_monitor.domain.verdict import Report, Verdict, worst

ENOUGH = 30
"""Different key results, live and in training, below which there is no answer."""
ENOUGH_IN_STRATUM = 10
"""Training rows of a twelfth below which live rows of it are left out."""
State = Literal["steady", "drifted", "too_few", "no_reference"]
_VERDICTS = {
    "steady": Verdict.OK,
    "drifted": Verdict.ATTENTION,
    "too_few": Verdict.UNKNOWN,
    "no_reference": Verdict.UNKNOWN,
}


class FeatureDrift(BaseModel):
    """One feature. `limit` is what the index must exceed, chance included; `outside` the share training never saw.

    An ignored one is measured, but never said to have drifted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    feature: str
    psi: float
    limit: float
    outside: float
    ignored: bool
    drifted: bool


class ModelDrift(BaseModel):
    """One model's features, the most drifted first. `left_out`: live rows of a part of the period training lacks."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: str
    version: int
    state: State
    reference_rows: int
    live_rows: int
    left_out: int = 0
    features: list[FeatureDrift] = []

    @property
    def drifted(self) -> list[FeatureDrift]:
        """Those over their limit."""
        return [one for one in self.features if one.drifted]


class DriftReport(Report):
    """Every model that serves."""

    models: list[ModelDrift]


def compare(
    model: str, version: int, reference: Reference, live: Sequence[Row], *, limit: float, ignored: Collection[str] = ()
) -> ModelDrift:
    """Each feature of the live rows against training. Too few key results on either side: no answer."""
    kept = [row for row in live if reference.strata.get(row.stratum, 0) >= ENOUGH_IN_STRATUM]
    said = {"reference_rows": reference.rows, "live_rows": len(live), "left_out": len(live) - len(kept)}
    if not reference.rows:
        return ModelDrift(model=model, version=version, state="no_reference", **said)
    key_results = len({row.key_result_id for row in kept})
    if min(key_results, reference.key_results) < ENOUGH:
        return ModelDrift(model=model, version=version, state="too_few", **said)
    noise = 1 / key_results + 1 / reference.key_results
    found = [_drift(name, known, kept, limit, noise) for name, known in reference.features.items()]
    judged = [_ignored(one) if one.feature in ignored else one for one in found if one is not None]
    ordered = sorted(judged, key=lambda one: (one.ignored, -(one.psi / one.limit), one.feature))
    state: State = "drifted" if any(one.drifted for one in ordered) else "steady"
    return ModelDrift(model=model, version=version, state=state, features=ordered, **said)


def _drift(name: str, known: FeatureReference, rows: Sequence[Row], limit: float, noise: float) -> FeatureDrift | None:
    usable = [row for row in rows if name in row.features and row.stratum in known.counts]
    if not usable:
        return None
    values = [row.features[name] for row in usable]
    live = count(known.bins, values)
    expected, size = known.mixed(Counter(row.stratum for row in usable))
    psi = stability_index(expected, size, live)
    filled = sum(1 for share, number in zip(expected, live, strict=True) if share > 0 or number)
    over = max(limit, chance(filled - 1) * noise)
    outside = sum(known.bins.is_outside(value) for value in values) / len(values)
    return FeatureDrift(feature=name, psi=psi, limit=over, outside=outside, ignored=False, drifted=psi > over)


def _ignored(one: FeatureDrift) -> FeatureDrift:
    return one.model_copy(update={"ignored": True, "drifted": False})


def report(models: Sequence[ModelDrift]) -> DriftReport:
    """All models together."""
    return DriftReport(verdict=worst(_VERDICTS[model.state] for model in models), models=list(models))
