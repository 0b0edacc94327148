"""The mean of several models, in log-odds."""

from collections.abc import Hashable, Sequence
from typing import Any

from river import base

from okr_trainer.domain.numbers import logit, sigmoid


class MeanOf(base.Classifier):
    """Each learns every row by itself. `parts`: how much each one's answer counts; alike where nothing is said."""

    def __init__(self, models: Sequence[Any], parts: Sequence[int] = ()) -> None:
        self.models = models
        self.parts = parts
        if not all(part > 0 for part in parts) or len(self.shares) != len(models):
            raise ValueError(f"each of {len(models)} models has one part above 0, these are {list(parts)}")

    @property
    def shares(self) -> list[float]:
        """Of each model, what its answer counts of all."""
        parts = self.parts or [1] * len(self.models)
        return [part / sum(parts) for part in parts]

    def learn_one(self, x: dict[Hashable, Any], y: bool | str | int, w: float = 1.0) -> None:  # noqa: FBT001
        """One row for all of them."""
        for model in self.models:
            model.learn_one(x, y, w=w)

    def predict_proba_one(self, x: dict[Hashable, Any], **_: Any) -> dict[bool | str | int, float]:  # noqa: ANN401
        """Of True and False."""
        odds = (logit(model.predict_proba_one(x).get(True, 0.5)) for model in self.models)
        chance = sigmoid(sum(share * one for share, one in zip(self.shares, odds, strict=True)))
        return {False: 1.0 - chance, True: chance}
