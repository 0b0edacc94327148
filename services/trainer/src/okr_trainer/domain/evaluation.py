"""How predictions did once their outcomes were known, beside the baselines that saw the same.

Rows are grouped by source and by how much of the period was over; intervals come from drawing whole key results.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from typing import Any, TypeVar

import numpy as np

from okr_trainer.domain.bootstrap import Figures, figures, interval, number, verdict
from okr_trainer.domain.lead_time import LEAST_RATE, Said, flagged, lead_time
from okr_trainer.domain.metrics import NAMES
from okr_trainer.domain.numbers import Column
from okr_trainer.domain.reliability import chance

Key = TypeVar("Key", bound=int | str)
MODEL = "model"
QUARTERS = {"up to 25 %": 0.25, "up to 50 %": 0.5, "up to 75 %": 0.75, "up to 90 %": 0.9, "the rest": 9.0}


@dataclass(frozen=True, slots=True)
class Scored:
    """A prediction whose outcome is known. `day`: when it was made; `ended`: when the outcome became known."""

    key_result_id: str
    source: str
    elapsed: float
    day: date
    due: date
    ended: datetime
    achieved: bool
    probability: float
    baselines: Mapping[str, float]

    def said_by(self, predictor: str) -> float | None:
        """The probability; None where the predictor said nothing, as owners do."""
        return self.probability if predictor == MODEL else self.baselines.get(predictor)


def month(elapsed: float) -> int:
    """Which twelfth of the period a prediction was made in, 1 to 12: the month, where the period is a year.

    >>> month(30 / 364), month(333 / 364), month(0.0), month(1.2)
    (1, 11, 1, 12)
    """
    return min(12, max(1, ceil(elapsed * 12)))


def quarter(elapsed: float) -> str:
    """Which part of the period, as it is usually reported.

    >>> quarter(0.2), quarter(0.95)
    ('up to 25 %', 'the rest')
    """
    return next(name for name, end in QUARTERS.items() if elapsed <= end or end > 1.0)


def evaluate(rows: Sequence[Scored]) -> dict[str, Any]:
    """All tables: overall, by source, by part of the period, by month; and lead times."""
    ordered = _in_order(rows)
    said, sources = summary(ordered), {row.source for row in ordered}
    return {
        **said,
        "by_source": dict.fromkeys(sources, said["all"]) if len(sources) == 1 else _by_source(ordered),
        "by_elapsed": _tables(ordered, lambda row: quarter(row.elapsed)),
    }


def summary(rows: Sequence[Scored]) -> dict[str, Any]:
    """What stands beside a version: overall, by month, and lead times. The stream waits for it, so no more."""
    ordered = _in_order(rows)
    return {
        "all": table(ordered),
        "by_month": _tables(ordered, lambda row: month(row.elapsed)),
        "lead_time": lead_times(ordered),
    }


def _in_order(rows: Sequence[Scored]) -> list[Scored]:
    return sorted(rows, key=lambda row: (row.elapsed, row.key_result_id, row.day))


def _by_source(rows: Sequence[Scored]) -> dict[str, dict[str, Any]]:
    return dict(sorted(_tables(rows, lambda row: row.source).items()))


def _tables(rows: Iterable[Scored], key: Callable[[Scored], Key]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Scored]] = {}
    for row in rows:
        groups.setdefault(str(key(row)), []).append(row)
    return {name: table(group) for name, group in groups.items()}


def table(rows: Sequence[Scored]) -> dict[str, Any]:
    """Of these rows: n, and by predictor then metric [value, low, high]; None: undefined.

    `against`: by baseline then metric the model minus it, on the rows where both answered, as [value, low, high,
    verdict]. `answered`: on how many rows. `ece_ceiling`: above it the model's `ece` is no chance.
    """
    if not rows:
        return {"n": 0, "key_results": 0, "achieved": 0, "predictors": {}}
    answered = {name: sum(row.said_by(name) is not None for row in rows) for name in predictors(rows)}
    found = _compared(rows, answered)
    probabilities = np.array([row.probability for row in rows])
    return {
        "n": len(rows),
        "key_results": len({row.key_result_id for row in rows}),
        "achieved": sum(row.achieved for row in rows),
        "ece_ceiling": number(chance(probabilities, [row.key_result_id for row in rows]).ceiling()),
        "answered": answered,
        "predictors": {name: {one: interval(said[one]) for one in NAMES} for name, (said, _) in found.items()},
        "against": {name: _against(rows, name, *found[name]) for name in found if name != MODEL},
    }


def predictors(rows: Sequence[Scored]) -> list[str]:
    """The model, then every baseline that said anything."""
    return [MODEL, *sorted({name for row in rows for name in row.baselines})]


def columns(rows: Sequence[Scored], predictor: str) -> tuple[list[Scored], Column]:
    """The rows where this predictor answered, and what it said."""
    answered = [(row, said) for row in rows if (said := row.said_by(predictor)) is not None]
    return [row for row, _ in answered], np.array([said for _, said in answered])


def _compared(rows: Sequence[Scored], answered: Mapping[str, int]) -> dict[str, tuple[Figures, Figures]]:
    """Of each predictor the figures, and the model's on the same rows and draws."""
    always = [name for name, count in answered.items() if count == len(rows)]
    groups = [always, *([MODEL, name] for name in answered if name not in always)]
    found: dict[str, tuple[Figures, Figures]] = {}
    for names in groups:
        of_group = _figures(rows, names)
        found |= {name: (of_group[name], of_group[MODEL]) for name in names if name not in found}
    return found


def _figures(rows: Sequence[Scored], names: Sequence[str]) -> dict[str, Figures]:
    """Of these predictors, on the rows where the last of them answered."""
    there, _ = columns(rows, names[-1])
    outcomes = np.array([row.achieved for row in there], dtype=np.float64)
    said = {name: columns(there, name)[1] for name in names}
    return figures(outcomes, said, [row.key_result_id for row in there])


def _against(rows: Sequence[Scored], name: str, baseline: Figures, model: Figures) -> dict[str, Any]:
    key_results = len({row.key_result_id for row in rows if row.said_by(name) is not None})
    differences = {one: interval(model[one] - baseline[one]) for one in NAMES}
    return {one: [*found, verdict(one, found, key_results)] for one, found in differences.items()}


def lead_times(rows: Sequence[Scored]) -> dict[str, Any]:
    """Of each predictor that always answered, how long before the due date it had flagged what was missed.

    Each flags as many predictions as were missed, those with the lowest probabilities, so that all are equally loud.
    """
    ordered = sorted(rows, key=lambda row: (row.key_result_id, row.day, row.elapsed))
    missed = [Said(row.key_result_id, row.day, row.due) for row in ordered if not row.achieved]
    rate = max(LEAST_RATE, len(missed) / max(1, len(rows)))
    found = {}
    for name in predictors(rows) if rows else ():
        there, said = columns(ordered, name)
        if len(there) == len(rows):
            flags = flagged(said, rate)
            of_missed = [flag for row, flag in zip(there, flags, strict=True) if not row.achieved]
            found[name] = lead_time(missed, of_missed, float(flags.mean()))
    return found


def headline(evaluated: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Predictor to metric to value, for an event; of those that answered every row, so that they can be compared."""
    overall = evaluated["all"]
    said = {
        predictor: {name: value[0] for name, value in measured.items() if value[0] is not None}
        for predictor, measured in overall["predictors"].items()
        if overall["answered"][predictor] == overall["n"]
    }
    for predictor, lead in evaluated["lead_time"].items():
        if lead["missed"]:
            said[predictor]["lead_time_days"] = lead["median_days"][0]
    return said
