"""What key results have in common is counted as it becomes known, taken back with what is withdrawn, and bounded."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime
from math import log, log1p
from typing import Any

import pytest

from okr_trainer.domain import tallies
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.features import Features
from okr_trainer.domain.inputs import Gone, Input
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.reasons import describe
from okr_trainer.domain.tallies import Ended, Tallies, Tally, word_keys
from okr_trainer.domain.what_if import Change, answered, suppose
from okr_trainer.testing import Company

NewLearner = Callable[..., Learner]
JANUARY = date(2017, 1, 1)
JUNE, DECEMBER = date(2017, 6, 30).toordinal(), date(2017, 12, 31).toordinal()


@pytest.fixture
def learner(new_learner: NewLearner) -> Learner:
    return new_learner()


def told(learner: Learner, *said: Input) -> list[Draft]:
    step = learner.take(said, {})
    learner.release()
    return step.drafts


def x_of(drafts: list[Draft]) -> Features:
    x = drafts[-1].x
    assert x is not None
    return x


def ended(company: Company, learner: Learner, name: str, *, achieved: bool, **more: Any) -> None:  # noqa: ANN401
    """Defined in January, checked in on 98 of 100, ended in February."""
    told(learner, company.define(name, JANUARY, **more), company.check_in(name, date(2017, 1, 31), 98.0))
    told(learner, company.outcome(name, date(2017, 2, 1), 101.0 if achieved else 98.0, achieved=achieved))


def test_an_owner_an_objective_and_a_word_tell_how_others_ended(company: Company, learner: Learner) -> None:
    more: dict[str, Any] = {"owner": "Ann", "attributes": {"team": "blue"}}
    for number in range(3):
        ended(company, learner, f"a{number}/2017", achieved=True, **more)
        ended(company, learner, f"b{number}/2017", achieved=False, owner="Bob", attributes={"team": "red"})
    drafts = told(learner, company.define("new/2017", date(2017, 3, 1), **more))
    x = x_of(drafts)
    three_of_three = log((3 + 3 * 0.5) / (3 - 3 + 3 * 0.5))
    assert x["owner_odds"] == x["attribute:team@rate"] == pytest.approx(three_of_three)
    assert x["objective_odds"] == pytest.approx(0.0)
    assert describe("owner", drafts[-1]) == "about 75% of its owner's key results were reached, 74% lately"
    assert describe("attribute:team", drafts[-1]) == "team is blue; about 75% of those were reached"


def test_what_an_owner_usually_reaches_is_held_against_the_target(company: Company, learner: Learner) -> None:
    """Of the same unit alone: points are not euros. The last outcomes tell most, the first of them little."""
    points: dict[str, Any] = {"owner": "Ann", "unit": "points", "direction": "increase", "baseline": 0.0}
    reach = [x_of(told(learner, company.define("0/2017", JANUARY, **points)))["owner_reach"]]
    for number, final in enumerate((40.0, 60.0), start=1):
        said = company.define(f"{number}/2017", JANUARY, **points)
        told(learner, said, company.outcome(f"{number}/2017", date(2017, 2, number), final, achieved=False))
        reach.append(x_of(told(learner, company.define(f"then{number}/2017", JANUARY, **points)))["owner_reach"])
    assert reach == pytest.approx([0.0, -0.6 * 1 / 2, ((0.9 * 40 + 60) / 1.9 / 100 - 1) * 1.9 / 2.9])
    for other in ({"unit": "euros"}, {"unit": None}, {"owner": "Bob"}, {"owner": None}, {"direction": "stay_above"}):
        said = company.define(f"{other}/2017", JANUARY, **(points | other))
        assert x_of(told(learner, said))["owner_reach"] == 0.0, other
    low = told(learner, company.define("low/2017", JANUARY, **points, target=50.0))
    assert describe("owner", low[-1]).endswith("; by what they reach it ends about 1% past its target")


def test_what_an_owner_reached_lately_counts_most(company: Company, learner: Learner) -> None:
    """Three missed by 10 % of the target, then two reached by 10 %: each leaves .9 of those before it."""
    nobody = x_of(told(learner, company.define("first/2017", JANUARY, owner="Ann")))
    for number, (final, achieved) in enumerate([(90.0, False)] * 3 + [(110.0, True)] * 2):
        name = f"{number}/2017"
        told(learner, company.define(name, JANUARY, owner="Ann"))
        told(learner, company.outcome(name, date(2017, 2, 1 + number), final, achieved=achieved))
    newest = told(learner, company.define("new/2017", JANUARY, owner="Ann"))
    x, faded, weights = x_of(newest), 1 + 0.9 + 0.9**2 + 0.9**3 + 0.9**4, 1 + 0.9
    base = (2 + 1) / (5 + 2)
    share = (weights + 3 * base) / (faded + 3)
    assert (nobody["owner_lately"], nobody["owner_margin"]) == (0.0, 0.0)
    assert x["owner_lately"] == pytest.approx(log(share / (1 - share)) - log(base / (1 - base)))
    assert x["owner_margin"] == pytest.approx(0.1 * (2 * weights - faded) / (faded + 1))
    assert describe("owner", newest[-1]) == "about 41% of its owner's key results were reached, 45% lately"
    bobs = x_of(told(learner, company.define("other/2017", JANUARY, owner="Bob")))
    assert (bobs["owner_lately"], bobs["owner_margin"]) == (0.0, 0.0)


def test_an_endless_value_does_not_poison_what_its_owner_reaches() -> None:
    counted = Tallies()
    for final in (1e308, -1e308, float("inf"), 3.0):
        counted.add(["reach|acme|increase|points|Ann"], Ended(final, 0.0, achieved=True))
        assert abs(counted.known["reach|acme|increase|points|Ann"].reached) <= 1e150


def test_where_it_stands_tells_how_those_ended_that_stood_there(company: Company, learner: Learner) -> None:
    for number in range(5):
        ended(company, learner, f"a{number}/2017", achieved=False)
    ended(company, learner, "b/2017", achieved=True, attributes={})
    alike = told(learner, company.define("new/2017", JANUARY), company.check_in("new/2017", date(2017, 2, 3), 98.0))
    x = x_of(alike)
    assert x["left_odds"] == x["gap_odds"] != 0.0
    other = x_of(told(learner, company.check_in("new/2017", date(2017, 12, 30), 180.0)))
    assert (other["left_odds"], other["gap_odds"]) == (0.0, 0.0)
    assert "of those with as many days left" in describe("stand", alike[-1])


def test_nobody_is_counted_before_the_outcome_is_heard(company: Company, learner: Learner) -> None:
    told(learner, company.define("a/2017", JANUARY, owner="Ann"), company.check_in("a/2017", date(2017, 1, 31), 98.0))
    x = x_of(told(learner, company.define("b/2017", date(2017, 3, 1), owner="Ann")))
    assert [x[name] for name in ("owner_odds", "objective_odds", "left_odds", "way_odds", "gap_odds")] == [0.0] * 5


def test_a_key_result_counts_once_where_it_stood_however_often(company: Company, learner: Learner) -> None:
    told(learner, company.define("a/2017", JANUARY))
    told(learner, *(company.check_in("a/2017", date(2017, 1, day), 98.0) for day in range(2, 20)))
    told(learner, company.outcome("a/2017", date(2017, 2, 1), 98.0, achieved=False))
    assert {one.outcomes for one in learner.tallies.known.values() if one.outcomes} == {1}


def test_others_that_are_open_are_the_backlog(company: Company, learner: Learner) -> None:
    elsewhere = "0" * 8
    for name, more in (("a", {}), ("b", {"due": JUNE}), ("c", {"objective_id": elsewhere})):
        told(learner, company.define(f"{name}/2017", JANUARY, **more))
    drafts = told(learner, company.define("new/2017", JANUARY))
    counts = ("same_due", "open_in_source", "open_in_objective")
    assert [x_of(drafts)[name] for name in counts] == [log1p(2), log1p(3), log1p(2)]
    assert describe("backlog", drafts[-1]) == "3 others of its source open, 2 due that day, 2 of its objective"

    told(learner, company.define("b/2017", date(2017, 2, 1), revision=2))
    told(learner, company.outcome("a/2017", date(2017, 2, 1), 98.0, achieved=None))
    told(learner, Gone(company.version("key_result/c/2017", date(2017, 2, 1), 2)))
    x = x_of(told(learner, company.check_in("new/2017", date(2017, 2, 2), 98.0)))
    assert [x[name] for name in counts] == [log1p(1)] * 3


def test_a_due_date_that_nobody_had_set_is_counted_nowhere(company: Company, learner: Learner) -> None:
    """Nor its objective: of which period that is, the date may decide."""
    ended(company, learner, "a/2017", achieved=True)
    told(learner, company.define("b/2017", JANUARY, due_known=False))
    x = x_of(told(learner, company.define("c/2017", JANUARY, due_known=False)))
    assert (x["same_due"], x["open_in_objective"], x["objective_odds"]) == (0.0, 0.0, 0.0)
    assert x["open_in_source"] == log1p(1)
    assert x_of(told(learner, company.define("d/2017", JANUARY)))["same_due"] == 0.0


def test_the_last_outcomes_tell_of_the_present(company: Company, learner: Learner) -> None:
    for number in range(60):
        ended(company, learner, f"{number}/2017", achieved=number >= 30)
    x = x_of(told(learner, company.define("new/2017", date(2017, 3, 1))))
    assert x["base_rate"] == pytest.approx(0.5)
    assert float(x["base_of_50"]) > float(x["base_of_500"]) > 0.0


def test_what_if_counts_it_where_it_would_be(company: Company, learner: Learner) -> None:
    told(learner, *(company.define(f"{name}/2017", JANUARY, due=JUNE) for name in "ab"))
    told(learner, company.define("new/2017", JANUARY))
    before, state = deepcopy(learner.tallies.known), learner.states[company.key_result_id("new/2017")]
    now = datetime(2017, 2, 1, tzinfo=UTC)
    asked = [suppose(state, Change(due=due), 0, now) for due in (DECEMBER, JUNE)]
    stays, moves = (one.x for one in answered(learner, asked, now))
    assert stays is not None
    assert moves is not None
    assert (stays["same_due"], moves["same_due"]) == (0.0, log1p(2))
    assert stays["open_in_source"] == moves["open_in_source"] == log1p(2)
    assert learner.tallies.known == before


def test_words_beyond_the_cap_are_counted_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_WORDS", 2)
    counted = Tallies()
    for word in ("a", "b", "c"):
        counted.add([f"word:team|{word}", f"word:place|{word[0]}"], Ended(1.0, 0.0, achieved=True))
    assert [f"word:team|{word}" in counted.known for word in ("a", "b", "c")] == [True, True, False]
    again = Tallies.of(dict(counted.known))
    again.add(["word:team|d", "word:team|a"], Ended(0.0, 0.0, achieved=False))
    assert "word:team|d" not in again.known
    again.take_back(["word:team|b"], achieved=True)
    again.add(["word:team|d"], Ended(1.0, 0.0, achieved=True))
    assert again.known["word:team|d"] == Tally(0, 1, 1)


def test_a_tally_of_nothing_is_forgotten_and_none_falls_below_it() -> None:
    counted = Tallies()
    counted.move((), ("due:acme|1",))
    counted.move(("due:acme|1",), ("due:acme|2",))
    counted.take_back(["owner|acme|Ann"], achieved=True)
    assert counted.known == {"due:acme|2": Tally(open=1)}
    assert counted.touched["due:acme|1"].empty


def test_no_word_breaks_a_key() -> None:
    words: dict[str, str | float] = {"team": "a\x00b", "mood": "\udc80"}
    state = KeyResultState("k", "acme", attributes=words)
    assert all(key.isprintable() for key in word_keys(state).values())
