"""How the predictions of each month did once the year had ended, beside simple rules that saw the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from okr_cli.demo.metrics import Comparison, Figure, Quality, Scored, compare

MODEL = "model"
RULES = ("meets_now", "linear_pace", "class_prior")
"""Beside the model always; the first is the one to beat on this file."""
NAMES = (MODEL, *RULES)


@dataclass(frozen=True, slots=True)
class Predicted:
    """A prediction and how its key result ended."""

    month: int
    key_result: str
    achieved: bool
    probability: float
    baselines: Mapping[str, float]

    @property
    def cluster(self) -> str:
        """The indicator: its years share a fate."""
        return self.key_result.split("/", maxsplit=1)[0]


def by_month(predicted: Iterable[Predicted]) -> dict[int, Comparison]:
    """The comparison of each month of the year."""
    months: dict[int, list[Scored]] = {}
    for one in predicted:
        scores = {MODEL: one.probability, **{name: one.baselines[name] for name in RULES}}
        months.setdefault(one.month, []).append(Scored(one.cluster, one.achieved, scores))
    return {month: compare(rows, NAMES) for month, rows in sorted(months.items())}


def better(difference: Figure, *, smaller_is_better: bool = False) -> int:
    """1 where the model is better than chance alone would make it, -1 where the rule is, 0 where nobody can tell.

    >>> better(Figure(0.1, 0.05, 0.2)), better(Figure(0.1, -0.1, 0.2))
    (1, 0)
    >>> better(Figure(0.1, 0.05, 0.2), smaller_is_better=True)
    -1
    """
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return 0
    return 1 if (difference.low > 0) != smaller_is_better else -1


def months_where(months: Mapping[int, Comparison], rule: str, metric: str, winner: int) -> list[int]:
    """The months in which model (1) or rule (-1) is better by this metric, beyond chance."""
    return [
        month
        for month, comparison in months.items()
        if better(getattr(comparison.against[rule], metric), smaller_is_better=metric == "brier") == winner
    ]


def ahead(months: Mapping[int, Comparison], rule: str, metric: str) -> list[int]:
    """The months in which the rule's value is the better one, by chance or not."""
    return [month for month, one in months.items() if _rule_leads(one, rule, metric)]


def _rule_leads(one: Comparison, rule: str, metric: str) -> bool:
    figure: Figure = getattr(one.against[rule], metric)
    if figure.value is None:
        return False
    return figure.value > 0 if metric == "brier" else figure.value < 0


def verdicts(months: Mapping[int, Comparison], rule: str = RULES[0]) -> list[str]:
    """Plain sentences: where the rule is better, where the model is, where the rows are too few to tell."""
    said = []
    for metric, name in (("auc", "AUC"), ("brier", "Brier score"), ("accuracy", "accuracy")):
        rule_better = months_where(months, rule, metric, -1)
        model_better = months_where(months, rule, metric, 1)
        leads = [month for month in ahead(months, rule, metric) if month not in rule_better]
        parts = [
            f"the rule is better {_in(rule_better)}" if rule_better else "",
            f"the model is better {_in(model_better)}" if model_better else "",
            f"the rule is ahead, but not beyond chance, {_in(leads)}" if leads else "",
        ]
        said.append(
            f"By {name} " + ("; ".join(filter(None, parts)) or "the model is ahead or level, not beyond chance") + "."
        )
    return said


def plainly(months: Mapping[int, Comparison], first: int, rule: str = RULES[0]) -> str:
    """How often rule and model alone are right from this month on."""
    later = [one for month, one in months.items() if month >= first]
    n = sum(one.n for one in later)
    rule_right, model_right = (_right(later, who) / n for who in (rule, MODEL))
    return (
        f"From {NAMES_OF_MONTHS[first - 1]} on the rule alone is right in {rule_right:.1%} of {n} cases, "
        f"the model in {model_right:.1%}."
    )


def _right(months: Sequence[Comparison], who: str) -> float:
    return sum((one.quality[who].accuracy.value or 0.0) * one.n for one in months)


NAMES_OF_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _in(months: Sequence[int]) -> str:
    """A run of months in words.

    >>> _in([6]), _in([1, 2, 3, 6])
    ('in Jun', 'in Jan-Mar, Jun')
    """
    runs: list[list[int]] = []
    for month in months:
        if runs and month == runs[-1][-1] + 1:
            runs[-1].append(month)
        else:
            runs.append([month])
    return "in " + ", ".join(_run(run) for run in runs)


def _run(run: Sequence[int]) -> str:
    first, last = NAMES_OF_MONTHS[run[0] - 1], NAMES_OF_MONTHS[run[-1] - 1]
    return first if first == last else f"{first}-{last}"


def as_data(months: Mapping[int, Comparison]) -> list[dict[str, Any]]:
    """The comparison as JSON has it."""
    return [
        {
            "month": month,
            "n": one.n,
            "achieved": one.achieved,
            "predictors": {name: _quality(quality) for name, quality in one.quality.items()},
            "model_minus": {name: _quality(quality) for name, quality in one.against.items()},
        }
        for month, one in months.items()
    ]


def _quality(quality: Quality) -> dict[str, dict[str, float | None]]:
    return {
        name: {"value": figure.value, "low": figure.low, "high": figure.high}
        for name, figure in (("auc", quality.auc), ("brier", quality.brier), ("accuracy", quality.accuracy))
    }
