"""Measures of probabilities against outcomes, each with a weight per row.

Weights serve the bootstrap, how often a row was drawn, and whoever counts each key result once.
"""

from collections.abc import Callable

from okr_trainer.domain.numbers import Column
from okr_trainer.domain.ranking import Ties, in_order, pr_auc, recall_at, roc_auc, ties
from okr_trainer.domain.sums import Sums, calibration_error, losses, reliability, resolution, sums, uncertainty

RANKING: dict[str, Callable[[Ties], Column]] = {
    "auc": roc_auc,
    "pr_auc": pr_auc,
    "recall_at_10": lambda found: recall_at(found, 0.1),
    "recall_at_20": lambda found: recall_at(found, 0.2),
}
"""Of the order of the rows alone."""
METRICS: dict[str, Callable[[Sums], Column]] = {
    "brier": lambda found: found.squared / found.rows,
    "log_loss": lambda found: found.surprise / found.rows,
    "accuracy": lambda found: found.right / found.rows,
    "ece": calibration_error,
    "reliability": reliability,
    "resolution": resolution,
    "uncertainty": uncertainty,
}
"""Of the probabilities themselves. Log loss is in nats; accuracy is the share on the right side of one half."""
SMALLER_IS_BETTER = frozenset({"brier", "log_loss", "ece", "reliability"})
NAMES = (*RANKING, *METRICS)


class Answers:
    """Probabilities and outcomes, prepared once to be weighed many times."""

    def __init__(self, outcomes: Column, probabilities: Column) -> None:
        self._order = in_order(outcomes, probabilities)
        self._losses = losses(outcomes, probabilities)

    def measured(self, weights: Column) -> dict[str, Column]:
        """Every measure by name, each with a value per draw: `weights` has one row per draw. NaN: undefined."""
        order, added = ties(self._order, weights), sums(self._losses, weights)
        found = {name: measure(order) for name, measure in RANKING.items()}
        return found | {name: measure(added) for name, measure in METRICS.items()}
