"""What a model says now of features that were stored with a prediction, whoever made that."""

from collections.abc import Sequence

from okr_trainer.domain.features import Features
from okr_trainer.domain.pipeline import view_of
from okr_trainer.domain.predictors import LearnedModel


def log_odds(model: LearnedModel, xs: Sequence[Features]) -> list[float]:
    """Before calibration, of each row."""
    raws: list[float] = view_of(model.pipeline, model.words).score(xs).raw.tolist() if xs else []
    return raws


def probabilities(model: LearnedModel, xs: Sequence[Features]) -> list[float]:
    """Calibrated, of each row."""
    return [model.calibration.probability(raw) for raw in log_odds(model, xs)]
