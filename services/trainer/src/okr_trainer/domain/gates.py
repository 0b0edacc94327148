"""The gates: whether a version may take the place of the one that serves, and if not, why not.

Both are judged by what they said of the same check-ins before the outcome was known, and so is version 0, the pace
rule. Each label, a key result whose outcome is known, counts once, however many check-ins it has.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from okr_trainer.domain.metrics import Answers
from okr_trainer.domain.numbers import Column

CANDIDATE, REPLACED, PACE = "candidate", "replaced", "pace"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a version must keep to; log losses in nats. docs/settings.md gives the reason of each."""

    last_labels: int = 500
    least_labels: int = 20
    margin: float = 0.002
    calibration_margin: float = 0.05
    source_margin: float = 0.05


@dataclass(frozen=True, slots=True)
class Judged:
    """A check-in, how it ended, and what was said of it. `replaced` None: the one that serves said nothing of it."""

    key_result_id: str
    source: str
    achieved: bool
    candidate: float
    replaced: float | None
    pace: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons`: a sentence for each rule that was not kept. `figures`: what was compared, for people to read."""

    passed: bool
    reasons: list[str] = field(default_factory=list)
    figures: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As the registry keeps it."""
        return {"passed": self.passed, "reasons": self.reasons, **self.figures}


def judge(rows: Sequence[Judged], rules: Rules, *, same_kind: bool) -> Verdict:
    """Judges by the last labels of `rows`, which stand in the order in which their outcomes became known.

    `same_kind`: it was made as the one it replaces was, and has only learned more, or anew. Then it must not be worse
    by more than the margin. Another kind of model, or the first, must be better by it, because a switch has its price.
    """
    last = _last(rows, rules.last_labels)
    labels = _labels(last)
    if labels < rules.least_labels:
        few = f"{labels} outcomes of what it predicted are known so far, and it takes {rules.least_labels} to judge it"
        return Verdict(passed=False, reasons=[few], figures={"labels": labels})
    against_pace = _compared([(row, row.pace) for row in last], PACE)
    pairs = [(row, row.replaced) for row in last if row.replaced is not None]
    judged = pairs if _labels([row for row, _ in pairs]) >= rules.least_labels else []
    against = _compared(judged, REPLACED) if judged else None
    reasons = _behind_pace(against_pace)
    first = all(probability == row.pace for row, probability in judged)
    if against and not (reasons and first):  # else it would be said twice
        reasons += _behind(judged, against, rules, same_kind=same_kind)
    figures = {"labels": labels, "rows": len(last), "version_0": against_pace, REPLACED: against}
    return Verdict(passed=not reasons, reasons=reasons, figures=figures)


def _last(rows: Sequence[Judged], count: int) -> list[Judged]:
    newest = dict.fromkeys(row.key_result_id for row in reversed(rows))
    kept = set(list(newest)[:count])
    return [row for row in rows if row.key_result_id in kept]


def _labels(rows: Sequence[Judged]) -> int:
    return len({row.key_result_id for row in rows})


def _compared(pairs: Sequence[tuple[Judged, float]], other: str) -> dict[str, Any]:
    """Log loss and calibration error of both."""
    outcomes = np.array([row.achieved for row, _ in pairs], dtype=np.float64)
    said = {CANDIDATE: [row.candidate for row, _ in pairs], other: [probability for _, probability in pairs]}
    weights = _weights([row for row, _ in pairs])
    found = {name: Answers(outcomes, np.array(column)).measured(weights) for name, column in said.items()}
    return {
        "labels": _labels([row for row, _ in pairs]),
        "log_loss": {name: _rounded(one["log_loss"]) for name, one in found.items()},
        "ece": {name: _rounded(one["ece"]) for name, one in found.items()},
    }


def _weights(rows: Sequence[Judged]) -> Column:
    counts = Counter(row.key_result_id for row in rows)
    return np.array([[1.0 / counts[row.key_result_id] for row in rows]])


def _rounded(measured: Column) -> float:
    return round(float(measured[0]), 5)


def _behind_pace(compared: Mapping[str, Any]) -> list[str]:
    ours, theirs = compared["log_loss"][CANDIDATE], compared["log_loss"][PACE]
    if ours <= theirs:
        return []
    return [f"its log loss is {ours:.4f}, and version 0, the pace rule, has {theirs:.4f} on the same check-ins"]


def _behind(
    pairs: Sequence[tuple[Judged, float]], compared: Mapping[str, Any], rules: Rules, *, same_kind: bool
) -> list[str]:
    """Where it is behind the one it replaces."""
    ours, theirs = (compared["log_loss"][name] for name in (CANDIDATE, REPLACED))
    said = []
    if same_kind and ours > theirs + rules.margin:
        said.append(f"its log loss is {ours:.4f}, worse than {theirs:.4f} by more than {rules.margin:g}")
    if not same_kind and ours > theirs - rules.margin:
        said.append(f"its log loss is {ours:.4f}, not better than {theirs:.4f} by {rules.margin:g}")
    ours, theirs = (compared["ece"][name] for name in (CANDIDATE, REPLACED))
    if ours > theirs + rules.calibration_margin:
        said.append(
            f"its calibration error is {ours:.3f}, worse than {theirs:.3f} by more than {rules.calibration_margin:g}"
        )
    return [*said, *_sources_behind(pairs, rules)]


def _sources_behind(pairs: Sequence[tuple[Judged, float]], rules: Rules) -> list[str]:
    sources = sorted({row.source for row, _ in pairs})
    said = []
    for source in sources if len(sources) > 1 else ():
        of_source = [(row, probability) for row, probability in pairs if row.source == source]
        compared = _compared(of_source, REPLACED)
        ours, theirs = (compared["log_loss"][name] for name in (CANDIDATE, REPLACED))
        if compared["labels"] >= rules.least_labels and ours > theirs + rules.source_margin:
            said.append(
                f"for source {source} its log loss is {ours:.4f}, worse than {theirs:.4f} by more than "
                f"{rules.source_margin:g}"
            )
    return said
