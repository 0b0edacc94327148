"""Measures of probabilities against what happened, in plain Python: the monitor does without numpy's 30 MB."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import log
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

CLIP = 1e-12
"""The log loss of a certain error is finite: the probability counts as this far from 0 and 1."""
HALF = 0.5
BINS = 10


class Answer(NamedTuple):
    """A probability, and whether it came true."""

    probability: float
    achieved: bool


class Scores(BaseModel):
    """How a predictor did. Measures of order are None where one of the two outcomes is absent; all where nothing is.

    They are the trainer's, which docs/evaluation.md explains.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    n: int
    achieved: int
    auc: float | None
    pr_auc: float | None = None
    recall_at_10: float | None = None
    recall_at_20: float | None = None
    brier: float | None
    log_loss: float | None
    accuracy: float | None
    ece: float | None = None
    reliability: float | None = None
    resolution: float | None = None
    uncertainty: float | None = None


def score(answers: Sequence[Answer]) -> Scores:
    """All measures at once.

    >>> score([Answer(0.9, True), Answer(0.2, False)]).auc
    1.0
    """
    return Scores(
        n=len(answers),
        achieved=sum(answer.achieved for answer in answers),
        auc=roc_auc(answers),
        pr_auc=pr_auc(answers),
        recall_at_10=recall_at(answers, 0.1),
        recall_at_20=recall_at(answers, 0.2),
        brier=_mean((answer.probability - answer.achieved) ** 2 for answer in answers),
        log_loss=_mean(_surprise(answer) for answer in answers),
        accuracy=_mean((answer.probability > HALF) == answer.achieved for answer in answers),
        **_of_bins(answers),
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
    for hits, misses in _ties(answers):
        won += hits * (below + misses / 2)
        below += misses
    return won / (achieved * missed)


def pr_auc(answers: Sequence[Answer]) -> float | None:
    """Average precision of finding the missed ones from the lowest probability up.

    >>> pr_auc([Answer(0.1, False), Answer(0.5, True), Answer(0.9, False)])
    0.8333333333333333
    """
    missed = sum(not answer.achieved for answer in answers)
    flagged = caught = area = 0.0
    for hits, misses in _ties(answers):
        caught += misses
        flagged += hits + misses
        area += misses * caught / flagged
    return area / missed if missed else None


def recall_at(answers: Sequence[Answer], rate: float) -> float | None:
    """The share of missed ones among this share of all, the lowest; of equal ones as many as there is room for.

    >>> recall_at([Answer(0.1, False), Answer(0.5, True), Answer(0.9, False)], 1 / 3)
    0.5
    """
    missed = sum(not answer.achieved for answer in answers)
    room, caught = rate * len(answers), 0.0
    for hits, misses in _ties(answers):
        part = min(1.0, room / (hits + misses))
        caught += part * misses
        room -= part * (hits + misses)
    return caught / missed if missed else None


def _ties(answers: Sequence[Answer]) -> Iterator[tuple[int, int]]:
    """How many were achieved and missed of each probability, the lowest first."""
    for _, tied in groupby(sorted(answers), key=lambda answer: answer.probability):
        outcomes = [answer.achieved for answer in tied]
        yield sum(outcomes), len(outcomes) - sum(outcomes)


def _of_bins(answers: Sequence[Answer]) -> dict[str, float | None]:
    """Calibration error, and the parts of the Brier score, over ten bins of probabilities."""
    if not answers:
        return {}
    bins: dict[int, list[Answer]] = {}
    for answer in answers:
        bins.setdefault(min(int(answer.probability * BINS), BINS - 1), []).append(answer)
    gaps = [(len(found), sum(one.probability - one.achieved for one in found)) for found in bins.values()]
    count, share = len(answers), sum(answer.achieved for answer in answers) / len(answers)
    reliability, uncertainty = sum(gap**2 / size for size, gap in gaps) / count, share * (1.0 - share)
    brier = sum((answer.probability - answer.achieved) ** 2 for answer in answers) / count
    return {
        "ece": sum(abs(gap) for _, gap in gaps) / count,
        "reliability": reliability,
        "resolution": reliability + uncertainty - brier,
        "uncertainty": uncertainty,
    }


def _surprise(answer: Answer) -> float:
    said = answer.probability if answer.achieved else 1.0 - answer.probability
    return -log(min(max(said, CLIP), 1.0 - CLIP))


def _mean(losses: Iterable[float]) -> float | None:
    found = list(losses)
    return sum(found) / len(found) if found else None
