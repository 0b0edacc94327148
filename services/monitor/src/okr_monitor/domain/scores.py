"""Measures of probabilities against what happened, in plain Python: the monitor does without numpy's 30 MB."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import log
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

CLIP = 1e-12
"""The log loss of a certain error is finite: the probability counts as this far from 0 and 1."""
HALF = 0.5


class Answer(NamedTuple):
    """A probability, and whether it came true."""

    probability: float
    achieved: bool


class Scores(BaseModel):
    """How a predictor did. `auc` is None where one of the two outcomes is absent, all are None where nothing is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    n: int
    achieved: int
    auc: float | None
    brier: float | None
    log_loss: float | None
    accuracy: float | None


def score(answers: Sequence[Answer]) -> Scores:
    """All measures at once.

    >>> score([Answer(0.9, True), Answer(0.2, False)]).auc
    1.0
    """
    return Scores(
        n=len(answers),
        achieved=sum(answer.achieved for answer in answers),
        auc=roc_auc(answers),
        brier=_mean((answer.probability - answer.achieved) ** 2 for answer in answers),
        log_loss=_mean(_surprise(answer) for answer in answers),
        accuracy=_mean((answer.probability > HALF) == answer.achieved for answer in answers),
    )


def roc_auc(answers: Sequence[Answer]) -> float | None:
    """The chance that an achieved one ranks above a missed one; ties count half.

    >>> roc_auc([Answer(0.5, True), Answer(0.5, False)])
    0.5
    """
    achieved = sum(answer.achieved for answer in answers)
    missed = len(answers) - achieved
    if not achieved or not missed:
        return None
    won = below = 0.0
    for _, tied in groupby(sorted(answers), key=lambda answer: answer.probability):
        outcomes = [answer.achieved for answer in tied]
        hits, misses = sum(outcomes), len(outcomes) - sum(outcomes)
        won += hits * (below + misses / 2)
        below += misses
    return won / (achieved * missed)


def _surprise(answer: Answer) -> float:
    said = answer.probability if answer.achieved else 1.0 - answer.probability
    return -log(min(max(said, CLIP), 1.0 - CLIP))


def _mean(losses: Iterable[float]) -> float | None:
    found = list(losses)
    return sum(found) / len(found) if found else None
