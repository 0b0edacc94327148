"""The demo's own figures against slow, obvious definitions."""

import random
from itertools import product

import pytest

from okr_cli.demo.metrics import Scored, accuracy, auc, brier, compare, quantile


def pairs_auc(labels: list[bool], scores: list[float]) -> float:
    """By its definition: over all pairs of an achieved and a missed one."""
    ups = [s for s, y in zip(scores, labels, strict=True) if y]
    downs = [s for s, y in zip(scores, labels, strict=True) if not y]
    return sum((u > d) + (u == d) / 2 for u, d in product(ups, downs)) / (len(ups) * len(downs))


@pytest.mark.parametrize("seed", range(20))
def test_auc_by_ranks_is_auc_by_pairs(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - draws test data
    scores = [chance.choice([0.1, 0.2, 0.5, chance.random()]) for _ in range(60)]
    labels = [True, False, *(chance.random() < score for score in scores[2:])]
    assert auc(labels, scores) == pytest.approx(pairs_auc(labels, scores))


def test_a_weight_counts_a_row_so_many_times() -> None:
    labels, scores = [True, False, True], [0.3, 0.5, 0.9]
    assert auc(labels, scores, [2, 1, 1]) == pytest.approx(pairs_auc([*labels, True], [*scores, 0.3]))


def test_auc_is_unknown_without_both_outcomes() -> None:
    assert auc([True, True], [0.1, 0.2]) is None


def test_brier_and_accuracy_of_a_certain_forecaster() -> None:
    assert brier([True, False], [1.0, 0.0]) == 0
    assert brier([True, False], [0.0, 1.0]) == 1
    assert accuracy([True, False, True], [0.9, 0.5, 0.2]) == pytest.approx(1 / 3)


def rows(count: int, clusters: int = 40) -> list[Scored]:
    chance = random.Random(7)  # noqa: S311 - draws test data
    found = []
    for number in range(count):
        good = chance.random()
        found.append(Scored(f"k{number % clusters}", chance.random() < good, {"model": good, "coin": 0.5}))
    return found


def test_intervals_hold_the_value_and_a_better_predictor_is_told_from_a_coin() -> None:
    compared = compare(rows(400), ["model", "coin"], resamples=100)
    model, difference = compared.quality["model"], compared.against["coin"]
    for figure in (model.auc, model.brier, model.accuracy):
        assert figure.value is not None
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= figure.value <= figure.high
    assert difference.auc.low is not None
    assert difference.auc.low > 0
    assert difference.brier.high is not None
    assert difference.brier.high < 0


def test_one_cluster_alone_has_no_width() -> None:
    compared = compare(rows(50, clusters=1), ["model", "coin"], resamples=20)
    assert compared.quality["model"].brier.low == compared.quality["model"].brier.high


def test_the_same_rows_give_the_same_intervals() -> None:
    assert compare(rows(100), ["model", "coin"], 50) == compare(rows(100), ["model", "coin"], 50)


def test_quantiles_stay_inside() -> None:
    assert quantile([1.0], 0.99) == 1.0
    assert quantile([1.0, 2.0], 1.0) == 2.0
