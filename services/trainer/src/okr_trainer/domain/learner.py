"""The model at work: it hears definitions, check-ins and outcomes in order, predicts at each, learns from each outcome.

One learner serves a model's stream, another makes a training replay; both follow the same rules:

- A prediction is made of what was known then, and stores its features; the outcome, weeks later, is learned on those.
- All rows of a key result together weigh as much as one, so many check-ins do not count more.
- A key result nobody can judge (no definition, direction or target) still gets its row, without a probability:
  it is not published and not learned.
- A row is `late` when it comes, in the order of knowledge, before an outcome that was applied already: it is shown
  where it is its key result's newest, never scored or learned. Of a key result that has ended nothing new is shown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from okr_trainer.domain import drafting
from okr_trainer.domain.drafting import Begun, Cause
from okr_trainer.domain.drafts import Draft, Kind, Stored, prediction_id
from okr_trainer.domain.drift import Kind as DriftKind
from okr_trainer.domain.facts import relative_margin
from okr_trainer.domain.forecast import Errors
from okr_trainer.domain.inputs import CheckIn, Definition, Gone, Input, Outcome, Place, Withdrawn, utc_day
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.past import Past
from okr_trainer.domain.predictors import LearnedModel, Predictor
from okr_trainer.domain.risk import CutPoints
from okr_trainer.domain.states import States
from okr_trainer.domain.tallies import Ended, Tallies, Tally, ended_under, stands
from okr_trainer.domain.track_record import BaseRate, TrackRecord, series_of


@dataclass(slots=True)
class SourceMark:
    """How far a source was heard: its last version, and the newest as_of seen (its clock; an ordinal)."""

    place: Place
    clock: int


@dataclass(frozen=True, slots=True)
class Closed:
    """An outcome that was applied. `learned`: rows that were learned from it."""

    outcome: Outcome
    learned: int
    superseding: bool = False


@dataclass(frozen=True, slots=True)
class Drifted:
    """A drift that was found when so many rows were learned. `outcomes`: since the one before, or since the first."""

    kind: DriftKind
    learned: int
    outcomes: int


@dataclass(slots=True)
class Step:
    """What one call of `take` decided; the edge writes it down. `gone`: predicted key results that are no more.

    `reopened`: outcomes that are no more, of key results that had been closed by them. `drifts`: those found.
    """

    drafts: list[Draft] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    learned: list[tuple[Stored, int]] = field(default_factory=list)
    touched: dict[str, KeyResultState] = field(default_factory=dict)
    records: dict[str, TrackRecord] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    reopened: list[Withdrawn] = field(default_factory=list)
    drifts: list[Drifted] = field(default_factory=list)


@dataclass(slots=True)
class Learner:
    """`replaying`: history, not the stream. `watermark`: when the newest outcome applied became known.

    `cut_points`: those that are configured; None: the model's own.
    """

    model: str
    predictor: Predictor
    cut_points: CutPoints | None
    replaying: bool = False
    states: States = field(default_factory=States)
    records: dict[str, TrackRecord] = field(default_factory=dict)
    base_rate: BaseRate = field(default_factory=BaseRate)
    tallies: Tallies = field(default_factory=Tallies)
    errors: Errors = field(default_factory=Errors)
    marks: dict[str, SourceMark] = field(default_factory=dict)
    watermark: datetime | None = None
    waiting: dict[str, list[Draft]] = field(default_factory=dict)
    _unanswered: list[Begun] = field(default_factory=list)
    _past: Past | None = None
    _closing: set[str] = field(default_factory=set)
    _step: Step = field(default_factory=Step)

    def take(self, inputs: Iterable[Input], stored: Mapping[str, Sequence[Stored]]) -> Step:
        """Goes through these inputs in their order. `stored`: committed rows still to be learned, by key result."""
        self.begin()
        self.go_on(inputs, stored)
        return self.close()

    def begin(self) -> Step:
        """A step that is decided in parts, by `go_on`, and grows with each."""
        self._step, self._closing = Step(), set()
        return self._step

    def go_on(self, inputs: Iterable[Input], stored: Mapping[str, Sequence[Stored]]) -> None:
        """One more part. Its drafts are done, but for those whose key result ends in a later one."""
        self._past = None
        for one in inputs:
            if isinstance(one, CheckIn):
                self._check_in(one)
            elif isinstance(one, Outcome):
                self._outcome(one, stored)
            elif isinstance(one, Gone):
                self._go(one)
                self._closing.add(one.key_result_id)
            elif isinstance(one, Withdrawn):
                self._withdraw(one)
            else:
                self._define(one)
        self._answer()

    def close(self) -> Step:
        """The step, with what is told of all of it."""
        step = self._step
        step.tallies, self.tallies.touched = self.tallies.touched, {}
        gone = (name for name in self._closing if self.states[name].gone and self.states[name].predictions)
        step.gone = sorted(gone)
        return step

    @property
    def past(self) -> Past:
        """What it knows of all key results when it judges one."""
        return Past(self.records, self.base_rate, self.tallies.known, self.errors)

    def heard(self, source: str, place: Place) -> bool:
        """Whether the version at this place came before, so that it is a redelivery; else it is marked as heard."""
        mark = self.marks.get(source)
        if mark is None:
            self.marks[source] = SourceMark(place, 0)
        elif place <= mark.place:
            return True
        else:
            mark.place = place
        return False

    def _define(self, one: Definition) -> None:
        state = self._state(one.key_result_id, one.version.source)
        before = stands(state)
        state.define(one, series_of(one))
        self.tallies.move(before, stands(state))
        self._draft(one, state, max(utc_day(one.version.knowledge_time), state.newest or state.start), None)

    def _go(self, one: Gone) -> None:
        state = self._state(one.key_result_id, one.version.source)
        before, state.gone = stands(state), True
        self.tallies.move(before, ())

    def _check_in(self, one: CheckIn) -> None:
        state = self._state(one.key_result_id, one.version.source)
        state.check_in(one)
        mark = self.marks.get(one.version.source)
        if mark is not None and one.as_of > mark.clock:
            mark.clock = one.as_of
        self._draft(one, state, state.newest or one.as_of, one.version.entity_id)

    def _state(self, key_result_id: str, source: str) -> KeyResultState:
        state = self.states.get(key_result_id)
        if state is None:
            state = self.states[key_result_id] = KeyResultState(key_result_id, source)
        self._step.touched[key_result_id] = state
        return state

    def _draft(self, one: Definition | CheckIn, state: KeyResultState, on: int, check_in_id: str | None) -> None:
        state.predictions += 1
        state.answered = on
        version = one.version
        kind = self._kind(one, state)
        cause = Cause(
            kind=kind,
            knowledge_time=version.knowledge_time,
            prediction_id=prediction_id(self.model, self._replay_number, f"{version.entity_id}@{version.revision}"),
            check_in_id=check_in_id,
            revision=version.revision,
            batch_id=version.batch_id,
            row_num=version.row_num,
        )
        if self._past is None:
            self._past = self.past
        begun = drafting.begin(cause, state, on, self._past)
        draft = begun.draft
        draft.version, draft.training = self.predictor.version, self.predictor.training
        judged, newest = draft.why is None, not isinstance(one, CheckIn) or one.as_of == state.newest
        draft.shown = state.open and (kind == "live" or (kind == "late" and newest))
        draft.learnable = judged and kind != "late" and not state.closed and self._learning
        draft.learnable &= isinstance(one, CheckIn) or not state.check_ins
        if judged:
            self._unanswered.append(begun)
        self._keep(draft)

    def _kind(self, one: Definition | CheckIn, state: KeyResultState) -> Kind:
        if self.replaying:
            return "replay"
        late = state.closed or (self.watermark is not None and one.version.knowledge_time <= self.watermark)
        return "late" if late else "live"

    @property
    def _replay_number(self) -> int | None:
        return self.predictor.training if self.replaying else None

    @property
    def _learning(self) -> bool:
        return isinstance(self.predictor, LearnedModel)

    def _keep(self, draft: Draft) -> None:
        """In a replay a learnable row waits for its outcome; everything else is done."""
        if draft.learnable:
            self.waiting.setdefault(draft.key_result_id, []).append(draft)
        if not (self.replaying and draft.learnable):
            self._step.drafts.append(draft)

    def _answer(self) -> None:
        """Past and model are constant since the last outcome: all predictions since then are made at once."""
        if not self._unanswered:
            return
        columns = drafting.complete(self._unanswered, self._past or self.past)
        for draft, state, _ in self._unanswered:
            if draft.kind != "late" and draft.places is not None:
                state.stood(draft.places)
        self.predictor.answer([begun.draft for begun in self._unanswered], self.cut_points, columns)
        self._unanswered = []

    def _outcome(self, one: Outcome, stored: Mapping[str, Sequence[Stored]]) -> None:
        self._answer()
        state = self._state(one.key_result_id, one.version.source)
        if state.closed:
            self._step.closed.append(Closed(one, 0, superseding=True))
            return
        before, state.closed = stands(state), True
        self.tallies.move(before, ())
        self._advance_watermark(one.version.knowledge_time)
        fresh = self.waiting.pop(one.key_result_id, [])
        if self.replaying:
            self._step.drafts.extend(fresh)
        if one.achieved is None:
            self._step.closed.append(Closed(one, 0))
            return
        older = stored.get(one.key_result_id, ())
        learned = self._learn(one.achieved, older, fresh)
        self.errors.see(state, one.final_value, one.target, _forecasts((*older, *fresh)))
        self._remember(one, one.achieved, state)
        self._step.closed.append(Closed(one, learned))

    def _withdraw(self, one: Withdrawn) -> None:
        """What a row was made of stays as it was told; from here on nothing rests on what is no more."""
        state = self._state(one.key_result_id, one.version.source)
        if isinstance(one.said, CheckIn):
            state.withdraw(one.said)
        elif state.closed:
            self._answer()
            state.reopen()
            self.tallies.move((), stands(state))
            self._take_back(one.said, state)
            self._step.reopened.append(one)

    def _take_back(self, one: Outcome, state: KeyResultState) -> None:
        if one.achieved is None:
            return
        self._past = None
        self.base_rate.take_back(one.achieved)
        self.tallies.take_back(ended_under(state), achieved=one.achieved)
        for name in filter(self.records.get, (state.series, state.kin)):
            self.records[name].take_back(one.achieved)
            self._step.records[name] = self.records[name]

    def _advance_watermark(self, known: datetime) -> None:
        if self.watermark is None or known > self.watermark:
            self.watermark = known

    def _learn(self, achieved: bool, older: Sequence[Stored], fresh: Sequence[Draft]) -> int:  # noqa: FBT001
        model = self.predictor
        if not isinstance(model, LearnedModel):
            return 0
        weight, before = 1.0 / max(1, len(older) + len(fresh)), (model.drift.found, model.drift.since)
        for row in older:
            self._step.learned.append((row, model.learn(row.x, row.raw, achieved, weight)))
        for draft in fresh:
            assert draft.x is not None  # noqa: S101 - a learnable row has both
            assert draft.raw is not None  # noqa: S101
            draft.learned_seq = model.learn(draft.x, draft.raw, achieved, weight)
        if model.drift.found > before[0] and model.drift.last:
            self._step.drifts.append(Drifted(model.drift.last, model.learned, before[1] + 1))
        return len(older) + len(fresh)

    def _remember(self, one: Outcome, achieved: bool, state: KeyResultState) -> None:  # noqa: FBT001
        self._past = None
        self.base_rate.add(achieved)
        margin = relative_margin(state, one.final_value, one.target)
        self.tallies.add(ended_under(state), Ended(one.final_value, margin, achieved))
        for name in filter(None, (state.series, state.kin)):
            record = self.records.setdefault(name, TrackRecord())
            record.add(achieved, margin)
            self._step.records[name] = record

    def release(self) -> list[Draft]:
        """The rows whose outcome is not known yet. The stream forgets them (they are committed), a replay ends."""
        rows = [draft for drafts in self.waiting.values() for draft in drafts]
        self.waiting.clear()
        return rows

    def forget_closed(self) -> None:
        """Key results that are not open leave the memory; where one is spoken of again, the edge recalls it."""
        self.states.rest()


def _forecasts(rows: Iterable[Stored | Draft]) -> Iterator[tuple[float, float]]:
    """When what was forecast: the share of the period that was over then, and the value."""
    for row in rows:
        if row.x is not None and row.forecast is not None:
            yield float(row.x["elapsed"]), row.forecast
