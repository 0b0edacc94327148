"""Measures against an oracle: scikit-learn on the same predictions, prefix by prefix, weighted or not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle
from sklearn.calibration import calibration_curve

from okr_trainer.domain.metrics import NAMES, Answers

Said = tuple[np.ndarray, np.ndarray]
some = st.lists(st.tuples(st.booleans(), st.integers(0, 20), st.integers(1, 3)), min_size=1, max_size=60)


@pytest.fixture
def drawn() -> Said:
    random = np.random.default_rng(7)
    outcomes = (random.random(300) < 0.3).astype(float)
    probabilities = np.round(np.clip(0.3 * outcomes + random.random(300) * 0.7, 0.001, 0.999), 2)
    return outcomes, np.clip(probabilities, 0.01, 0.99)


def one(name: str, outcomes: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    drawn = np.ones(len(outcomes)) if weights is None else weights
    return float(Answers(outcomes, probabilities).measured(drawn[None, :])[name][0])


def recall_by_oracle(rate: float, outcomes: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> float:
    """Along scikit-learn's ROC of the missed ones, up to where this share of all rows is flagged."""
    missed = 1.0 - outcomes
    false, true, _ = oracle.roc_curve(missed, -probabilities, sample_weight=weights, drop_intermediate=False)
    share = (true * (weights @ missed) + false * (weights @ outcomes)) / weights.sum()
    return float(np.interp(rate, share, true))


ORACLES = {
    "auc": lambda y, p, w: oracle.roc_auc_score(y, p, sample_weight=w),
    "pr_auc": lambda y, p, w: oracle.average_precision_score(1 - y, -p, sample_weight=w),
    "recall_at_10": lambda y, p, w: recall_by_oracle(0.1, y, p, w),
    "recall_at_20": lambda y, p, w: recall_by_oracle(0.2, y, p, w),
    "brier": lambda y, p, w: oracle.brier_score_loss(y, p, sample_weight=w),
    "log_loss": lambda y, p, w: oracle.log_loss(y, p, sample_weight=w),
    "accuracy": lambda y, p, w: oracle.accuracy_score(y, p > 0.5, sample_weight=w),
}


@pytest.mark.parametrize("name", ORACLES)
def test_every_prefix_agrees_with_scikit_learn(name: str, drawn: Said) -> None:
    outcomes, probabilities = drawn
    weights = np.random.default_rng(11).random(len(outcomes)) + 0.1
    for n in range(20, len(outcomes), 7):
        for weighed in (np.ones(n), weights[:n]):
            said = ORACLES[name](outcomes[:n], probabilities[:n], weighed)
            assert one(name, outcomes[:n], probabilities[:n], weighed) == pytest.approx(said, abs=1e-12)


def test_calibration_error_is_the_gap_of_scikit_learns_curve(drawn: Said) -> None:
    outcomes = drawn[0]
    probabilities = np.clip(drawn[1] + 0.003, 0.0, 1.0)  # scikit-learn puts a probability on an edge into the lower bin
    for n in range(20, len(outcomes), 7):
        achieved, said = calibration_curve(outcomes[:n], probabilities[:n], n_bins=10)
        counts = np.bincount((probabilities[:n] * 10).astype(int), minlength=10)
        counts = counts[counts > 0]
        assert one("ece", outcomes[:n], probabilities[:n]) == pytest.approx(np.abs(achieved - said) @ counts / n)
        squared = (achieved - said) ** 2 @ counts / n
        assert one("reliability", outcomes[:n], probabilities[:n]) == pytest.approx(squared)


def test_resolution_is_murphys_where_each_bin_says_one_thing() -> None:
    random = np.random.default_rng(5)
    probabilities = random.integers(0, 10, 400) / 10 + 0.05
    outcomes = (random.random(400) < probabilities**1.5).astype(float)
    bins = [outcomes[probabilities == level] for level in np.unique(probabilities)]
    murphy = sum(len(found) * (found.mean() - outcomes.mean()) ** 2 for found in bins) / len(outcomes)
    assert one("resolution", outcomes, probabilities) == pytest.approx(murphy)


@given(some)
def test_the_brier_score_is_the_sum_of_its_parts(rows: list[tuple[bool, int, int]]) -> None:
    outcomes, probabilities, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = {name: one(name, outcomes, probabilities / 20, weights) for name in NAMES}
    assert found["brier"] == pytest.approx(found["reliability"] - found["resolution"] + found["uncertainty"])
    assert found["reliability"] >= found["ece"] ** 2 - 1e-12


@given(some)
def test_a_weight_counts_a_row_as_often(rows: list[tuple[bool, int, int]]) -> None:
    outcomes, probabilities, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    times = weights.astype(int)
    repeated = np.repeat(outcomes, times), np.repeat(probabilities / 20, times)
    for name in NAMES:
        assert one(name, outcomes, probabilities / 20, weights) == pytest.approx(one(name, *repeated), nan_ok=True)


@given(some, st.randoms())
def test_the_order_of_rows_has_no_say(rows: list[tuple[bool, int, int]], luck) -> None:  # noqa: ANN001
    shuffled = list(rows)
    luck.shuffle(shuffled)
    said, other = ([np.array(column, dtype=float) for column in zip(*found, strict=True)] for found in (rows, shuffled))
    for name in NAMES:
        assert one(name, said[0], said[1] / 20) == pytest.approx(one(name, other[0], other[1] / 20), nan_ok=True)


def test_who_flags_all_alike_finds_as_many_as_by_chance() -> None:
    outcomes, same = np.array([1.0, 0.0, 0.0, 1.0]), np.full(4, 0.3)
    found = [one(name, outcomes, same) for name in ("auc", "pr_auc", "recall_at_10", "recall_at_20")]
    assert found == pytest.approx([0.5, 0.5, 0.1, 0.2])


def test_one_class_alone_has_no_order() -> None:
    found = Answers(np.ones(3), np.array([0.1, 0.2, 0.3])).measured(np.ones((1, 3)))
    assert [name for name, value in found.items() if np.isnan(value[0])] == [
        "auc",
        "pr_auc",
        "recall_at_10",
        "recall_at_20",
    ]
