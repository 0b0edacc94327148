"""Scoring with trees: what a feature adds is what the splits by it add on the row's way. A root adds nothing.

Few rows go their ways one by one; many go down all trees together, which are laid out as columns for that. What is
added up, and in which order, is the same, so a row's result is the same to the last bit, alone or among thousands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from okr_trainer.domain.features import Features, aspect_of
from okr_trainer.domain.forest import Forest
from okr_trainer.domain.newest_rows import Name, answers_of
from okr_trainer.domain.newton_view import NO_COLUMNS
from okr_trainer.domain.numbers import Column
from okr_trainer.domain.scores import Scores
from okr_trainer.domain.tree import DEEPEST, Node, Tree, odds

FEW = 40
"""To lay the trees out takes as long as so many rows one by one."""
Parts = dict[str, float]
"""What each aspect has added so far."""


class ForestView:
    """What the trees say at one moment."""

    def __init__(self, forest: Forest) -> None:
        self._members = forest.members
        self._flat: _Flat | None = None

    def score(self, xs: Sequence[Features], columns: Mapping[str, Column] = NO_COLUMNS) -> Scores:
        """Log-odds and contributions of these rows. `columns`: numbers of them that are known as columns already."""
        if len(xs) <= FEW and self._flat is None:
            return _one_by_one(self._members, xs)
        self._flat = self._flat or _laid_out(self._members)
        return _together(self._flat, xs, columns)


def _one_by_one(trees: Sequence[Tree], xs: Sequence[Features]) -> Scores:
    raw, aspects = np.zeros(len(xs)), dict[str, Column]()
    for at, x in enumerate(xs):
        answer = answers_of(x)
        for tree in trees:
            said, parts = _told(tree.path(answer))
            raw[at] += said / len(trees)
            for aspect, part in parts.items():
                aspects.setdefault(aspect, np.zeros(len(xs)))[at] += part / len(trees)
    return Scores(raw, aspects)


def _told(path: Sequence[tuple[Node, float]]) -> tuple[float, Parts]:
    """The log-odds at the end of a row's way, and what each aspect added on it."""
    said = [odds(chance) for _, chance in path]
    parts: Parts = {}
    for (node, _), (before, after) in zip(path, pairwise(said), strict=False):
        parts = _added(parts, node, after - before)
    return said[-1], parts


def _added(parts: Parts, node: Node, more: float) -> Parts:
    assert node.name is not None  # noqa: S101 - a row went on from there
    aspect = aspect_of(node.name.feature)
    return {**parts, aspect: parts.get(aspect, 0.0) + more}


class _Flat(NamedTuple):
    """All nodes of all trees, a place each. `roots`: of each tree; `names`: what the nodes ask, by `asks`.

    `next`: of each node where rows up to `cuts` go, and where others do; a leaf keeps them. `parts`: a row per aspect.
    """

    roots: list[int]
    names: list[Name]
    asks: NDArray[np.int64]
    cuts: Column
    next: NDArray[np.int64]
    odds: Column
    aspects: list[str]
    parts: Column


@dataclass(slots=True)
class _Layout:
    """Is filled node by node."""

    names: dict[Name, int] = field(default_factory=dict)
    asks: list[int] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)
    next: list[list[int]] = field(default_factory=list)
    odds: list[float] = field(default_factory=list)
    parts: list[Parts] = field(default_factory=list)

    def add(self, node: Node, parents: float, before: Parts) -> int:
        """A node and all below it, as `Node.chance` and `_told` have it; returns its place."""
        at, chance = len(self.odds), node.chance(parents)
        self.odds.append(odds(chance))
        self.parts.append(before)
        self.asks.append(0 if node.name is None else self.names.setdefault(node.name, len(self.names)))
        self.cuts.append(node.cut)
        self.next.append([at, at])
        for side, child in enumerate(node.children):
            parts = _added(before, node, odds(child.chance(chance)) - self.odds[at])
            self.next[at][side] = self.add(child, chance, parts)
        return at


def _laid_out(trees: Sequence[Tree]) -> _Flat:
    layout = _Layout()
    roots = [layout.add(tree.root, 0.5, {}) for tree in trees]
    aspects = sorted({aspect for parts in layout.parts for aspect in parts})
    said = [[parts.get(aspect, 0.0) for parts in layout.parts] for aspect in aspects]
    arrays = np.array(layout.asks), np.array(layout.cuts), np.array(layout.next), np.array(layout.odds)
    return _Flat(roots, list(layout.names), *arrays, aspects, np.array(said).reshape(len(aspects), len(layout.odds)))


def _together(flat: _Flat, xs: Sequence[Features], columns: Mapping[str, Column]) -> Scores:
    raw, added = np.zeros(len(xs)), np.zeros((len(flat.aspects), len(xs)))
    for leaves in _leaves(flat, _table(flat.names, xs, columns)):
        raw += flat.odds[leaves] / len(flat.roots)
        added += flat.parts[:, leaves] / len(flat.roots)
    return Scores(raw, dict(zip(flat.aspects, added, strict=True)))


def _leaves(flat: _Flat, table: Column) -> NDArray[np.int64]:
    """Of each tree the leaf of each row."""
    rows = np.arange(table.shape[1])
    at = np.repeat(np.array(flat.roots)[:, None], len(rows), axis=1)
    for _ in range(DEEPEST):
        at = flat.next[at, (table[flat.asks[at], rows] > flat.cuts[at]).astype(np.int64)]
    return at


def _table(names: Sequence[Name], xs: Sequence[Features], columns: Mapping[str, Column]) -> Column:
    """What each row says to each of these."""
    known = (name.word is None and name.feature in columns for name in names)
    said = [
        columns[name.feature] if there else [name.of(x) for x in xs] for name, there in zip(names, known, strict=True)
    ]
    return np.array(said or [[0.0] * len(xs)], dtype=np.float64).reshape(-1, len(xs))
