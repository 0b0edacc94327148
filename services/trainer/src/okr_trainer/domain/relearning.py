"""A version that is taken up again learns what it missed: the outcomes known since, in the order they were heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from okr_trainer.domain.features import Features
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.rescoring import log_odds


@dataclass(frozen=True, slots=True)
class Missed:
    """A stored prediction and how it ended. `raw` None: another model made it."""

    prediction_id: UUID
    key_result_id: str
    achieved: bool
    x: Features
    raw: float | None


def learn_again(model: LearnedModel, rows: Sequence[Missed]) -> list[tuple[UUID, int]]:
    """Learns the rows, outcome after outcome; returns the number of each in the order of learning.

    Rows of the model's own training give, to the last bit, what the stream once made of them. Of a row that another
    model predicted, the calibrator is told what this model says of it just before it learns the outcome.
    """
    numbers = []
    for _, group in groupby(rows, key=lambda row: row.key_result_id):
        ended = list(group)
        raws = own_raws(model, [(row.x, row.raw) for row in ended])
        for row, raw in zip(ended, raws, strict=True):
            numbers.append((row.prediction_id, model.learn(row.x, raw, row.achieved, 1.0 / len(ended))))
    return numbers


def own_raws(model: LearnedModel, rows: Sequence[tuple[Features, float | None]]) -> list[float]:
    """The raw score that was stored with each row; where it is another model's, this one's."""
    foreign = iter(log_odds(model, [x for x, raw in rows if raw is None]))
    return [next(foreign) if raw is None else raw for _, raw in rows]
