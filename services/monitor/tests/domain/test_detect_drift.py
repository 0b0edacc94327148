import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_monitor.domain.detect_drift import ENOUGH, ModelDrift, compare, report
from okr_monitor.domain.reference import Reference, Row
from okr_monitor.domain.stability import chance, stability_index
from okr_monitor.domain.verdict import Verdict

LIMIT = 0.2


def year(key_results: int, *, seed: int, shift: float = 0.0, months: range = range(1, 13)) -> list[Row]:
    """Monthly predictions of many key results; `margin` is random, `elapsed` and `seen` follow the year."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    return [
        Row(
            f"k{each}",
            month / 12 - 0.01,
            {
                "margin": draw.gauss(shift, 1.0),
                "elapsed": month / 12 - 0.01,
                "seen": float(month),
                "direction": draw.choice(["up", "down"]),
            },
        )
        for each in range(key_results)
        for month in months
    ]


def psi_of(found: ModelDrift) -> dict[str, float]:
    return {one.feature: one.psi for one in found.features}


def test_the_same_process_is_steady() -> None:
    found = compare("mta", 1, Reference.of(year(300, seed=1)), year(100, seed=2), limit=LIMIT)
    assert found.state == "steady"
    assert max(psi_of(found).values()) < 0.05


def test_a_part_of_the_year_is_no_drift() -> None:
    """Live predictions of spring only: what follows the period does, and is compared with the springs of training."""
    found = compare("mta", 1, Reference.of(year(300, seed=1)), year(200, seed=2, months=range(1, 5)), limit=LIMIT)
    assert found.state == "steady"
    assert psi_of(found)["elapsed"] < 0.01
    assert psi_of(found)["seen"] < 0.01


def test_a_shifted_feature_is_found_and_the_others_are_not() -> None:
    found = compare("mta", 1, Reference.of(year(300, seed=1)), year(200, seed=2, shift=1.5), limit=LIMIT)
    assert [one.feature for one in found.drifted] == ["margin"]
    assert found.features[0].feature == "margin"
    assert found.features[0].outside >= 0
    assert report([found]).verdict is Verdict.ATTENTION


def test_a_value_training_never_saw_is_found() -> None:
    live = [row._replace(features={**row.features, "direction": "sideways"}) for row in year(200, seed=2)]
    found = compare("mta", 1, Reference.of(year(300, seed=1)), live, limit=LIMIT)
    assert [(one.feature, one.outside) for one in found.drifted] == [("direction", 1.0)]


def test_what_is_ignored_is_measured_and_raises_no_alarm() -> None:
    reference = Reference.of(year(300, seed=1))
    found = compare("mta", 1, reference, year(200, seed=2, shift=3.0), limit=LIMIT, ignored={"margin"})
    assert psi_of(found)["margin"] > LIMIT
    assert found.state == "steady"


@pytest.mark.parametrize(
    ("training", "live", "state"),
    [
        (0, 0, "no_reference"),
        (0, 100, "no_reference"),
        (100, 0, "too_few"),
        (100, ENOUGH - 1, "too_few"),
        (ENOUGH - 1, 100, "too_few"),
        (ENOUGH, ENOUGH, "steady"),
    ],
)
def test_empty_and_tiny_samples(training: int, live: int, state: str) -> None:
    found = compare("mta", 1, Reference.of(year(training, seed=1)), year(live, seed=2), limit=LIMIT)
    assert found.state == state
    assert bool(found.features) is (state == "steady")


def test_a_part_of_the_period_that_training_lacks_is_left_out() -> None:
    reference = Reference.of(year(300, seed=1, months=range(1, 7)))
    found = compare("mta", 1, reference, year(100, seed=2), limit=LIMIT)
    assert (found.live_rows, found.left_out) == (1200, 600)
    assert found.state == "steady"


def test_a_feature_without_a_live_value_is_not_reported() -> None:
    live = [row._replace(features={"elapsed": row.elapsed}) for row in year(100, seed=2)]
    found = compare("mta", 1, Reference.of(year(100, seed=1)), live, limit=LIMIT)
    assert set(psi_of(found)) == {"elapsed"}


def test_chance_alone_raises_no_alarm() -> None:
    """Few key results, forty times: with the bare limit of 0.2 more than one in ten would be an alarm."""
    reference = Reference.of(year(60, seed=0, months=range(6, 7)))
    found = [
        compare("mta", 1, reference, year(40, seed=seed, months=range(6, 7)), limit=LIMIT) for seed in range(1, 41)
    ]
    assert sum(psi_of(one)["margin"] > LIMIT for one in found) > 4
    assert sum(one.state == "drifted" for one in found) == 0


@given(st.lists(st.integers(0, 500), min_size=2, max_size=12).filter(any))
def test_the_index_is_never_negative_and_zero_for_itself(counts: list[int]) -> None:
    total = sum(counts)
    same = stability_index([number / total for number in counts], total, counts)
    other = stability_index([1 / len(counts)] * len(counts), 1000, counts)
    assert same == pytest.approx(0.0, abs=1e-12)
    assert other >= 0


@pytest.mark.parametrize(("freedom", "table"), [(1, 10.828), (2, 13.816), (5, 20.515), (9, 27.877), (20, 45.315)])
def test_chance_is_the_quantile_of_chi_squared(freedom: int, table: float) -> None:
    assert chance(freedom) == pytest.approx(table, rel=0.04)


def test_without_models_nothing_is_known() -> None:
    assert report([]).verdict is Verdict.UNKNOWN
