"""Hoeffding trees: River's interface, what they find, how they follow a change, that they stay within their size."""

import random

import numpy as np
import pytest
from river import checks

from okr_trainer.domain.digest import state_digest
from okr_trainer.domain.forest import Forest
from okr_trainer.domain.forest_view import FEW, ForestView
from okr_trainer.domain.leaf import BINS
from okr_trainer.domain.newest_rows import KEPT, MOST_NAMES, MOST_WORDS, answers_of
from okr_trainer.domain.tree import DEEPEST, MOST_LEAVES

Rows = list[tuple[dict[str, float | str], bool]]
MEMBERS = [(1, 0), (5, 3)]


def rows(count: int, seed: int = 1, *, turned: bool = False) -> Rows:
    """Achieved are nine in ten of those whose size and speed are both high or both low: no sum of the two tells."""
    drawn = random.Random(seed)  # noqa: S311 - an example, no secret
    made: Rows = []
    for _ in range(count):
        size, speed, noise = (drawn.gauss(0.0, 1.0) for _ in range(3))
        alike = (size > 0) == (speed > 0.5)
        made.append(({"size": size, "speed": speed, "noise": noise, "team": drawn.choice(["red", "blue"])},
                     (drawn.random() < (0.9 if alike else 0.1)) != turned))  # fmt: skip
    return made


def taught(said: Rows, trees: int = 1, watched: int = 0) -> Forest:
    forest = Forest(trees, watched)
    for x, y in said:
        forest.learn_one(x, y)
    return forest


def right(forest: Forest, said: Rows) -> float:
    return sum((forest.raw(x) > 0) == y for x, y in said) / len(said)


@pytest.mark.parametrize(("trees", "watched"), MEMBERS)
def test_it_is_an_estimator_as_river_wants_them(trees: int, watched: int) -> None:
    checks.check_estimator(Forest(trees, watched))


@pytest.mark.parametrize(("trees", "watched"), MEMBERS)
def test_it_finds_what_no_sum_of_features_tells(trees: int, watched: int) -> None:
    assert right(taught(rows(3_000), trees, watched), rows(500, seed=2)) > 0.8


@pytest.mark.parametrize("taught_rows", [0, 60, 3_000])
@pytest.mark.parametrize(("trees", "watched"), MEMBERS)
def test_many_rows_at_once_are_scored_as_each_is_alone(trees: int, watched: int, taught_rows: int) -> None:
    forest, asked = taught(rows(taught_rows), trees, watched), [x for x, _ in rows(4 * FEW, seed=2)] + [{}]
    columns = {"size": np.array([float(x.get("size", 0.0)) for x in asked])}
    alone = [ForestView(forest).score([x]) for x in asked]
    for many in (ForestView(forest).score(asked), ForestView(forest).score(asked, columns)):
        assert many.raw.tolist() == [one.raw[0] for one in alone]
        assert many.raw.tolist() == pytest.approx([forest.raw(x) for x in asked])
        for aspect, part in many.aspects.items():
            assert part.tolist() == [one.aspects[aspect][0] if aspect in one.aspects else 0.0 for one in alone]
        assert {aspect for one in alone for aspect in one.aspects} <= many.aspects.keys()


def test_of_nothing_but_chance_it_makes_little() -> None:
    drawn = random.Random(3)  # noqa: S311
    noise: Rows = [({f"n{n}": drawn.gauss(0.0, 1.0) for n in range(20)}, drawn.random() < 0.5) for _ in range(2_000)]
    forest = taught(noise)
    assert np.mean([abs(forest.predict_proba_one(x)[True] - 0.5) for x, _ in noise]) < 0.1


def test_a_small_leaf_is_not_sure() -> None:
    forest = taught([({"size": 1.0}, True)] * 5)
    assert forest.predict_proba_one({"size": 1.0})[True] < 0.8


def test_rows_that_say_nothing_teach_the_base_rate() -> None:
    forest = taught([({}, number % 4 == 0) for number in range(400)])
    assert forest.predict_proba_one({"size": 1.0})[True] == pytest.approx(0.25, abs=0.02)


def test_half_a_weight_counts_half() -> None:
    forest = Forest()
    for _ in range(10):
        forest.learn_one({"size": 1.0}, True, w=0.5)
    assert forest.members[0].root.seen == pytest.approx(5.0, rel=0.01)


def test_what_turns_into_its_contrary_is_cut_back_and_learned_anew() -> None:
    forest = taught(rows(3_000))
    grown = forest.members[0].leaves
    assert right(forest, rows(300, seed=4, turned=True)) < 0.3
    for x, y in rows(3_000, seed=5, turned=True):
        forest.learn_one(x, y)
    assert grown > 3
    assert right(forest, rows(300, seed=4, turned=True)) > 0.75


def test_what_was_learned_can_be_made_to_count_less() -> None:
    forest = taught(rows(1_000))
    before = forest.members[0].root.seen
    forest.loosen(0.1)
    assert forest.members[0].root.seen == pytest.approx(before / 10.0)


@pytest.mark.parametrize(("trees", "watched"), MEMBERS)
def test_it_stays_within_its_size(trees: int, watched: int) -> None:
    drawn, forest = random.Random(7), Forest(trees, watched)  # noqa: S311
    for number in range(4_000):
        x: dict[str, float | str] = {f"n{n}": drawn.gauss(0.0, 1.0) for n in range(12)}
        x |= {f"late_{number % 400}": 1.0, "id": f"K-{number}"}
        forest.learn_one(x, sum(float(x[f"n{n}"]) > 0 for n in range(12)) % 2 == 0 or float(x["n1"]) > 0.5)
    assert len(forest.rows.table) == KEPT
    assert len(forest.rows.places) == MOST_NAMES
    assert sum(name.word is not None for name in forest.rows.places) <= MOST_WORDS
    for tree in forest.members:
        assert tree.leaves <= MOST_LEAVES
        assert len(tree.path(answers_of({}))) <= DEEPEST + 1
    assert all(np.isfinite(node.chance(0.5)) for tree in forest.members for node in tree.root.below())


@pytest.mark.parametrize(("trees", "watched"), MEMBERS)
def test_what_is_counted_does_not_depend_on_when_it_is_asked_for(trees: int, watched: int) -> None:
    """A leaf counts rows when it looks for a split, or when its state is kept: nobody can tell which it was."""
    asked, left = Forest(trees, watched), Forest(trees, watched)
    for x, y in rows(500):
        asked.learn_one(x, y)
        left.learn_one(x, y)
        asked.to_dict()
    assert state_digest(asked) == state_digest(left)


@pytest.mark.parametrize(("trees", "watched"), MEMBERS)
def test_its_state_as_plain_values_is_the_same_forest(trees: int, watched: int) -> None:
    forest = taught(rows(800), trees, watched)
    again = Forest.from_dict(forest.to_dict())
    assert state_digest(again) == state_digest(forest)
    for x, y in rows(800, seed=2):
        forest.learn_one(x, y)
        again.learn_one(dict(reversed(x.items())), y)
    assert state_digest(again) == state_digest(forest)


def test_a_state_without_bounds_is_refused() -> None:
    good = taught(rows(800)).to_dict()
    root = good["roots"][0]
    deep = root
    for _ in range(DEEPEST + 1):
        deep = {**root, "children": [deep, deep]}
    bad = [
        {**good, "trees": 10**6},
        {**good, "roots": [deep]},
        {**good, "roots": []},
        {**good, "roots": [{**root, "name": ["unheard of", None]}]},
        {**good, "roots": [{**root, "children": [root]}]},
        {**good, "rows": {**good["rows"], "at": KEPT}},
        {**good, "rows": {**good["rows"], "table": good["rows"]["table"][:-8]}},
        {**good, "roots": [{"seen": 1.0, "achieved": 1.0, "waited": 0.0,
                            "watch": {"at": [], "cuts": b"", "counts": b""}}]},
        {**good, "roots": [{"seen": 1.0, "achieved": 1.0, "waited": 0.0,
                            "watch": {"at": [0], "cuts": bytes(8 * (BINS - 1)), "counts": b""}}]},
    ]  # fmt: skip
    for one in bad:
        with pytest.raises((ValueError, KeyError, TypeError)):
            Forest.from_dict(one)
