import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from okr_monitor.domain.scores import Answer, roc_auc, score

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
def test_the_area_does_not_depend_on_the_order_of_the_rows(said: list[Answer]) -> None:
    assert roc_auc(said) == roc_auc(said[::-1])


def test_nothing_scored_has_no_measures() -> None:
    found = score([])
    assert (found.n, found.auc, found.brier, found.log_loss, found.accuracy) == (0, None, None, None, None)
