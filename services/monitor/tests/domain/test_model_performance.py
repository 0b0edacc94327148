import random

from okr_monitor.domain.model_performance import ENOUGH, Scored, assess
from okr_monitor.domain.verdict import Verdict


def rows(number: int, *, model: float, rule: float) -> list[Scored]:
    """Key results of which half are achieved; model and rule say the truth with these sharpnesses."""
    draw = random.Random(7)  # noqa: S311 - no secret
    found = []
    for each in range(number):
        achieved = each % 2 == 0
        noise = draw.uniform(-0.05, 0.05)
        said = {"rule": 0.5 + (rule + noise) * (1 if achieved else -1)}
        probability = 0.5 + (model + noise) * (1 if achieved else -1)
        found.append(Scored("mta", f"k{each}", each / number, probability, said, achieved))
    return found


def test_a_model_that_is_better_than_its_baselines_is_fine() -> None:
    found = assess(rows(100, model=0.4, rule=0.1))
    assert found.verdict is Verdict.OK
    assert found.models[0].behind is None
    assert set(found.models[0].predictors) == {"model", "rule"}
    assert found.models[0].predictors["model"].n == 100


def test_a_baseline_that_is_better_by_more_than_chance_is_named() -> None:
    found = assess(rows(100, model=0.1, rule=0.4))
    assert found.models[0].behind == "rule"
    assert found.verdict is Verdict.ATTENTION


def test_few_key_results_say_nothing() -> None:
    found = assess(rows(ENOUGH - 1, model=0.1, rule=0.4))
    assert found.models[0].behind is None
    assert found.verdict is Verdict.UNKNOWN


def test_many_predictions_of_few_key_results_are_few_observations() -> None:
    found = assess([row for row in rows(10, model=0.1, rule=0.4) for _ in range(100)])
    assert found.verdict is Verdict.UNKNOWN
    assert found.models[0].key_results == 10


def test_a_baseline_that_did_not_always_answer_is_scored_where_it_did() -> None:
    some = rows(60, model=0.2, rule=0.2)
    partly = [row._replace(baselines={}) if number % 3 else row for number, row in enumerate(some)]
    assert assess(partly).models[0].predictors["rule"].n == 20


def test_rows_are_grouped_by_how_much_of_the_period_was_over() -> None:
    found = assess(rows(100, model=0.2, rule=0.2)).models[0].by_elapsed
    assert {name: part["model"].n for name, part in found.items()} == {
        "up to 25 %": 26,
        "up to 50 %": 25,
        "up to 75 %": 25,
        "up to 90 %": 15,
        "the rest": 9,
    }


def test_nothing_scored_is_unknown() -> None:
    assert assess([]).verdict is Verdict.UNKNOWN
