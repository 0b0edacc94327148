"""Intervals: of many draws their percentiles; of few, Student's t, since their extremes lie too near."""

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from okr_trainer.domain.bootstrap import ENOUGH, LEAST_DRAWS, LEVEL, STUDENT, interval


def test_students_factor_is_that_of_the_fewest_draws() -> None:
    assert pytest.approx(stats.t.ppf(LEVEL[1] / 100, LEAST_DRAWS - 1), abs=5e-4) == STUDENT


def test_of_few_draws_it_is_as_wide_as_an_oracle_says() -> None:
    drawn = np.random.default_rng(1).normal(0.8, 0.03, LEAST_DRAWS)
    low, high = stats.t.interval(0.95, LEAST_DRAWS - 1, loc=0.8, scale=stats.sem(drawn) * LEAST_DRAWS**0.5)
    assert interval(np.r_[0.8, drawn]) == [0.8, pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4)]


@pytest.mark.parametrize("draws", [LEAST_DRAWS, ENOUGH])
def test_however_many_draws_it_holds_the_truth_as_often_as_it_says(draws: int) -> None:
    """The percentiles of twenty draws would hold it in about nine of ten cases only."""
    luck = np.random.default_rng(2)
    values = luck.normal(0.0, 1.0, 2_000)
    found = [interval(np.r_[value, luck.normal(value, 1.0, draws)]) for value in values]
    held = np.mean([low <= 0.0 <= high for _, low, high in found if low is not None and high is not None])
    assert held == pytest.approx(0.95, abs=0.02)


def test_one_draw_and_none_are_defined() -> None:
    assert interval(np.array([0.5, 0.4])) == [0.5, 0.4, 0.4]
    assert interval(np.array([0.5, np.nan])) == [0.5, None, None]
