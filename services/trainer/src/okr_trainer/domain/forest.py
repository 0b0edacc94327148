"""Hoeffding trees that learn one row at a time: one that watches every feature, or a small forest.

A leaf counts how the rows in each range of a feature ended; once it is sure, by Hoeffding's bound, which split tells
most, it becomes a branch (Domingos, Hulten, "Mining high-speed data streams", KDD 2000). The trees are adaptive, by a
plainer rule than that of Bifet and Gavalda ("Adaptive learning from evolving data streams", IDA 2009): a branch whose
children have come to say less than it would alone is a leaf again. What a node says is drawn to what its parent says,
the more the fewer outcomes it has seen, so a small leaf is not sure of anything.

In a forest each tree counts each row as often as it draws (Oza, 2005), each leaf watches names that it draws, and they
say the mean in log-odds.

River has such trees, but not for a checkpoint that must be proven: they are made of a dozen classes, some of them bytes
for a library in Rust, and functools.partial; nothing bounds them when they are read; to import them takes 2.8 s. Of
these the state is plain values with bounds: `MOST_LEAVES` of `DEEPEST` splits, `MOST_NAMES`, `KEPT` rows.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from river import base

from okr_trainer.domain.drawing import poisson
from okr_trainer.domain.newest_rows import NewestRows, answers_of
from okr_trainer.domain.numbers import sigmoid
from okr_trainer.domain.tree import MOST_LEAVES, Node, Tree, odds

DRAWS = 6.0
"""How often a tree of a forest counts a row on average, in parts of its weight; with 1 a third would be left out."""
MOST_TREES = 32


class Forest(base.Classifier):
    """`trees` that watch so many names in each leaf (0: all of them), drawn by `seed`."""

    def __init__(self, trees: int = 1, watched: int = 0, seed: int = 1) -> None:
        self.trees = trees
        self.watched = watched
        self.seed = seed
        self.learned = 0
        self.rows = NewestRows()
        self.members = [Tree(f"{seed}/{number}", watched) for number in range(trees)]

    def learn_one(self, x: dict[Hashable, Any], y: bool | str | int, w: float = 1.0) -> None:  # noqa: FBT001
        """One row for all of them."""
        achieved = bool(y)
        row = self.rows.add(x, achieved, w)
        self.learned += 1
        for tree in self.members:
            share = 1.0 if self.trees == 1 else poisson(DRAWS, tree.seed, self.learned) / DRAWS
            if share:
                tree.learn(self.rows, row, achieved, w * share)

    def predict_proba_one(self, x: dict[Hashable, Any], **_: Any) -> dict[bool | str | int, float]:  # noqa: ANN401
        """Of True and False."""
        chance = sigmoid(self.raw(x))
        return {False: 1.0 - chance, True: chance}

    def raw(self, x: Mapping[Any, Any]) -> float:
        """The log-odds: the mean of what the trees say."""
        answer = answers_of(x)
        return sum(odds(tree.path(answer)[-1][1]) for tree in self.members) / self.trees

    def loosen(self, kept: float) -> None:
        """What was learned counts `kept` times as much from now on; branches stay until they are seen to be wrong."""
        for node in self._nodes():
            node.seen, node.achieved = node.seen * kept, node.achieved * kept
            if node.watch is not None:
                node.watch.loosen(kept)

    def _nodes(self) -> list[Node]:
        return [node for tree in self.members for node in tree.root.below()]

    def to_dict(self) -> dict[str, Any]:
        """Its state as plain values."""
        return {
            **{name: getattr(self, name) for name in ("trees", "watched", "seed", "learned")},
            "rows": self.rows.to_dict(),
            "begun": [tree.begun for tree in self.members],
            "roots": [tree.root.to_dict() for tree in self.members],
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Forest":
        """The same again. Raises KeyError, TypeError or ValueError where that says no such state."""
        if not 0 < said["trees"] <= MOST_TREES:
            raise ValueError(f"a forest has 1 to {MOST_TREES} trees, this has {said['trees']}")
        forest = cls(int(said["trees"]), int(said["watched"]), int(said["seed"]))
        forest.learned, forest.rows = int(said["learned"]), NewestRows.from_dict(said["rows"])
        for tree, begun, root in zip(forest.members, said["begun"], said["roots"], strict=True):
            tree.begun, tree.root = int(begun), Node.from_dict(root)
            if tree.leaves > MOST_LEAVES:
                raise ValueError(f"a tree has at most {MOST_LEAVES} leaves, this has {tree.leaves}")
        names, known = {node.name for node in forest._nodes() if node.name}, forest.rows.places
        watched = (int(node.watch.at.max()) for node in forest._nodes() if node.watch)
        if not names <= known.keys() or max(watched, default=-1) >= len(known):
            raise ValueError("its trees ask for what none of its rows has")
        return forest
