"""A challenger in the shadow: it follows, row by row, the order in which the model that serves learned.

Each prediction says how many rows the model had learned when it made it. At the same point of that order the challenger
says what it would have said, of the same features; when the row is learned, it learns it, too, from its own score. So
it knows at each prediction what the one that serves knew, no more and no less, and comes out, to the last bit, as it
would have had it served: however late it is, and wherever it was interrupted.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from okr_trainer.domain.features import Features
from okr_trainer.domain.predictors import LearnedModel


class Asked(NamedTuple):
    """A stored prediction that a challenger answers, too, once it has learned `learned_before` rows."""

    prediction_id: str
    x: Features
    learned_before: int


class Lesson(NamedTuple):
    """A row that was learned as number `seq`. `raw`: the challenger's own score of then; None: it was not asked.

    `achieved` None: its outcome is not known any more.
    """

    seq: int
    prediction_id: str
    achieved: bool | None
    x: Features
    raw: float | None


class Said(NamedTuple):
    """What the challenger would have said. `probability` None: when it said it, others had learned the outcome."""

    prediction_id: str
    raw: float
    probability: float | None


@dataclass(slots=True)
class Follower:
    """`asked`: what it is to answer still, in the order of learning; `said`: what it has answered since `take_said`."""

    model: LearnedModel
    asked: deque[Asked] = field(default_factory=deque)
    said: list[Said] = field(default_factory=list)
    _raws: dict[str, float] = field(default_factory=dict)

    def follow(self, lessons: Iterable[Sequence[Lesson]]) -> None:
        """Learns these, one outcome after another; whatever was asked before an outcome is answered before it."""
        for lesson in lessons:
            self.answer()
            self._learn(lesson)
        self.answer()

    def answer(self) -> None:
        """What was asked at this point of the order, or before it."""
        now = []
        while self.asked and self.asked[0].learned_before <= self.model.learned:
            now.append(self.asked.popleft())
        if now:
            raws: list[float] = self.model.score([one.x for one in now]).raw.tolist()
            probability = self.model.calibration.probability
            self._raws.update((one.prediction_id, raw) for one, raw in zip(now, raws, strict=True))
            self.said += [Said(one.prediction_id, raw, probability(raw)) for one, raw in zip(now, raws, strict=True)]

    def take_said(self) -> list[Said]:
        """What it has answered since the last call, to be written."""
        said, self.said = self.said, []
        return said

    def rest(self) -> None:
        """All that was said is written: what a row was told is read with the row when its outcome comes."""
        self._raws.clear()

    def _learn(self, lesson: Sequence[Lesson]) -> None:
        """The rows of one outcome, which weigh as much as one together."""
        raws = self._own(lesson)
        for row, raw in zip(lesson, raws, strict=True):
            self.model.learn(row.x, raw, bool(row.achieved), 1.0 / len(lesson))

    def _own(self, lesson: Sequence[Lesson]) -> list[float]:
        """Its own scores; of a row that a model of another training made, that of just before the outcome."""
        known = [self._raws.pop(row.prediction_id, row.raw) for row in lesson]
        foreign = [row for row, raw in zip(lesson, known, strict=True) if raw is None]
        found = dict(zip([row.prediction_id for row in foreign], self._scored(foreign), strict=True))
        self.said += [Said(name, raw, None) for name, raw in found.items()]
        return [found[row.prediction_id] if raw is None else raw for row, raw in zip(lesson, known, strict=True)]

    def _scored(self, rows: Sequence[Lesson]) -> list[float]:
        raws: list[float] = self.model.score([row.x for row in rows]).raw.tolist() if rows else []
        return raws


def broken(learned: int, lessons: Iterable[Sequence[Lesson]]) -> str | None:
    """Why these rows cannot be learned after so many; None: they can."""
    for lesson in lessons:
        for row in lesson:
            learned += 1
            if row.seq != learned:
                return f"row {learned} of the order of learning is not there: another training has learned it"
            if row.achieved is None:
                return f"how the key result of row {learned} of the order of learning ended is not known any more"
    return None
