"""The published probability is worth what it says, also where the model is too sure of one side alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_trainer.domain.calibration import LEAST_SLOPE, MOST_SLOPE, PRIORS, BetaMap
from okr_trainer.domain.numbers import sigmoid
from okr_trainer.domain.swaying import Swaying

row = st.tuples(st.floats(-40, 40), st.booleans(), st.floats(0.01, 1.0))


def learned(truth: BetaMap, rows: int) -> BetaMap:
    drawn, made = np.random.default_rng(5), BetaMap()
    for raw in drawn.normal(0.0, 2.0, rows).tolist():
        made.learn(raw, bool(drawn.random() < truth.probability(raw)), 1.0)
    return made


def unbendable() -> BetaMap:
    """A Platt map: it is certain that there is no bend."""
    made = BetaMap()
    made.spread[1][1] = 0.0
    return made


@pytest.mark.parametrize("raw", [-30.0, -2.0, 0.0, 0.5, 30.0])
def test_before_the_first_label_it_says_what_the_model_says(raw: float) -> None:
    assert BetaMap().probability(raw) == pytest.approx(sigmoid(min(8.0, max(-8.0, raw))))


@pytest.mark.parametrize(
    "truth",
    [BetaMap(), BetaMap(slope=0.7, bend=0.3), BetaMap(slope=0.75, bend=-0.25, shift=-0.5), BetaMap(2.0, 0.0, 1.0)],
)
def test_it_learns_on_which_side_the_model_is_too_sure(truth: BetaMap) -> None:
    made = learned(truth, 4_000)
    for raw in (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0):
        assert made.probability(raw) == pytest.approx(truth.probability(raw), abs=0.06)


@given(st.lists(st.tuples(st.floats(-1.0, 1.0), st.booleans()), max_size=30))
def test_few_labels_of_an_unsure_model_leave_it_nearly_a_platt_map(rows: list[tuple[float, bool]]) -> None:
    made, platt = BetaMap(), unbendable()
    for raw, achieved in rows:
        made.learn(raw, achieved, 1.0)
        platt.learn(raw, achieved, 1.0)
    for raw in (-1.0, -0.5, 0.0, 0.5, 1.0):
        assert made.probability(raw) == pytest.approx(platt.probability(raw), abs=0.03)


@given(st.lists(row, max_size=40))
def test_nothing_gets_less_certain_than_before_the_first_label(rows: list[tuple[float, bool, float]]) -> None:
    made = BetaMap()
    for raw, achieved, weight in rows:
        made.learn(raw, achieved, weight)
        assert all(made.spread[at][at] <= 1.0 / prior + 1e-9 for at, prior in enumerate(PRIORS))


@given(st.lists(row, max_size=40))
def test_more_never_becomes_less_whatever_it_learned(rows: list[tuple[float, bool, float]]) -> None:
    made = BetaMap()
    for raw, achieved, weight in rows:
        made.learn(raw, achieved, weight)
    assert LEAST_SLOPE <= made.slope <= MOST_SLOPE
    assert all(made.steepness(raw) >= LEAST_SLOPE - 1e-9 for raw in (-40.0, 0.0, 40.0))
    said = [made.probability(raw) for raw in np.linspace(-9, 9, 37).tolist()]
    assert all(0.0 < one < 1.0 for one in said)
    assert said == sorted(said)


@given(st.lists(row, max_size=40), st.floats(-40, 40))
def test_the_interval_holds_the_probability_whatever_was_learned(
    rows: list[tuple[float, bool, float]], raw: float
) -> None:
    made = BetaMap()
    for said, achieved, weight in rows:
        made.learn(said, achieved, weight)
    low, high = made.interval(raw)
    assert 0.0 < low < made.probability(raw) < high < 1.0


def test_the_interval_narrows_with_labels_and_is_broad_where_few_scores_lie() -> None:
    widths = [high - low for made in (BetaMap(), learned(BetaMap(), 50), learned(BetaMap(), 2_000))
              for low, high in [made.interval(0.0)]]  # fmt: skip
    assert widths[0] > 1.3 * widths[1] > 1.7 * widths[2]
    made = BetaMap()
    for number in range(400):
        made.learn(1.0 + number % 3 / 10, number % 4 > 0, 1.0)
    (low, high), (far_low, far_high) = made.interval(1.0), made.interval(-1.0)
    assert far_high - far_low > 2.0 * (high - low)


@pytest.mark.parametrize(("shared", "low", "high"), [(0.0, 0.0, 0.12), (1.0, 0.6, 1.5)])
def test_it_learns_how_much_all_of_a_time_are_off_together(shared: float, low: float, high: float) -> None:
    """Each row counts half, as where a key result has two check-ins."""
    drawn, made = np.random.default_rng(3), Swaying()
    for _ in range(200):
        shift = shared * drawn.standard_normal()
        for raw in drawn.normal(0.0, 1.0, 25).tolist():
            achieved = bool(drawn.random() < sigmoid(raw + shift))
            for _ in range(2):
                made.see(sigmoid(raw), achieved, 0.5)
    assert low <= made.variance <= high


def test_nine_of_ten_intervals_hold_the_true_probability() -> None:
    """Of a hundred models that each learned two hundred outcomes of their own."""
    truth, drawn, held = BetaMap(slope=0.8, bend=0.2, shift=-0.3), np.random.default_rng(7), []
    for _ in range(100):
        made = BetaMap()
        for raw in drawn.normal(0.0, 1.5, 200).tolist():
            made.learn(raw, bool(drawn.random() < truth.probability(raw)), 1.0)
        for raw in (-2.0, 0.0, 2.0):
            low, high = made.interval(raw)
            held.append(low <= truth.probability(raw) <= high)
    assert 0.85 <= np.mean(held) <= 0.97


def test_its_steepness_is_that_of_the_published_log_odds() -> None:
    made = BetaMap(slope=1.15, bend=-0.55, shift=0.3)
    for raw in (-3.0, 0.0, 2.5):
        near = [made.probability(raw + step) for step in (-1e-5, 1e-5)]
        odds = [np.log(one / (1 - one)) for one in near]
        assert made.steepness(raw) == pytest.approx((odds[1] - odds[0]) / 2e-5, rel=1e-4)


def test_its_state_comes_back_and_another_number_of_figures_does_not() -> None:
    made = learned(BetaMap(slope=0.7, bend=0.3), 50)
    assert BetaMap.from_list(made.to_list()) == made
    with pytest.raises(ValueError, match="17 numbers"):
        BetaMap.from_list(made.to_list()[:-1])
