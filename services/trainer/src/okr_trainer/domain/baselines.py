"""What a model must beat: simple rules, each a probability from the same features.

The linear-pace rule is also version 0: it needs no label, so it answers until there is a model.
"""

from collections.abc import Mapping

from okr_trainer.domain.features import Features
from okr_trainer.domain.numbers import sigmoid

LINEAR_PACE = "linear_pace"
MEETS, MISSES = 0.9, 0.1
"""What "meets its target now" says: sure, but not so sure that one error costs everything."""


def linear_pace(x: Features) -> float:
    """On pace or ahead is likely, behind is not; the later in the period, the surer.

    For a level to be kept, pace means its distance to the target.

    >>> x = {"elapsed": 0.5, "no_value": 0.0, "direction": "increase", "pace": 0.0, "margin_near": 0, "margin_far": 0}
    >>> linear_pace(x)
    0.5
    >>> linear_pace(x | {"pace": -0.3}) < 0.1
    True
    """
    if x["no_value"]:
        return 0.5
    elapsed = _number(x, "elapsed")
    if x["direction"] in {"increase", "decrease"}:
        return sigmoid(8.0 * _number(x, "pace") * (0.5 + elapsed))
    return sigmoid((2.0 * _number(x, "margin_near") + _number(x, "margin_far")) * (0.5 + elapsed))


def meets_now(x: Features) -> float:
    """The newest value meets the target, or it does not.

    >>> meets_now({"no_value": 0.0, "meets_now": 1.0}), meets_now({"no_value": 1.0, "meets_now": 0.0})
    (0.9, 0.5)
    """
    if x["no_value"]:
        return 0.5
    return MEETS if x["meets_now"] else MISSES


def baselines(x: Features, confidence: float | None) -> dict[str, float]:
    """All of them by name; `owner_confidence` only where the owner said one."""
    said: dict[str, float] = {
        "class_prior": _number(x, "base_rate"),
        LINEAR_PACE: linear_pace(x),
        "meets_now": meets_now(x),
    }
    if confidence is not None and 0.0 <= confidence <= 1.0:
        said["owner_confidence"] = confidence
    return said


def _number(x: Mapping[str, float | str], name: str) -> float:
    return float(x[name])
