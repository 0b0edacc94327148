"""The regression by Newton: River's interface, what it learns, and what it leaves alone."""

import random

import numpy as np
import pytest
from river import checks

from okr_trainer.domain.newton import MOST_NAMES, MOST_WORDS, NewtonLogistic
from okr_trainer.domain.numbers import sigmoid


def rows(count: int, seed: int = 1) -> list[tuple[dict[str, float | str], bool]]:
    """Outcomes whose log-odds are 2 x size - 1, and -1 less where the team is red."""
    drawn = random.Random(seed)  # noqa: S311 - an example, no secret
    made = []
    for _ in range(count):
        size, team = drawn.gauss(0.0, 1.0), drawn.choice(["red", "blue"])
        chance = sigmoid(2.0 * size - 1.0 - (team == "red"))
        made.append(({"size": size, "team": team}, drawn.random() < chance))
    return made


def taught(count: int, **settings: float) -> NewtonLogistic:
    model = NewtonLogistic(**settings)
    for x, y in rows(count):
        model.learn_one(x, y)
    return model


def test_it_is_an_estimator_as_river_wants_them() -> None:
    checks.check_estimator(NewtonLogistic())


def test_it_finds_what_the_outcomes_were_drawn_from() -> None:
    model = taught(3_000, prior=1.0, forgetting=1.0)
    raw = [model.raw({"size": size, "team": team}) for size, team in ((0.0, "blue"), (1.0, "blue"), (0.0, "red"))]
    assert raw == pytest.approx([-1.0, 1.0, -2.0], abs=0.25)


def test_a_row_of_half_the_weight_counts_half() -> None:
    whole, halves = NewtonLogistic(forgetting=1.0), NewtonLogistic(forgetting=1.0)
    for x, y in rows(200):
        whole.learn_one(x, y)
        halves.learn_one(x, y, w=0.5)
    assert abs(halves.raw({"size": 1.0, "team": "blue"})) < abs(whole.raw({"size": 1.0, "team": "blue"}))
    assert halves.seen == 101.0


def test_it_follows_a_base_rate_that_changes() -> None:
    model = NewtonLogistic(prior=1.0, forgetting=0.99)
    for number in range(2_000):
        model.learn_one({"size": 0.0}, number % 10 == 0 if number < 1_000 else number % 10 != 0)
    assert model.predict_proba_one({"size": 0.0})[True] == pytest.approx(0.9, abs=0.05)


def test_what_comes_first_after_a_million_rows_is_no_surprise_but_news() -> None:
    """Forgetting leaves no weight less certain than it was in the beginning."""
    model = NewtonLogistic(forgetting=0.5)
    for number in range(2_000):  # 0.5^2000 is nothing
        model.learn_one({"size": float(number % 7), "rare": 0.0}, number % 3 == 0)
    assert np.diag(model.spread).max() <= 1.0 / model.prior + 1e-12
    assert np.linalg.eigvalsh(model.spread).min() > -1e-12
    model.learn_one({"size": 1.0, "rare": 1.0}, True)
    assert np.isfinite(model.weights).all()
    assert np.abs(model.weights).max() < 5.0


def test_a_feature_with_as_many_words_as_ids_have_says_nothing() -> None:
    model = NewtonLogistic()
    for number in range(MOST_WORDS + 5):
        model.learn_one({"id": f"K-{number}"}, True)
    bare = model.raw({})
    assert [model.raw({"id": f"K-{number}"}) for number in range(MOST_WORDS + 5)] == [bare] * (MOST_WORDS + 5)


def test_it_stays_within_its_size() -> None:
    model = NewtonLogistic()
    for number in range(MOST_NAMES + 10):
        model.learn_one({f"number_{number}": 1.0}, number % 2 == 0)
    assert len(model.places) == len(model.weights) == MOST_NAMES
    assert np.isfinite(model.spread).all()


def test_what_is_far_out_counts_as_far_as_the_cut() -> None:
    model = taught(500)
    assert model.raw({"size": 1e30, "team": "red"}) == model.raw({"size": 1e6, "team": "red"})


def test_its_state_as_plain_values_is_the_same_model() -> None:
    model = taught(300)
    again = NewtonLogistic.from_dict(model.to_dict())
    for x, y in rows(100, seed=2):
        model.learn_one(x, y)
        again.learn_one(x, y)
    assert again.to_dict() == model.to_dict()
