"""A change of what leads to outcomes is found, and absorbed within five hundred labels."""

from dataclasses import dataclass, field
from math import log

import numpy as np
import pytest
from river.drift import PageHinkley

from okr_trainer.domain import drift
from okr_trainer.domain.drift import Drift, Kind, Rising
from okr_trainer.domain.numbers import sigmoid
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.rescoring import log_odds

BEFORE, AFTER, DELAY = 1_000, 750, 20
"""Key results before and after the change; how many end between a prediction and its outcome."""


@dataclass
class World:
    """Key results of three features, and how they end; `found`: which drifts, after how many since the change."""

    shift: float = 0.8
    weight: float = 1.5
    model: LearnedModel = field(default_factory=lambda: LearnedModel.new(1, 1, "newton"))
    drawn: np.random.Generator = field(default_factory=lambda: np.random.default_rng(11))
    waiting: list[tuple[dict[str, float | str], float, bool]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    found: list[tuple[Kind, int]] = field(default_factory=list)

    def live(self, key_results: int) -> None:
        for _ in range(key_results):
            progress, margin, pace = self.drawn.normal(0.0, 1.0, 3).tolist()
            x: dict[str, float | str] = {"progress": progress, "margin": margin, "pace": pace}
            achieved = bool(self.drawn.random() < sigmoid(self.shift + self.weight * progress + 0.7 * margin))
            (raw,) = log_odds(self.model, [x])
            said = self.model.calibration.probability(raw)
            self.losses.append(-log(said if achieved else 1.0 - said))
            self.waiting.append((x, raw, achieved))
            self._hear()

    def _hear(self) -> None:
        if len(self.waiting) <= DELAY:
            return
        before = self.model.drift.found
        self.model.learn(*self.waiting.pop(0), 1.0)
        if self.model.drift.found > before and self.model.drift.last:
            self.found.append((self.model.drift.last, len(self.losses) - BEFORE))


@pytest.mark.parametrize(
    ("change", "kinds"),
    [({"shift": -0.8}, {"fewer_achieved", "errors_grew"}), ({"weight": -1.5}, {"errors_grew"})],
)
def test_a_planted_change_is_found_and_absorbed(change: dict[str, float], kinds: set[Kind]) -> None:
    """Of the base rate, from three in four to one in four; of what a feature tells, to the contrary."""
    world = World()
    world.live(BEFORE)
    assert world.found == []
    for name, value in change.items():
        setattr(world, name, value)
    world.live(AFTER)
    before, after = np.mean(world.losses[BEFORE - 500 : BEFORE]), np.mean(world.losses[BEFORE + 500 :])
    assert after <= 1.2 * before
    assert world.found
    kind, labels = world.found[0]
    assert kind in kinds
    assert 0 < labels < 250


def test_easy_and_hard_times_are_no_drift() -> None:
    """What counts is the error beyond what the model expects itself."""
    drawn, seen = np.random.default_rng(4), Drift()
    said = [0.95] * 1_000 + [0.5] * 1_000 + [0.05] * 1_000
    found = [seen.see(one, bool(drawn.random() < one), 1.0) for one in said]
    assert not any(found)


def test_the_rows_of_a_key_result_are_one_observation() -> None:
    whole, parts = Drift(), Drift()
    for number in range(300):
        achieved = number % 7 > 1
        one = whole.see(0.2, achieved, 1.0)
        several = [parts.see(0.2, achieved, 0.25) for _ in range(4)]
        assert several == [None, None, None, one]
    assert whole.found == parts.found
    assert whole.since == parts.since


def test_it_finds_what_rivers_test_finds() -> None:
    drawn = np.random.default_rng(2)
    values = [float(drawn.normal(0.6 * (number // 200 % 2), 0.5)) for number in range(2_000)]
    theirs = PageHinkley(drift.LEAST_OUTCOMES, drift.TOLERANCE, 4.0, drift.FADING, mode="up")
    ours, found, wanted = Rising(), [], []
    for number, value in enumerate(values):
        theirs.update(value)
        if theirs.drift_detected:
            wanted.append(number)
        if ours.see(value, 4.0):
            found.append(number)
            ours = Rising()
    assert found == wanted
    assert len(found) >= 3


def test_its_state_comes_back() -> None:
    seen = Drift()
    for number in range(120):
        seen.see(0.3, number % 2 > 0, 0.4)
    assert Drift.from_dict(seen.to_dict()) == seen
