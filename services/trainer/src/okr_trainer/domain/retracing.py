"""The recorded order of learning, learned once more: it must lead to the same states, to the last bit."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from okr_trainer.domain.features import Features
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.relearning import own_raws


@dataclass(frozen=True, slots=True)
class Learned:
    """A row that was learned. `raw` None: another model made it; `achieved` None: its outcome is not known any more.

    `taught_by`: the outcome, by its number in the order of hearing; 0 for those of the training's replay.
    """

    seq: int
    key_result_id: str
    achieved: bool | None
    x: Features
    raw: float | None
    taught_by: int = 0

    def same_outcome(self, other: "Learned") -> bool:
        """Whether one outcome taught both: a key result that was opened again has several."""
        return (self.key_result_id, self.taught_by) == (other.key_result_id, other.taught_by)


@dataclass(frozen=True, slots=True)
class Milestone:
    """A state that was stored, under this name, when so many rows were learned."""

    name: str
    learned: int
    digest: str


@dataclass(slots=True)
class Retrace:
    """Give it the rows in their order, all of an outcome together; then close it. `findings` say what differs.

    `unproven`: states that cannot be proven, because rows before them were another model's, whose own score was not
    stored; it is computed anew, and may differ by what else was learned in the same moment.
    """

    model: LearnedModel
    milestones: list[Milestone]
    findings: list[str] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    _foreign: bool = False
    _proven_to: int = 0

    def learn(self, rows: Sequence[Learned]) -> None:
        """The rows of one outcome; stops at the first that cannot be learned as it was."""
        if self.findings:
            return
        raws = own_raws(self.model, [(row.x, row.raw) for row in rows])
        self._foreign = self._foreign or any(row.raw is None for row in rows)
        for row, raw in zip(rows, raws, strict=True):
            self._learn(row, raw, 1.0 / len(rows))
        if not self.findings:
            self._compare()

    def _learn(self, row: Learned, raw: float, weight: float) -> None:
        wanted = self.model.learned + 1
        if self.findings:
            return
        if row.seq != wanted:
            self.findings.append(f"row {wanted} in the order of learning is missing: row {row.seq} follows")
        elif row.achieved is None:
            self.findings.append(f"row {row.seq}, of key result {row.key_result_id}: its outcome is not known any more")
        else:
            self.model.learn(row.x, raw, row.achieved, weight)

    def _compare(self) -> None:
        for one in [one for one in self.milestones if one.learned == self.model.learned]:
            if one.digest == self.model.digest:
                self.proven.append(one.name)
                self._proven_to, self._foreign = one.learned, False
            elif self._foreign:
                self.unproven.append(one.name)
            else:
                rows = f"rows {self._proven_to + 1} to {one.learned} in the order of learning"
                self.findings.append(f"{one.name}: {rows} lead to another state than was stored")

    def close(self) -> None:
        """All rows were given."""
        if not self.findings:
            late = [one for one in self.milestones if one.learned > self.model.learned]
            self.findings += [
                f"{one.name}: it had learned {one.learned} rows, and {self.model.learned} are stored" for one in late
            ]
