"""Measures of several predictors on the same predictions, each with its interval and how the first one compares."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from okr_trainer.domain.bootstrap import Figures, figures, interval, verdict
from okr_trainer.domain.numbers import Column
from okr_trainer.domain.reliability import chance

MEASURES = ("auc", "auc_by_project", "log_loss", "brier", "ece")
MARKS = {"better": "+", "worse": "-", "cannot tell": " "}


class Said(NamedTuple):
    """What a predictor said of each row: probabilities, and what it ranks by, also between 0 and 1."""

    probability: Column
    rank: Column


class Rows(NamedTuple):
    """What they are about. `projects`: the first part of each key."""

    outcomes: Column
    key_results: Sequence[str]
    projects: Column


def compared(rows: Rows, said: Mapping[str, Said]) -> dict[str, dict[str, Any]]:
    """By predictor then measure [value, low, high, verdict]: of the first one against this one, on the same draws.

    `ceiling`: the 95th percentile of the calibration error of a perfectly calibrated forecaster who says the same;
    of rows drawn one by one, and of whole key results.
    """
    found = _figures(rows, said)
    model = next(iter(found.values()))
    count = len(set(rows.key_results))
    return {
        name: {
            "n": len(rows.outcomes),
            **{one: [*interval(of[one]), _verdict(one, model[one] - of[one], count)] for one in MEASURES},
            "ceiling": [_ceiling(said[name], range(len(rows.outcomes))), _ceiling(said[name], rows.key_results)],
        }
        for name, of in found.items()
    }


def _verdict(measure: str, difference: Column, key_results: int) -> str:
    return verdict(measure, interval(difference), key_results) if np.any(difference != 0.0) else "cannot tell"


def _ceiling(said: Said, clusters: Sequence[Any]) -> float:
    return round(chance(said.probability, clusters).ceiling(), 5)


def _figures(rows: Rows, said: Mapping[str, Said]) -> dict[str, Figures]:
    probabilities = figures(rows.outcomes, {name: one.probability for name, one in said.items()}, rows.key_results)
    ranks = {name: one.rank for name, one in said.items()}
    ranked, each = figures(rows.outcomes, ranks, rows.key_results), _by_project(rows, ranks)
    return {name: probabilities[name] | {"auc": ranked[name]["auc"], "auc_by_project": each[name]} for name in said}


def _by_project(rows: Rows, ranks: Mapping[str, Column]) -> dict[str, Column]:
    """The mean of the projects' AUC; the draws are within each project. One where all ended alike has none."""
    found: dict[str, list[Column]] = {name: [] for name in ranks}
    for project in np.unique(rows.projects):
        here = rows.projects == project
        outcomes, names = (
            rows.outcomes[here],
            [one for one, inside in zip(rows.key_results, here, strict=True) if inside],
        )
        if 0.0 < outcomes.mean() < 1.0:
            of = figures(outcomes, {name: rank[here] for name, rank in ranks.items()}, names)
            for name, measured in of.items():
                found[name].append(measured["auc"])
    return {name: np.nanmean(columns, axis=0) for name, columns in found.items()}


def line(name: str, measured: Mapping[str, Any]) -> str:
    """A predictor's figures, as the table of docs/models.md has them; behind each how the first one stands to it.

    >>> figures = {"auc": [0.8, 0.75, 0.85, "better"], "ece": [0.1, 0.09, 0.12, "better"], "ceiling": [0.02, 0.03]}
    >>> line("pace rule", figures)
    'pace rule | .800 (.750-.850)+ | .100 (.090-.120)+ [.020, .030]'
    """
    cells = [f"{_short(value)} ({_short(low)}-{_short(high)}){MARKS[mark].strip()}"
             for one in MEASURES if one in measured for value, low, high, mark in [measured[one]]]  # fmt: skip
    return " | ".join([name, *cells]) + f" [{', '.join(_short(one) for one in measured['ceiling'])}]"


def cell(measured: Mapping[str, Any]) -> str:
    """The same in short, as the table of pipelines has it: AUC, log loss, calibration error.

    >>> cell({one: [0.8, 0.75, 0.85, "better"] for one in MEASURES})
    '.800+, .800+, .800+'
    """
    return ", ".join(_short(measured[one][0]) + MARKS[measured[one][3]].strip() for one in ("auc", "log_loss", "ece"))


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}".removeprefix("0")
