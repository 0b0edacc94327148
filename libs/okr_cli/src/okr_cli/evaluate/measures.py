"""What the measures and the predictors are called, and what an evaluation says in plain sentences."""

from collections.abc import Iterator, Mapping
from typing import Any

MODEL = "model"
PREDICTORS = {
    MODEL: "model",
    "class_prior": "class prior",
    "linear_pace": "pace rule",
    "meets_now": "meets now",
    "owner_confidence": "owner",
}
"""In the order in which they are shown."""
MEASURES = {
    "auc": "AUC",
    "pr_auc": "PR-AUC of the missed",
    "log_loss": "log loss",
    "brier": "Brier score",
    "reliability": "  reliability",
    "resolution": "  resolution",
    "uncertainty": "  uncertainty",
    "ece": "calibration error (ECE)",
    "recall_at_10": "recall at 10 % alerts",
    "recall_at_20": "recall at 20 % alerts",
    "accuracy": "accuracy",
}
DECISIVE = ("log_loss", "brier", "auc")
"""By these it is told where a rule does better."""
MARKS = {"better": "+", "worse": "-", "cannot tell": " "}
LEGEND = (
    "behind a rule's figure: + the model is better, - the rule is, beyond chance (95 %, the same key results drawn "
    "for both); nothing: it cannot be told"
)
Table = Mapping[str, Any]


def predictors(table: Table) -> list[str]:
    """Those that said anything here, as they are shown."""
    return [name for name in PREDICTORS if name in table["predictors"]]


def groups(said: Mapping[str, Any]) -> Iterator[tuple[str, Table]]:
    """All, then each source where there are several, then each part of the period."""
    yield "all", said["all"]
    if len(said["by_source"]) > 1:
        yield from said["by_source"].items()
    yield from said["by_elapsed"].items()


def mark(table: Table, predictor: str, measure: str) -> str:
    """What stands behind a rule's figure."""
    return "" if predictor == MODEL else MARKS[table["against"][predictor][measure][3]]


def verdicts(said: Mapping[str, Any]) -> list[str]:
    """Where a rule does better beyond chance, and whether the probabilities are worth what they say.

    >>> figures = {"auc": [0.8, 0.7, 0.9], "ece": [0.02, 0.01, 0.03]}
    >>> against = {"meets_now": {name: [0.1, 0.05, 0.2, "better"] for name in ("auc", "log_loss", "brier")}}
    >>> table = {"n": 9, "ece_ceiling": 0.04, "predictors": {"model": figures}, "against": against}
    >>> for one in verdicts({"all": table, "by_source": {}, "by_elapsed": {}}): print(one)
    No rule is better than the model beyond chance, by log loss, Brier score or AUC, in any group.
    calibration: the error of 0.020 is within what chance does to a perfect forecaster (0.040)
    """
    behind = [sentence for name, table in groups(said) for sentence in _behind(name, table)]
    none = "No rule is better than the model beyond chance, by log loss, Brier score or AUC, in any group."
    return [*(behind or [none]), _calibrated(said["all"])]


def _behind(group: str, table: Table) -> Iterator[str]:
    for name, against in table["against"].items():
        worse = [MEASURES[one] for one in DECISIVE if against[one][3] == "worse"]
        if worse:
            yield f"{group}: {PREDICTORS.get(name, name)} is better than the model by {', '.join(worse)}"


def _calibrated(table: Table) -> str:
    error, ceiling = table["predictors"][MODEL]["ece"][0], table["ece_ceiling"]
    stands = "within" if error <= ceiling else "more than"
    return f"calibration: the error of {error:.3f} is {stands} what chance does to a perfect forecaster ({ceiling:.3f})"
