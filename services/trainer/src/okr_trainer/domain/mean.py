"""The mean of several models, in log-odds."""

from collections.abc import Hashable, Sequence
from typing import Any

from river import base

from okr_trainer.domain.numbers import logit, sigmoid


class MeanOf(base.Classifier):
    """Each learns every row by itself."""

    def __init__(self, models: Sequence[Any]) -> None:
        self.models = models

    def learn_one(self, x: dict[Hashable, Any], y: bool | str | int, w: float = 1.0) -> None:  # noqa: FBT001
        """One row for all of them."""
        for model in self.models:
            model.learn_one(x, y, w=w)

    def predict_proba_one(self, x: dict[Hashable, Any], **_: Any) -> dict[bool | str | int, float]:  # noqa: ANN401
        """Of True and False."""
        odds = [logit(model.predict_proba_one(x).get(True, 0.5)) for model in self.models]
        chance = sigmoid(sum(odds) / len(odds))
        return {False: 1.0 - chance, True: chance}
