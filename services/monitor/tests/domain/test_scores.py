import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from okr_monitor.domain.scores import Answer, roc_auc, score
from okr_monitor.steps import MEASURES

answers = st.lists(
    st.builds(Answer, st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]), st.booleans()), min_size=1, max_size=60
)


@given(answers)
def test_agrees_with_scikit_learn(said: list[Answer]) -> None:
    probabilities, outcomes = [one.probability for one in said], [one.achieved for one in said]
    found = score(said)
    assert found.brier == pytest.approx(metrics.brier_score_loss(outcomes, probabilities, pos_label=True))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(outcomes, [p > 0.5 for p in probabilities]))
    if len(set(outcomes)) == 2:
        assert found.auc == pytest.approx(metrics.roc_auc_score(outcomes, probabilities))
        clipped = [min(max(p, 1e-12), 1 - 1e-12) for p in probabilities]
        assert found.log_loss == pytest.approx(metrics.log_loss(outcomes, clipped))
    else:
        assert found.auc is None


@given(answers)
def test_what_was_missed_is_found_as_scikit_learn_finds_it(said: list[Answer]) -> None:
    missed, alarm = [not one.achieved for one in said], [-one.probability for one in said]
    found = score(said)
    if not any(missed):
        assert (found.pr_auc, found.recall_at_10) == (None, None)
        return
    assert found.pr_auc == pytest.approx(metrics.average_precision_score(missed, alarm))
    if not all(missed):
        false, true, _ = metrics.roc_curve(missed, alarm, drop_intermediate=False)
        flagged = (true * sum(missed) + false * (len(said) - sum(missed))) / len(said)
        assert found.recall_at_10 == pytest.approx(np.interp(0.1, flagged, true))
        assert found.recall_at_20 == pytest.approx(np.interp(0.2, flagged, true))


@given(answers)
def test_bins_say_what_scikit_learns_say_and_the_brier_score_is_the_sum_of_its_parts(said: list[Answer]) -> None:
    moved = [one._replace(probability=min(1.0, one.probability + 0.003)) for one in said]  # off the edges of bins
    found = score(moved)
    achieved, mean = calibration_curve([one.achieved for one in moved], [one.probability for one in moved], n_bins=10)
    sizes = np.bincount([min(9, int(one.probability * 10)) for one in moved])
    assert found.ece == pytest.approx(np.abs(achieved - mean) @ sizes[sizes > 0] / len(moved))
    assert found.reliability == pytest.approx((achieved - mean) ** 2 @ sizes[sizes > 0] / len(moved))
    assert found.brier == pytest.approx(found.reliability - found.resolution + found.uncertainty)


@given(answers)
def test_the_area_does_not_depend_on_the_order_of_the_rows(said: list[Answer]) -> None:
    assert roc_auc(said) == roc_auc(said[::-1])


def test_nothing_scored_has_no_measures() -> None:
    found = score([])
    assert found.model_dump(exclude={"n", "achieved"}) == dict.fromkeys(MEASURES)
