"""How live predictions did once their outcomes were known, beside the baselines that saw the same."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import sqrt
from statistics import fmean, stdev
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from okr_monitor.domain.scores import Answer, Scores, score
from okr_monitor.domain.verdict import Report, Verdict, worst

MODEL = "model"
ENOUGH = 30
"""Key results with an outcome, below which nothing is said about who is better."""
SURE = 2.0
"""Standard errors that make a difference more than chance."""
ELAPSED = {"up to 25 %": 0.25, "up to 50 %": 0.5, "up to 75 %": 0.75, "up to 90 %": 0.9, "the rest": float("inf")}
"""By how much of the period was over: late predictions are easy, and there are many of them."""


class Scored(NamedTuple):
    """A live prediction of a learned version, and how its key result ended."""

    model: str
    key_result_id: str
    elapsed: float
    probability: float
    baselines: Mapping[str, float]
    achieved: bool


class Comparison(BaseModel):
    """One model beside its baselines. `behind` names the baseline that is better by more than chance, if any is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: str
    key_results: int
    predictors: dict[str, Scores]
    by_elapsed: dict[str, dict[str, Scores]]
    behind: str | None
    verdict: Verdict


class ModelPerformance(Report):
    """`only_newest`: more predictions are scored than were read, and the oldest were left out."""

    models: list[Comparison]
    only_newest: bool = False


def assess(rows: Sequence[Scored], *, only_newest: bool = False) -> ModelPerformance:
    """Compares each model with its baselines."""
    ordered = sorted(rows, key=lambda row: row.model)
    models = [_compare(model, list(group)) for model, group in groupby(ordered, key=lambda row: row.model)]
    return ModelPerformance(verdict=worst(model.verdict for model in models), models=models, only_newest=only_newest)


def _compare(model: str, rows: Sequence[Scored]) -> Comparison:
    key_results = len({row.key_result_id for row in rows})
    behind = _behind(rows) if key_results >= ENOUGH else None
    enough = Verdict.ATTENTION if behind else Verdict.OK
    return Comparison(
        model=model,
        key_results=key_results,
        predictors=_predictors(rows),
        by_elapsed=_by_elapsed(rows),
        behind=behind,
        verdict=enough if key_results >= ENOUGH else Verdict.UNKNOWN,
    )


def _predictors(rows: Sequence[Scored]) -> dict[str, Scores]:
    """The model and every baseline; one that did not always answer is scored on the rows where it did."""
    names = sorted({name for row in rows for name in row.baselines})
    said = {MODEL: [Answer(row.probability, row.achieved) for row in rows]}
    for name in names:
        said[name] = [Answer(row.baselines[name], row.achieved) for row in rows if name in row.baselines]
    return {name: score(answers) for name, answers in said.items()}


def _by_elapsed(rows: Sequence[Scored]) -> dict[str, dict[str, Scores]]:
    groups: dict[str, list[Scored]] = {}
    for row in rows:
        name = next(name for name, limit in ELAPSED.items() if row.elapsed <= limit)
        groups.setdefault(name, []).append(row)
    return {name: _predictors(groups[name]) for name in ELAPSED if name in groups}


def _behind(rows: Sequence[Scored]) -> str | None:
    """The baseline that beats the model most clearly, on the rows where both answered."""
    names = sorted({name for row in rows for name in row.baselines})
    leads = {name: _lead([row for row in rows if name in row.baselines], name) for name in names}
    clear = {name: lead for name, lead in leads.items() if lead > SURE}
    return max(clear, key=lambda name: clear[name], default=None)


def _lead(rows: Sequence[Scored], baseline: str) -> float:
    """By how many standard errors its squared error is smaller than the model's.

    The rows of a key result share its outcome, so each key result counts as one observation.
    """
    by_key_result: dict[str, list[float]] = {}
    for row in rows:
        gain = (row.probability - row.achieved) ** 2 - (row.baselines[baseline] - row.achieved) ** 2
        by_key_result.setdefault(row.key_result_id, []).append(gain)
    gains = [fmean(each) for each in by_key_result.values()]
    if len(gains) < ENOUGH:
        return 0.0
    error = stdev(gains) / sqrt(len(gains))
    return fmean(gains) / error if error > 0 else 0.0
