"""A version serves only where it is no worse than what it replaces, and than the pace rule, on the same check-ins."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as reference  # type: ignore[import-untyped]

from okr_trainer.domain.gates import Judged, Rules, judge
from okr_trainer.domain.metrics import Answers

RULES = Rules(last_labels=40, least_labels=10)


def rows(
    candidate: float, replaced: float | None, pace: float = 0.5, *, labels: int = 20, source: str = "acme"
) -> list[Judged]:
    """Probabilities of what happened: every second key result was achieved; three check-ins each."""
    return [
        Judged(f"{source}/{label}", source, achieved, *(_of(said, achieved) for said in (candidate, replaced, pace)))  # type: ignore[arg-type]
        for label in range(labels)
        for achieved in [label % 2 == 0]
        for _ in range(3)
    ]


def _of(said: float | None, achieved: bool) -> float | None:  # noqa: FBT001
    return said if said is None or achieved else 1.0 - said


def said(found: list[Judged], *, same_kind: bool = False) -> str:
    verdict = judge(found, RULES, same_kind=same_kind)
    assert verdict.passed == (not verdict.reasons)
    return "; ".join(verdict.reasons)


def test_one_that_is_better_passes_and_the_figures_say_by_how_much() -> None:
    verdict = judge(rows(0.8, 0.7), RULES, same_kind=False)
    assert verdict.passed
    compared = verdict.figures["replaced"]["log_loss"]
    assert compared == {
        "candidate": pytest.approx(-np.log(0.8), abs=1e-5),
        "replaced": pytest.approx(-np.log(0.7), abs=1e-5),
    }
    assert verdict.as_json()["labels"] == 20


def test_too_few_labels_judge_nothing_however_many_check_ins_they_have() -> None:
    assert said(rows(0.9, 0.6, labels=9) * 5) == (
        "9 outcomes of what it predicted are known so far, and it takes 10 to judge it"
    )


@pytest.mark.parametrize(("same_kind", "passes"), [(True, True), (False, False)])
def test_an_equal_one_passes_only_where_it_is_of_the_same_kind(same_kind: bool, passes: bool) -> None:  # noqa: FBT001
    assert judge(rows(0.7, 0.7), RULES, same_kind=same_kind).passed is passes


def test_a_worse_one_fails_of_whatever_kind() -> None:
    for same_kind in (True, False):
        assert "its log loss is" in said(rows(0.6, 0.7), same_kind=same_kind)


def test_never_worse_than_the_pace_rule() -> None:
    assert "version 0, the pace rule, has 0.1054" in said(rows(0.8, 0.7, pace=0.9))
    assert said(rows(0.8, 0.7, pace=0.8)) == ""


def test_the_last_labels_count_and_not_what_was_long_ago() -> None:
    long_ago = [replace(row, key_result_id=f"old/{row.key_result_id}") for row in rows(0.99, 0.5, labels=40)]
    assert "not better" in said([*long_ago, *rows(0.6, 0.7, labels=40)])


def test_a_source_may_not_pay_for_the_others() -> None:
    mixed = [*rows(0.95, 0.6, source="large", labels=30), *rows(0.55, 0.7, source="small", labels=10)]
    assert said(mixed).startswith("for source small its log loss is")
    few = [*rows(0.95, 0.6, source="large", labels=30), *rows(0.55, 0.7, source="small", labels=9)]
    assert said(few) == ""


def test_calibration_may_not_get_worse() -> None:
    """Surer and rightly so in rank, but wrong in number: log loss alone would let it through."""
    found = [
        Judged(str(label), "acme", label % 10 < 6, candidate, 0.5, 0.5)
        for label in range(40)
        for candidate in [0.97 if label % 10 < 4 else 0.72]
    ]
    verdict = judge(found, Rules(calibration_margin=0.0, margin=0.0), same_kind=False)
    assert verdict.figures["replaced"]["ece"]["candidate"] > 0.1
    assert any("calibration error" in reason for reason in verdict.reasons)


def test_what_the_one_before_never_spoke_of_is_judged_by_the_pace_rule_alone() -> None:
    verdict = judge(rows(0.8, None), RULES, same_kind=False)
    assert (verdict.passed, verdict.figures["replaced"]) == (True, None)


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.floats(0.01, 0.99)), min_size=2, max_size=40))
def test_each_label_counts_once(drawn: list[tuple[int, bool, float]]) -> None:
    """Against an oracle: the mean over key results of their mean losses."""
    outcome = {key: achieved for key, achieved, _ in drawn}
    found = [Judged(str(key), "acme", outcome[key], probability, None, 0.5) for key, _, probability in drawn]
    verdict = judge(found, Rules(least_labels=1), same_kind=True)
    counts = {key: sum(one == key for one, _, _ in drawn) for key in outcome}
    expected = reference(
        [outcome[key] for key, _, _ in drawn],
        [probability for _, _, probability in drawn],
        sample_weight=[1 / counts[key] for key, _, _ in drawn],
        labels=[False, True],
    )
    assert verdict.figures["version_0"]["log_loss"]["candidate"] == pytest.approx(expected, abs=1e-5)


def test_the_calibration_error_of_a_fair_coin_that_is_said_to_be_sure() -> None:
    outcomes, sure = np.array([1.0, 0.0] * 50), np.full(100, 0.9)
    assert Answers(outcomes, sure).measured(np.ones((1, 100)))["ece"][0] == pytest.approx(0.4)
