"""What chance does to a perfect forecaster, and where the flag of a missed key result went up for good."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_trainer.domain.lead_time import Said, flagged, lead_days, lead_time
from okr_trainer.domain.metrics import Answers
from okr_trainer.domain.reliability import chance, diagram

DUE = date(2024, 12, 31)


def alone(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@pytest.mark.parametrize(("n", "low", "high"), [(2000, 0.020, 0.032), (600, 0.036, 0.060)])
def test_the_ceiling_falls_with_the_number_of_rows(n: int, low: float, high: float) -> None:
    probabilities = np.random.default_rng(1).random(n)
    assert low < chance(probabilities, alone(n)).ceiling() < high


def test_a_perfect_forecaster_is_below_the_ceiling_nineteen_times_in_twenty() -> None:
    random = np.random.default_rng(3)
    probabilities = random.random(500)
    ceiling = chance(probabilities, alone(500)).ceiling()
    weights = np.ones((1, 500))
    errors = [
        Answers((random.random(500) < probabilities).astype(float), probabilities).measured(weights)["ece"][0]
        for _ in range(400)
    ]
    assert 0.92 < np.mean(np.array(errors) <= ceiling) < 0.98


def test_rows_that_share_an_outcome_raise_the_ceiling() -> None:
    probabilities = np.repeat(np.random.default_rng(1).random(60), 10)
    together = np.repeat(alone(60), 10).tolist()
    assert chance(probabilities, together).ceiling() > 2 * chance(probabilities, alone(600)).ceiling()


def test_the_diagram_holds_the_calibrated_and_shows_the_others() -> None:
    random = np.random.default_rng(9)
    said = random.random(3000)
    honest = diagram((random.random(3000) < said).astype(float), said, alone(3000))
    boastful = diagram((random.random(3000) < said / 2).astype(float), said, alone(3000))
    assert sum(one["n"] for one in honest["bins"]) == 3000
    assert sum(one["low"] <= one["achieved"] <= one["high"] for one in honest["bins"]) >= 9
    assert all(one["achieved"] < one["low"] for one in boastful["bins"][3:])


def test_a_bin_without_rows_is_left_out() -> None:
    found = diagram(np.array([1.0, 0.0]), np.array([0.05, 1.0]), ["a", "b"])
    assert [(one["from"], one["n"], one["achieved"]) for one in found["bins"]] == [(0.0, 1, 1.0), (0.9, 1, 0.0)]


@given(st.lists(st.integers(0, 10), min_size=1, max_size=50), st.sampled_from([0.1, 0.2, 0.5]))
def test_the_lowest_are_flagged_and_at_least_so_many(said: list[int], rate: float) -> None:
    probabilities = np.array(said) / 10
    flags = flagged(probabilities, rate)
    assert flags.sum() >= max(1, round(rate * len(said)))
    assert not (flags == 0).any() or probabilities[flags == 1].max() < probabilities[flags == 0].min()


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_the_lead_is_that_of_the_last_run_of_flags(flags: list[bool]) -> None:
    rows = [Said("k", DUE - timedelta(days=len(flags) - number), DUE) for number in range(len(flags))]
    standing = 0
    while standing < len(flags) and flags[-1 - standing]:
        standing += 1
    assert lead_days(rows, [float(one) for one in flags]) == {"k": standing}


def test_a_flag_after_the_due_date_warns_nobody() -> None:
    assert lead_days([Said("k", DUE + timedelta(days=3), DUE)], [1.0]) == {"k": 0}


def test_the_due_date_that_counts_is_the_last_one() -> None:
    moved = [Said("k", date(2024, 6, 1), date(2024, 6, 30)), Said("k", date(2024, 6, 20), date(2024, 7, 31))]
    assert lead_days(moved, [1.0, 1.0]) == {"k": 60}


def test_not_found_counts_as_no_lead_at_all() -> None:
    rows = [Said(name, DUE - timedelta(days=days), DUE) for name, days in (("a", 40), ("b", 40), ("c", 8))]
    found = lead_time(rows, [1.0, 0.0, 1.0], 0.2)
    assert (found["missed"], found["median_days"][0]) == (3, 8.0)
    assert (found["ahead"]["7"], found["ahead"]["30"]) == (0.66667, 0.33333)
    assert lead_time([], [], 0.2)["median_days"] == [None, None, None]
