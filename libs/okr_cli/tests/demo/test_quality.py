"""The demo must say plainly where a simple rule is better than the model, and not claim what chance may have done."""

import random
from datetime import UTC, datetime, timedelta

from okr_cli.demo.metrics import Figure
from okr_cli.demo.quality import RULES, Predicted, as_data, by_month, months_where, verdicts
from okr_cli.demo.timing import summaries, took


def year(sure: dict[int, float], rule: dict[int, float], count: int = 120) -> list[Predicted]:
    """Months in which model and rule are right with these chances."""
    chance = random.Random(3)  # noqa: S311 - draws test data
    found = []
    for number in range(count):
        achieved = number % 3 == 0
        for month, skill in sure.items():
            right, rule_right = chance.random() < skill, chance.random() < rule[month]
            baselines = dict.fromkeys(RULES, 0.5) | {"meets_now": 0.9 if achieved == rule_right else 0.1}
            found.append(Predicted(month, f"{number}/2017", achieved, 0.8 if achieved == right else 0.2, baselines))
    return found


def test_each_month_names_the_better_one() -> None:
    months = by_month(year({1: 0.95, 6: 0.7, 9: 0.8}, {1: 0.6, 6: 1.0, 9: 0.8}))
    assert months_where(months, "meets_now", "accuracy", 1) == [1]
    assert months_where(months, "meets_now", "accuracy", -1) == [6]
    auc, brier, accuracy = verdicts(months)
    assert "the rule is better in Jun" in auc
    assert "the model is better in Jan" in brier
    assert "the rule is better in Jun; the model is better in Jan" in accuracy


def test_a_month_of_one_outcome_has_no_auc_and_is_still_told() -> None:
    months = by_month([Predicted(1, f"{n}/2017", False, 0.2, dict.fromkeys(RULES, 0.5)) for n in range(5)])
    assert months[1].quality["model"].auc == Figure(None)
    assert as_data(months)[0]["predictors"]["model"]["auc"] == {"value": None, "low": None, "high": None}


def test_the_two_years_of_an_indicator_are_one_cluster() -> None:
    one = Predicted(1, "100360/2016", True, 0.5, {})
    assert one.cluster == Predicted(2, "100360/2017", True, 0.5, {}).cluster


def test_times_are_over_rows() -> None:
    dropped = datetime(2017, 1, 1, tzinfo=UTC)
    slow = took(dropped, [dropped + timedelta(seconds=n) for n in range(1, 101)])
    told = summaries({"big": slow, "small": [0.2], "none": []})
    assert (told["big"].p50, told["big"].p95, told["big"].slowest) == (51.0, 96.0, 100.0)
    assert told["all rows"].rows == 101
    assert "none" not in told
