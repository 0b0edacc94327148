"""The published probability is worth what it says, also where the model is too sure of one side alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_trainer.domain.calibration import LEAST_SLOPE, MOST_SLOPE, BetaMap
from okr_trainer.domain.numbers import sigmoid

row = st.tuples(st.floats(-40, 40), st.booleans(), st.floats(0.01, 1.0))


def learned(truth: BetaMap, rows: int) -> BetaMap:
    drawn, made = np.random.default_rng(5), BetaMap()
    for raw in drawn.normal(0.0, 2.0, rows).tolist():
        made.learn(raw, bool(drawn.random() < truth.probability(raw)), 1.0)
    return made


@pytest.mark.parametrize("raw", [-30.0, -2.0, 0.0, 0.5, 30.0])
def test_before_the_first_label_it_says_what_the_model_says(raw: float) -> None:
    assert BetaMap().probability(raw) == pytest.approx(sigmoid(min(8.0, max(-8.0, raw))))


@pytest.mark.parametrize(
    "truth", [BetaMap(), BetaMap(low=1.0, high=0.4), BetaMap(low=0.5, high=1.0, shift=-0.5), BetaMap(2.0, 2.0, 1.0)]
)
def test_it_learns_on_which_side_the_model_is_too_sure(truth: BetaMap) -> None:
    made = learned(truth, 4_000)
    for raw in (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0):
        assert made.probability(raw) == pytest.approx(truth.probability(raw), abs=0.06)


@given(st.lists(row, max_size=40))
def test_more_never_becomes_less_whatever_it_learned(rows: list[tuple[float, bool, float]]) -> None:
    made = BetaMap()
    for raw, achieved, weight in rows:
        made.learn(raw, achieved, weight)
    assert LEAST_SLOPE <= made.low <= MOST_SLOPE
    assert LEAST_SLOPE <= made.high <= MOST_SLOPE
    said = [made.probability(raw) for raw in np.linspace(-9, 9, 37).tolist()]
    assert all(0.0 < one < 1.0 for one in said)
    assert said == sorted(said)


def test_its_slope_is_that_of_the_published_log_odds() -> None:
    made = BetaMap(low=0.6, high=1.7, shift=0.3)
    for raw in (-3.0, 0.0, 2.5):
        near = [made.probability(raw + step) for step in (-1e-5, 1e-5)]
        odds = [np.log(one / (1 - one)) for one in near]
        assert made.slope(raw) == pytest.approx((odds[1] - odds[0]) / 2e-5, rel=1e-4)


def test_its_state_comes_back_and_another_number_of_figures_does_not() -> None:
    made = learned(BetaMap(low=1.0, high=0.4), 50)
    assert BetaMap.from_list(made.to_list()) == made
    with pytest.raises(ValueError, match="12 numbers"):
        BetaMap.from_list(made.to_list()[:-1])
