"""Measures against an oracle: scikit-learn on the same predictions, prefix by prefix."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from okr_trainer.domain import metrics
from okr_trainer.domain.evaluation import Scored, evaluate, headline, table

ONE = np.ones((1, 1))


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    outcomes = (random.random(300) < 0.3).astype(float)
    probabilities = np.round(np.clip(0.3 * outcomes + random.random(300) * 0.7, 0.001, 0.999), 2)
    return outcomes, np.clip(probabilities, 0.01, 0.99)


@pytest.mark.parametrize(
    ("measure", "said_by_oracle"),
    [
        (metrics.roc_auc, oracle.roc_auc_score),
        (metrics.brier, oracle.brier_score_loss),
        (metrics.log_loss, oracle.log_loss),
        (metrics.accuracy, lambda outcomes, probabilities: oracle.accuracy_score(outcomes, probabilities > 0.5)),
    ],
)
def test_every_prefix_agrees_with_scikit_learn(measure, said_by_oracle, drawn) -> None:  # noqa: ANN001
    outcomes, probabilities = drawn
    for n in range(20, len(outcomes), 7):
        ours = measure(outcomes[:n], probabilities[:n], np.ones((1, n)))[0]
        assert ours == pytest.approx(said_by_oracle(outcomes[:n], probabilities[:n]), abs=1e-12)


def test_weights_count_rows_as_often_as_they_were_drawn(drawn) -> None:  # noqa: ANN001
    outcomes, probabilities = drawn
    times = np.random.default_rng(3).integers(0, 4, len(outcomes))
    repeated = np.repeat(outcomes, times), np.repeat(probabilities, times)
    for measure in metrics.METRICS.values():
        weighted = measure(outcomes, probabilities, times[None, :].astype(float))[0]
        assert weighted == pytest.approx(measure(*repeated, np.ones((1, times.sum())))[0], abs=1e-12)


def test_one_class_alone_has_no_auc() -> None:
    assert np.isnan(metrics.roc_auc(np.ones(3), np.array([0.1, 0.2, 0.3]), np.ones((1, 3)))[0])
    rows = [Scored(str(number), 0.3, True, 0.7, {"meets_now": 0.9}) for number in range(5)]
    said = table(rows)
    assert said["predictors"]["model"]["auc"] == [None, None, None]
    assert said["predictors"]["meets_now"]["accuracy"] == [1.0, 1.0, 1.0]
    assert "auc" not in headline(evaluate(rows))["model"]


def test_intervals_hold_the_value_and_are_the_same_each_time(drawn) -> None:  # noqa: ANN001
    outcomes, probabilities = drawn
    rows = [
        Scored(str(number // 5), number % 12 / 12, bool(outcome), float(probability), {"class_prior": 0.3})
        for number, (outcome, probability) in enumerate(zip(outcomes, probabilities, strict=True))
    ]
    said = table(rows)
    assert said == table(rows)
    for measured in said["predictors"].values():
        for value, low, high in measured.values():
            assert low <= value <= high


def test_nothing_to_evaluate_is_defined() -> None:
    assert evaluate([])["all"] == {"n": 0, "key_results": 0, "achieved": 0, "predictors": {}}
