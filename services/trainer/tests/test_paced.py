"""The pace rule and a regression together: River's interface, how it begins, what becomes of a rule that is wrong."""

import random

import pytest
from river import checks

from okr_trainer.domain.digest import state_digest
from okr_trainer.domain.numbers import sigmoid
from okr_trainer.domain.paced import PRIOR, PacedNewton, rule_of

X = dict[str, float | str]


def row(pace: float, size: float = 0.0) -> X:
    return {"no_value": 0.0, "direction": "increase", "elapsed": 0.5, "pace": pace, "size": size}


def taught(count: int, sign: float, seed: int = 1) -> PacedNewton:
    """Outcomes as the rule says them (`sign` 1), as if it said nothing (0), or the contrary (-1); and by size."""
    drawn, model = random.Random(seed), PacedNewton()  # noqa: S311 - an example, no secret
    for _ in range(count):
        x = row(drawn.uniform(-0.3, 0.3), drawn.gauss(0.0, 1.0))
        model.learn_one(dict(x), drawn.random() < sigmoid(sign * rule_of(x) + float(x["size"])))
    return model


def test_it_is_an_estimator_as_river_wants_them() -> None:
    checks.check_estimator(PacedNewton())


def test_it_begins_as_the_pace_rule() -> None:
    for pace in (-0.4, 0.0, 0.1):
        assert PacedNewton().raw(row(pace)) == rule_of(row(pace))
    assert rule_of(row(-0.1)) < 0.0 < rule_of(row(0.1))


@pytest.mark.parametrize("sign", [1.0, 0.0, -1.0])
def test_it_finds_what_the_rule_is_worth_and_what_it_leaves(sign: float) -> None:
    model = taught(3_000, sign)
    for pace in (-0.2, 0.2):
        assert model.raw(row(pace)) == pytest.approx(sign * rule_of(row(pace)), abs=0.3)
    assert model.raw(row(0.0, 1.0)) == pytest.approx(1.0, abs=0.3)


def test_after_a_drift_the_rule_is_open_to_news() -> None:
    model = taught(1_000, 1.0)
    known = model.known
    model.loosen(0.1)
    assert PRIOR < model.known == pytest.approx(known / 10.0)


def test_its_state_as_plain_values_is_the_same_model() -> None:
    model = taught(300, 1.0)
    again = PacedNewton.from_dict(model.to_dict())
    for one in (model, again):
        one.learn_one(dict(row(0.1, 2.0)), False)
    assert state_digest(again) == state_digest(model)
