"""A training replay: history in knowledge-time order, each label used only after it was known."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.evaluation import Scored
from okr_trainer.domain.inputs import CheckIn, Input, Outcome
from okr_trainer.domain.learner import Learner, Step
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.reference import Reference
from okr_trainer.domain.risk import CutPoints


@dataclass(slots=True)
class Replay:
    """Makes one version. Feed it inputs in `knowledge_order`, newest outcome revisions only; then finish it."""

    learner: Learner
    check_ins: int = 0
    outcomes: int = 0
    scored: list[Scored] = field(default_factory=list)
    reference: Reference = field(default_factory=Reference)
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def begin(cls, model: str, version: int, training: int, builder: str, cut_points: CutPoints | None) -> "Replay":
        """A replay that has heard nothing."""
        predictor = LearnedModel.new(version, training, builder)
        return cls(Learner(model, predictor, cut_points, replaying=True))

    @property
    def model(self) -> LearnedModel:
        """What it has learned so far."""
        assert isinstance(self.learner.predictor, LearnedModel)  # noqa: S101 - begun with one
        return self.learner.predictor

    def take(self, inputs: Iterable[Input]) -> list[Draft]:
        """Goes on; returns the predictions that are done, the others wait for their outcome."""
        heard = list(inputs)
        step = self.learner.take(heard, {})
        self._count(heard)
        self._score(step)
        self._refer(step.drafts)
        return step.drafts

    def finish(self) -> list[Draft]:
        """The predictions whose outcome is not known at the cut."""
        rows = self.learner.release()
        self._refer(rows)
        return rows

    def _refer(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            if draft.x is not None and draft.check_in_id is not None:
                self.reference.add(draft.x)

    def _count(self, heard: list[Input]) -> None:
        self.check_ins += sum(isinstance(one, CheckIn) for one in heard)
        if heard:
            self.since = self.since or heard[0].version.knowledge_time
            self.until = heard[-1].version.knowledge_time

    def _score(self, step: Step) -> None:
        ended = {one.outcome.key_result_id: one.outcome for one in step.closed if one.learned}
        self.outcomes += sum(one.outcome.achieved is not None and not one.superseding for one in step.closed)
        for draft in step.drafts:
            outcome = ended.get(draft.key_result_id)
            if draft.learned_seq is not None and draft.check_in_id is not None and outcome is not None:
                self.scored.append(_scored(draft, outcome))


def _scored(draft: Draft, outcome: Outcome) -> Scored:
    assert draft.probability is not None and outcome.achieved is not None  # noqa: S101, PT018 - what was learned was
    return Scored(
        draft.key_result_id,
        draft.source,
        draft.elapsed,
        draft.knowledge_time.date(),
        date.fromordinal(draft.due),
        outcome.version.knowledge_time,
        outcome.achieved,
        draft.probability,
        draft.baselines,
    )
