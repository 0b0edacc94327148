"""One Hoeffding tree that adapts: how a row goes through it, what it learns from it, when it grows and shrinks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import log
from typing import Any

import numpy as np

from okr_trainer.domain.drawing import drawn
from okr_trainer.domain.leaf import WARM, Watch
from okr_trainer.domain.newest_rows import Name, NewestRows
from okr_trainer.domain.numbers import Column

DEEPEST = 8
"""Splits on the way to a leaf."""
MOST_LEAVES = 64
PAUSE = 10.0
"""Outcomes between two looks for a split of a leaf."""
FADING = 0.999
"""What an outcome leaves of the past in the nodes it comes by."""
PARENT = 5.0
"""A node says what its parent says until it has seen outcomes of its own; this many count as much as its parent."""
SLACK = 0.01
"""In nats: what the children of a branch may be worse without being looked at."""
MOST_WORSE = 60.0
"""In nats: of more, a branch is a leaf again. Outcomes come in bursts that end alike, which must not fell a tree."""


def odds(chance: float) -> float:
    """The log-odds of what a node says, which is never 0 or 1."""
    return log(chance / (1.0 - chance))


@dataclass(slots=True)
class Node:
    """A leaf, or with `name` a branch: rows up to `cut` go to the first `child`, others to the second.

    `seen`, `achieved`: outcomes that came by, faded. `worse`: how much more it cost to ask the children, of late.
    `waited`: outcomes since a leaf looked for a split.
    """

    seen: float = 0.0
    achieved: float = 0.0
    name: Name | None = None
    cut: float = 0.0
    children: list["Node"] = field(default_factory=list)
    worse: float = 0.0
    watch: Watch | None = None
    waited: float = 0.0

    def chance(self, parents: float) -> float:
        """What it says where its parent says this; never 0 or 1."""
        return (self.achieved + PARENT * parents) / (self.seen + PARENT)

    def below(self) -> Iterator["Node"]:
        """It, and all nodes below it."""
        yield self
        for child in self.children:
            yield from child.below()

    def see(self, achieved: bool, weight: float) -> None:  # noqa: FBT001 - the label is a bool
        """One more outcome came by."""
        kept = FADING**weight
        self.seen = self.seen * kept + weight
        self.achieved = self.achieved * kept + weight * achieved

    def to_dict(self) -> dict[str, Any]:
        """Its state, and that of all below it, as plain values."""
        said: dict[str, Any] = {"seen": self.seen, "achieved": self.achieved}
        if self.name:
            below = [child.to_dict() for child in self.children]
            return said | {"name": list(self.name), "cut": self.cut, "worse": self.worse, "children": below}
        return said | {"waited": self.waited, "watch": self.watch.to_dict() if self.watch else None}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any], depth: int = 0) -> "Node":
        """The same again. Raises KeyError, TypeError or ValueError where that says no such state."""
        node = cls(float(said["seen"]), float(said["achieved"]))
        if "name" not in said:
            node.waited = float(said["waited"])
            node.watch = None if said["watch"] is None else Watch.from_dict(said["watch"])
            return node
        if depth >= DEEPEST or len(said["children"]) != 2:  # noqa: PLR2004 - low and high
            raise ValueError("a branch of a tree is too deep, or has not two children")
        node.name, node.cut, node.worse = Name(*said["name"]), float(said["cut"]), float(said["worse"])
        node.children = [cls.from_dict(child, depth + 1) for child in said["children"]]
        return node


@dataclass(slots=True)
class Tree:
    """`watched`: names a leaf watches, drawn by `seed`; 0: all. `begun`: leaves that have begun to watch."""

    seed: str
    watched: int = 0
    root: Node = field(default_factory=Node)
    begun: int = 0

    def path(self, answer: Callable[[Name], float]) -> list[tuple[Node, float]]:
        """The nodes that a row comes by which answers so, each with the chance it gives."""
        node, chance = self.root, self.root.chance(0.5)
        path = [(node, chance)]
        while node.name is not None:
            node = node.children[answer(node.name) > node.cut]
            chance = node.chance(chance)
            path.append((node, chance))
        return path

    def learn(self, rows: NewestRows, row: Column, achieved: bool, weight: float) -> None:  # noqa: FBT001
        """One row, which is the newest of `rows`."""
        path = self.path(lambda name: row.item(rows.places[name]))
        self._judge(path, achieved, weight)
        nodes = [node for node, _ in path]
        for node in nodes:
            node.see(achieved, weight)
        worst = next((node for node in nodes if node.worse > MOST_WORSE), None)
        if worst is not None:
            worst.name, worst.children, worst.worse = None, [], 0.0
        elif len(path) <= DEEPEST:
            self._grow(rows, nodes, row, achieved, weight)

    def _judge(self, path: list[tuple[Node, float]], achieved: bool, weight: float) -> None:  # noqa: FBT001
        """Of each branch, whether its children say less than it would alone."""
        *losses, last = (-log(chance if achieved else 1.0 - chance) for _, chance in path)
        for (node, _), loss in zip(path, losses, strict=False):
            node.worse = max(0.0, node.worse + (last - loss - SLACK) * weight)

    def _grow(self, rows: NewestRows, path: list[Node], row: Column, achieved: bool, weight: float) -> None:  # noqa: FBT001
        leaf = path[-1]
        if leaf.watch is None:
            if len(rows.table) >= WARM and rows.places:
                self._watch(rows, path)
            return
        leaf.watch.count(row, achieved, weight)
        leaf.waited += weight
        if leaf.waited >= PAUSE:
            leaf.waited = 0.0
            self._split(rows, path)

    def _split(self, rows: NewestRows, path: list[Node]) -> None:
        leaf = path[-1]
        best = leaf.watch.best() if leaf.watch and self.leaves < MOST_LEAVES else None
        if best is None:
            return
        leaf.name, leaf.cut, leaf.watch = rows.names[best.at], best.cut, None
        leaf.children = [Node(*best.low), Node(*best.high)]
        for child in leaf.children:
            self._watch(rows, [*path, child])

    @property
    def leaves(self) -> int:
        """How many there are."""
        return sum(node.name is None for node in self.root.below())

    def _watch(self, rows: NewestRows, path: list[Node]) -> None:
        """The last of this path, a leaf, begins to watch."""
        if len(path) > DEEPEST:
            return
        reach = np.ones(len(rows.table), dtype=bool)
        for node, child in pairwise(path):
            assert node.name is not None  # noqa: S101 - it has a child
            reach &= (rows.column(node.name) > node.cut) == (child is node.children[1])
        self.begun += 1
        names = rows.names
        if 0 < self.watched < len(names):
            names = sorted(names, key=lambda name: drawn(self.seed, self.begun, *name))[: self.watched]
        path[-1].watch = Watch.begin(rows, reach, [rows.places[name] for name in names])
