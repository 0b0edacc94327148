"""What is counted under a key: how many open key results stand there, and how those that ended under it did.

Keys name what key results have in common: an owner, an objective, a word of an attribute, the day they are due, their
source, and where they stood on a day. Each key result that ends counts once under each of its keys.
"""

from collections import ChainMap, Counter
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.numbers import bounded

MOST_WORDS = 1_000
"""Of one attribute in all; a word that comes after these is counted nowhere, and tells nothing."""
MOST_ENDED = 100_000
"""Owners of a source, and objectives of a source, under which outcomes are counted."""
FARTHEST = 1e150
"""What a mean of values is made of lies within this: the difference of two is a number still."""
OWNER, OBJECTIVE, WORD, MOMENT, DUE, SOURCE = "owner", "objective", "word", "moment", "due", "source"
REACH, LATELY = "reach", "lately"
FADING = 0.9
"""What an outcome leaves of those before it in the means of an owner's."""


class Ended(NamedTuple):
    """How a key result ended: at which value, how far past its target, and whether that is achieved."""

    final_value: float
    margin: float
    achieved: bool


@dataclass(slots=True)
class Tally:
    """Of one key. `reached`: the mean of what its outcomes were, the last ones first; only of an owner's.

    Under REACH it is one of final values, under OWNER of margins, under LATELY of 1 (achieved) and 0.
    """

    open: int = 0
    outcomes: int = 0
    achieved: int = 0
    reached: float = 0.0

    @property
    def empty(self) -> bool:
        """It says nothing, so nobody need keep it."""
        return not (self.open or self.outcomes)

    @property
    def faded(self) -> float:
        """How many outcomes `reached` rests on, each counted as far as it has not faded; less than 10.

        >>> Tally(outcomes=1).faded, round(Tally(outcomes=2).faded, 9)
        (1.0, 1.9)
        """
        return (1.0 - FADING**self.outcomes) / (1.0 - FADING)

    def reach(self, told: float) -> None:
        """One more of its outcomes, which is counted already, was this."""
        self.reached += (bounded(told, -FARTHEST, FARTHEST) - self.reached) / self.faded


NO_TALLY = Tally()


def owner_key(state: KeyResultState) -> str | None:
    """Whose it is; None: nobody's."""
    return f"{OWNER}|{state.source}|{_fit(state.owner)}" if state.owner else None


def reach_key(state: KeyResultState) -> str | None:
    """Whose it is, among those that are measured alike; None: nobody's, or nobody says in which unit it is."""
    if not (state.owner and state.unit):
        return None
    return f"{REACH}|{state.source}|{state.direction}|{_fit(state.unit)}|{_fit(state.owner)}"


def lately_key(state: KeyResultState) -> str | None:
    """Whose it is, where the last outcomes count most; None: nobody's."""
    return f"{LATELY}|{state.source}|{_fit(state.owner)}" if state.owner else None


def objective_key(state: KeyResultState) -> str | None:
    """What it is part of; None while nobody had set a due date, which may decide of which period's objective it is."""
    return f"{OBJECTIVE}|{state.source}|{state.objective_id}" if state.due_known else None


def source_key(state: KeyResultState) -> str:
    """Where it comes from."""
    return f"{SOURCE}|{state.source}"


def due_key(state: KeyResultState) -> str | None:
    """The day it is due, in its source; None while nobody had set one."""
    return f"{DUE}|{state.source}|{state.due}" if state.due_known else None


def word_keys(state: KeyResultState) -> dict[str, str]:
    """The key of each attribute that is a word."""
    return {name: word_key(name, value) for name, value in state.attributes.items() if isinstance(value, str)}


@lru_cache(maxsize=10_000)
def word_key(name: str, word: str) -> str:
    """The key of an attribute that says this word."""
    return f"{WORD}:{_fit(name)}|{_fit(word)}"


def moment_key(source: str, direction: str, moment: int) -> str:
    """Where a key result stood on a day, among those of its source and direction."""
    return f"{MOMENT}|{source}|{direction}|{moment}"


def _fit(text: str) -> str:
    """What cannot be printed, which a table may not hold, is escaped."""
    return text if text.isprintable() else repr(text)


def _group(key: str) -> str:
    """What a cap is of: an attribute, or the owners or objectives of a source."""
    kind, _, rest = key.partition("|")
    return kind if kind.startswith(WORD) else f"{kind}|{rest.partition('|')[0]}"


def stands(state: KeyResultState) -> tuple[str, ...]:
    """Under which keys an open key result counts as open; none while it is not defined, or once it has ended."""
    if not (state.open and state.defined):
        return ()
    return _there(source_key(state), objective_key(state), due_key(state))


def ended_under(state: KeyResultState) -> tuple[str, ...]:
    """Under which keys its outcome counts."""
    if not state.defined:
        return ()
    moments = (moment_key(state.source, state.direction, moment) for moment in state.moments)
    owner = owner_key(state), reach_key(state), lately_key(state)
    return _there(objective_key(state), *owner, *word_keys(state).values(), *moments)


def _there(*keys: str | None) -> tuple[str, ...]:
    return tuple(key for key in keys if key)


def moved(
    tallies: MutableMapping[str, Tally], before: Sequence[str], after: Sequence[str]
) -> MutableMapping[str, Tally]:
    """The tallies as if one open key result stood elsewhere."""
    if before == after:
        return tallies
    change = Counter(after)
    change.subtract(before)
    other = {key: tallies.get(key, NO_TALLY) for key, by in change.items() if by}
    return ChainMap({key: replace(one, open=one.open + change[key]) for key, one in other.items()}, tallies)


@dataclass(slots=True)
class Tallies:
    """All of a model. `touched`: what changed since the last commit; an empty one is to be forgotten."""

    known: dict[str, Tally] = field(default_factory=dict)
    touched: dict[str, Tally] = field(default_factory=dict)
    _ended: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, known: dict[str, Tally]) -> "Tallies":
        """Those that were kept."""
        return cls(known, _ended=Counter(_group(key) for key, one in known.items() if one.outcomes))

    def move(self, before: Sequence[str], after: Sequence[str]) -> None:
        """An open key result stood under the keys `before`, and now does under `after`."""
        if before != after:
            for keys, by in ((before, -1), (after, 1)):
                for key in keys:
                    one = self._of(key)
                    one.open = max(0, one.open + by)
            self._tidy({*before, *after})

    def add(self, keys: Iterable[str], ended: Ended) -> None:
        """One more outcome under these keys."""
        means = {REACH: ended.final_value, OWNER: ended.margin, LATELY: float(ended.achieved)}
        for key in keys:
            if self._counts(key):
                one = self._of(key)
                one.outcomes += 1
                one.achieved += ended.achieved
                told = means.get(key.partition("|")[0])
                if told is not None:
                    one.reach(told)

    def take_back(self, keys: Iterable[str], *, achieved: bool) -> None:
        """One outcome less under these keys; a key that knows of none stays as it is.

        What it left in the means of its owner's fades.
        """
        taken = {key for key in keys if self.known.get(key, NO_TALLY).outcomes}
        for key in taken:
            one = self._of(key)
            one.outcomes -= 1
            one.achieved = min(one.outcomes, max(0, one.achieved - achieved))
            self._ended[_group(key)] -= not one.outcomes
        self._tidy(taken)

    def _counts(self, key: str) -> bool:
        """Whether outcomes are counted under this key: those that came first are."""
        if self.known.get(key, NO_TALLY).outcomes:
            return True
        group = _group(key)
        if self._ended[group] >= (MOST_WORDS if group.startswith(WORD) else MOST_ENDED):
            return False
        self._ended[group] += 1
        return True

    def _of(self, key: str) -> Tally:
        one = self.known.get(key)
        if one is None:
            one = self.known[key] = Tally()
        self.touched[key] = one
        return one

    def _tidy(self, keys: Iterable[str]) -> None:
        for key in keys:
            if self.known[key].empty:
                del self.known[key]
