"""The daily report of a model: its last seven days beside its best baseline, and its report of seven days ago."""

from collections.abc import Mapping
from typing import Any, Literal

from okr_trainer.domain.evaluation import MODEL

MEASURE = "log_loss"
"""It punishes false certainty; lower is better."""
WORSE_BY = 0.05
"""A week's labels are few: less is chance as likely as not."""
Verdict = Literal["ok", "unknown", "attention"]
Scores = Mapping[str, Mapping[str, float]]


def standing(n: int, scores: Scores, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Where the model stands in a week of `n` scored predictions; `before`: its standing in the report to compare with.

    >>> standing(0, {}, None)["verdict"]
    'unknown'
    """
    losses = {name: measured[MEASURE] for name, measured in scores.items() if MEASURE in measured}
    best = min((name for name in losses if name != MODEL), key=losses.__getitem__, default=None)
    loss, was = losses.get(MODEL), None if before is None else before.get(MEASURE)
    change = None if loss is None or was is None else round(loss - was, 5)
    stands = {
        "n": n,
        MEASURE: loss,
        "best_baseline": best,
        "its": losses.get(best) if best else None,
        "week_before": was,
        "change": change,
    }
    return {**stands, "verdict": _verdict(stands)}


def _verdict(stands: Mapping[str, Any]) -> Verdict:
    """Attention where a plain rule does better, or it did better itself a week ago."""
    loss = stands[MEASURE]
    if loss is None:
        return "unknown"
    behind = stands["its"] is not None and loss > stands["its"]
    worse = stands["change"] is not None and stands["change"] > WORSE_BY
    return "attention" if behind or worse else "ok"


def worst(verdicts: list[Verdict]) -> Verdict:
    """Of the whole report.

    >>> worst(["ok", "attention"]), worst(["unknown", "ok"]), worst(["unknown"])
    ('attention', 'ok', 'unknown')
    """
    return "attention" if "attention" in verdicts else "ok" if "ok" in verdicts else "unknown"
