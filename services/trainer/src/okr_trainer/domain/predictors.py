"""Who answers: version 0, the linear-pace rule, until there is a model; then the learned model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from okr_trainer.domain.baselines import LINEAR_PACE
from okr_trainer.domain.calibration import BetaMap
from okr_trainer.domain.digest import state_digest
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.drift import Drift
from okr_trainer.domain.features import WORDS, Features, learnable
from okr_trainer.domain.newton_view import NO_COLUMNS
from okr_trainer.domain.numbers import Column, logit
from okr_trainer.domain.pipeline import Pipeline, View, build, loosen, view_of
from okr_trainer.domain.reasons import describe, explain
from okr_trainer.domain.risk import CutPoints
from okr_trainer.domain.scores import Scores

KEPT_AT_DRIFT = 0.1
"""What was learned before errors grew counts a tenth: the next outcomes decide, and nothing is thrown away.

Where only more or fewer are achieved, nothing is loosened: calibration and base rates follow fast enough by themselves.
"""


@dataclass(slots=True)
class PaceRule:
    """Version 0: needs no label, learns nothing."""

    version: int = 0
    training: int = 0

    def answer(
        self, drafts: Sequence[Draft], cut_points: CutPoints | None, _: Mapping[str, Column] = NO_COLUMNS
    ) -> None:
        """Fills in probability, risk and the one reason there is. `cut_points`: those that are configured."""
        bands = cut_points or CutPoints()
        for draft in drafts:
            draft.version = self.version
            draft.probability = draft.baselines[LINEAR_PACE]
            draft.risk = bands.band(draft.probability)
            weight = round(logit(draft.probability), 4)
            draft.reasons = [{"feature": "gap", "text": describe("gap", draft), "weight": weight}]


@dataclass(slots=True)
class LearnedModel:
    """A pipeline and its calibration. `training`: the replay it began with; `learned`: how many rows it has learned.

    `cut_points`: of that replay's predictions; None where they were too few.
    """

    version: int
    training: int
    builder: str
    pipeline: Pipeline
    calibration: BetaMap = field(default_factory=BetaMap)
    learned: int = 0
    words: dict[str, dict[str, int]] = field(default_factory=dict)
    drift: Drift = field(default_factory=Drift)
    cut_points: CutPoints | None = None
    _view: View | None = None

    @classmethod
    def new(cls, version: int, training: int, builder: str) -> "LearnedModel":
        """An unlearned one."""
        return cls(version, training, builder, build(builder))

    def answer(
        self, drafts: Sequence[Draft], cut_points: CutPoints | None, columns: Mapping[str, Column] = NO_COLUMNS
    ) -> None:
        """Scores a batch at once and fills in what the model says. `cut_points`: those that are configured.

        A replay's predictions are there to be scored and learned, and nobody acts on them: they give no reasons.
        """
        bands = cut_points or self.cut_points or CutPoints()
        scores = self.score([draft.x for draft in drafts if draft.x is not None], columns)
        raws = scores.raw.tolist()
        for draft, raw, told in zip(drafts, raws, self.calibration.told(raws), strict=True):
            draft.version, draft.learned_before = self.version, self.learned
            draft.raw = raw
            draft.probability, draft.interval = told
            draft.risk = bands.band(draft.probability)
        if drafts[0].kind != "replay":
            explain(drafts, scores, [self.calibration.steepness(raw) for raw in raws])

    def score(self, xs: Sequence[Features], columns: Mapping[str, Column] = NO_COLUMNS) -> Scores:
        """Log-odds before calibration, and contributions, of these rows; `columns` as `View.score` takes them."""
        if self._view is None:
            self._view = view_of(self.pipeline, self.words)
        return self._view.score(xs, columns)

    def learn(self, x: Features, raw: float, achieved: bool, weight: float) -> int:  # noqa: FBT001
        """Learns one stored prediction and returns its number in the order of learning."""
        chance = self.calibration.probability(raw)
        self.pipeline.learn_one(learnable(x), achieved, w=weight)
        self.calibration.learn(raw, achieved, weight)
        drifted = self.drift.see(chance, achieved, weight, self.calibration.swaying.variance)
        if drifted == "errors_grew":
            loosen(self.pipeline, KEPT_AT_DRIFT)
            self.calibration.loosen(KEPT_AT_DRIFT)
        self._count_words(x)
        self._view = None
        self.learned += 1
        return self.learned

    def _count_words(self, x: Features) -> None:
        for name in WORDS:
            counts = self.words.setdefault(name, {})
            word = str(x.get(name, ""))
            counts[word] = counts.get(word, 0) + 1

    @property
    def digest(self) -> str:
        """Equal for equal states."""
        return state_digest(self.pipeline, self.calibration, self.learned, self.words, self.drift)


Predictor = PaceRule | LearnedModel
