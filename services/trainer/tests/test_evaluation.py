"""The tables: who is better than whom, and whether chance alone would explain it."""

from datetime import UTC, date, datetime, timedelta

import numpy as np

from okr_trainer.domain.evaluation import Scored, evaluate, headline, table
from okr_trainer.domain.pictures import pictures

START, DUE = date(2024, 1, 1), date(2024, 12, 30)


def scored(number: int, month: int, achieved: bool, probability: float, baselines: dict[str, float]) -> Scored:  # noqa: FBT001
    return Scored(
        key_result_id=f"k{number:04}",
        source="acme" if number % 2 else "beta",
        elapsed=month / 12,
        day=START + timedelta(days=30 * month),
        due=DUE,
        ended=datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number),
        achieved=achieved,
        probability=probability,
        baselines=baselines,
    )


def told(count: int = 60, *, owners: int = 0) -> list[Scored]:
    """The model sees the outcome dimly, the coin nothing, the oracle all; some owners say what they think."""
    random = np.random.default_rng(7)
    rows = []
    for number in range(count):
        achieved = bool(random.random() < 0.4)
        for month in range(1, 12):
            seen = 0.3 + 0.4 * achieved + 0.2 * float(random.random() - 0.5)
            baselines = {"coin": float(random.random()), "oracle": 0.05 + 0.9 * achieved}
            if number < owners:
                baselines["owner_confidence"] = 1.0 - seen
            rows.append(scored(number, month, achieved, seen, baselines))
    return rows


def test_one_class_alone_has_no_auc() -> None:
    rows = [scored(number, 4, True, 0.7, {"meets_now": 0.9}) for number in range(5)]
    said = table(rows)
    assert said["predictors"]["model"]["auc"] == [None, None, None]
    assert said["predictors"]["meets_now"]["accuracy"] == [1.0, 1.0, 1.0]
    assert said["against"]["meets_now"]["auc"] == [None, None, None, "cannot tell"]
    assert "auc" not in headline(evaluate(rows))["model"]
    assert "lead_time_days" not in headline(evaluate(rows))["model"]


def test_intervals_hold_the_value_and_are_the_same_each_time() -> None:
    said = table(told())
    assert said == table(told())
    for measured in said["predictors"].values():
        for name, (value, low, high) in measured.items():
            if name not in {"ece", "reliability", "uncertainty"}:  # drawing again blurs them all the same way
                assert low <= value <= high, name


def test_the_model_is_compared_with_each_baseline_on_the_same_draws() -> None:
    against = table(told())["against"]
    assert {against["coin"][name][3] for name in ("auc", "log_loss", "brier", "pr_auc", "resolution")} == {"better"}
    assert {against["oracle"][name][3] for name in ("log_loss", "brier", "ece")} == {"worse"}
    assert against["coin"]["uncertainty"] == [0.0, 0.0, 0.0, "cannot tell"]
    few = table(told(4))["against"]["coin"]
    assert few["accuracy"][3] == "cannot tell"


def test_pairing_makes_a_difference_surer_than_two_intervals() -> None:
    rows = [
        scored(number, 6, number % 3 == 0, 0.2 + 0.01 * (number % 50), {"twin": 0.23 + 0.01 * (number % 50)})
        for number in range(120)
    ]
    said = table(rows)
    ours, theirs = (said["predictors"][name]["log_loss"] for name in ("model", "twin"))
    assert ours[1] < theirs[0] < ours[2]
    value, low, high, _ = said["against"]["twin"]["log_loss"]
    assert high - low < (ours[2] - ours[1]) / 3
    assert value == round(ours[0] - theirs[0], 5)


def test_owners_are_compared_where_they_said_something() -> None:
    said = table(told(owners=20))
    assert (said["n"], said["answered"]["owner_confidence"], said["answered"]["coin"]) == (660, 220, 660)
    assert said["against"]["owner_confidence"]["auc"][3] == "better"
    of_owners = table(told()[:220])["predictors"]["model"]["log_loss"][0]
    theirs = said["predictors"]["owner_confidence"]["log_loss"][0]
    assert abs(said["against"]["owner_confidence"]["log_loss"][0] - (of_owners - theirs)) < 1e-4
    assert "owner_confidence" not in headline(evaluate(told(owners=20)))


def test_sources_and_parts_have_tables_of_their_own() -> None:
    said = evaluate(told())
    assert [(name, one["n"]) for name, one in said["by_source"].items()] == [("acme", 330), ("beta", 330)]
    assert list(said["by_elapsed"]) == ["up to 25 %", "up to 50 %", "up to 75 %", "up to 90 %", "the rest"]
    assert said["by_source"]["acme"] == table([row for row in told() if row.source == "acme"])
    assert said["all"]["ece_ceiling"] > 0.02


def test_lead_times_stand_beside_the_alerts_they_cost() -> None:
    leads = evaluate(told(owners=20))["lead_time"]
    assert set(leads) == {"model", "coin", "oracle"}
    missed = [row for row in told() if not row.achieved]
    assert leads["oracle"]["median_days"][0] == 334.0
    assert leads["oracle"]["alerts"] == round(len(missed) / len(told()), 5)
    assert leads["coin"]["median_days"][0] < 90.0
    assert headline(evaluate(told()))["oracle"]["lead_time_days"] == 334.0


def test_nothing_to_evaluate_is_defined() -> None:
    said = evaluate([])
    assert said["all"] == {"n": 0, "key_results": 0, "achieved": 0, "predictors": {}}
    assert (said["by_source"], said["lead_time"], headline(said)) == ({}, {}, {})


def test_the_learning_curve_ends_where_all_outcomes_are_known() -> None:
    rows = told(300)
    curve = pictures(rows)["learning"]
    assert (curve["outcomes"][0], curve["outcomes"][-1], len(curve["outcomes"])) == (1, 300, 60)
    assert curve["ended"] == sorted(curve["ended"])
    whole = table(rows)["predictors"]["model"]["log_loss"][0]  # every key result has as many rows
    assert abs(curve["predictors"]["model"]["so_far"][-1] - whole) < 1e-4
    last = table([row for row in rows if int(row.key_result_id[1:]) >= 100])["predictors"]["coin"]["log_loss"][0]
    assert abs(curve["predictors"]["coin"]["lately"][-1] - last) < 1e-4


def test_what_cannot_be_drawn_is_not() -> None:
    assert pictures([])["calibration"] is None
    one = pictures(told(1))
    assert one["learning"]["outcomes"] == [1]
    assert "owner_confidence" not in pictures(told(30, owners=20))["learning"]["predictors"]


def test_few_misses_are_looked_for_among_a_fifth() -> None:
    rows = [scored(number, 6, number % 10 != 0, 0.2 + 0.007 * number, {}) for number in range(100)]
    assert evaluate(rows)["lead_time"]["model"]["alerts"] == 0.2
