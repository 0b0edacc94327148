"""What is known of one key result: compact, bounded, and the same after a trip through JSON."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from okr_trainer.domain.inputs import CheckIn, Definition
from okr_trainer.domain.numbers import finite
from okr_trainer.domain.track_record import Series

KEPT_VALUES = 4
"""How many of the latest values are kept; the slope is theirs."""
MOVING = frozenset({"increase", "decrease"})
"""Directions that start at a baseline and go somewhere; the others hold a level."""
DOWNWARD = frozenset({"decrease", "stay_below"})
BETWEEN = "stay_between"
"""Its baseline is the lower mark, its target the upper one."""
JUDGED = frozenset({"increase", "decrease", "stay_above", "stay_below", BETWEEN})


@dataclass(slots=True)
class KeyResultState:
    """Days are ordinals. A key result whose definition is not yet known has `defined` False.

    `due_known` False: a due date stands here, but what is told was known before it was set; `due_told`: a version said
    that it was. `owner` and `unit`: cut to WORD_LENGTH.
    `moments`: places (domain/moments.py) where it stood when it was judged, each once.
    `answered`: the day its newest prediction is as of; `aged`: when it was last judged again because it was silent.
    """

    key_result_id: str
    source: str
    name: str = ""
    series: str = ""
    kin: str = ""
    defined: bool = False
    metric_kind: str = "number"
    direction: str = "none"
    inclusive: bool = True
    unit: str | None = None
    baseline: float | None = None
    target: float | None = None
    start: int = 1
    due: int = 1
    due_known: bool = True
    due_told: bool = False
    owner: str | None = None
    objective_id: str = ""
    attributes: dict[str, float | str] = field(default_factory=dict)
    check_ins: int = 0
    target_changes: int = 0
    due_changes: int = 0
    values: list[tuple[int, float]] = field(default_factory=list)
    newest: int | None = None
    before: int | None = None
    confidence: float | None = None
    moments: tuple[int, ...] = ()
    predictions: int = 0
    answered: int | None = None
    aged: int | None = None
    closed: bool = False
    gone: bool = False

    @property
    def open(self) -> bool:
        """Its end is still to come: no outcome was applied, and its source still says it."""
        return not (self.closed or self.gone)

    def define(self, one: Definition, series: Series) -> None:
        """A version of the definition; moved targets and due dates are counted."""
        self._change_target(finite(one.target))
        self._set_due(one)
        self.defined, self.gone = True, False
        self.name, (self.series, self.kin) = one.version.name, series
        self.metric_kind, self.direction, self.inclusive = one.metric_kind, one.direction, one.inclusive
        self.unit, self.baseline = _word(one.unit or "") or None, finite(one.baseline)
        self.start = one.start
        self.owner, self.objective_id = _word(one.owner or "") or None, one.objective_id
        self.attributes = clean_attributes(one.attributes)

    def _set_due(self, one: Definition) -> None:
        """Once told it stays known; only a due date that was known can move."""
        if self.defined and self.due_known and one.due != self.due:
            self.due_changes += 1
        if one.due_known is not None and not self.due_told:
            self.due_known = self.due_told = one.due_known
        self.due = one.due

    def check_in(self, one: CheckIn) -> None:
        """A version of a check-in; a correction replaces the value of its day, an older day stays older."""
        self.check_ins += 1
        if self.newest is None or one.as_of > self.newest:
            self.before, self.newest = self.newest, one.as_of
        if one.as_of == self.newest:
            self._change_target(finite(one.target))
            self.confidence = finite(one.confidence)
        value = finite(one.value)
        if value is not None:
            self._keep(one.as_of, value)

    def _keep(self, as_of: int, value: float) -> None:
        others = [known for known in self.values if known[0] != as_of]
        self.values = sorted([*others, (as_of, value)])[-KEPT_VALUES:]

    def withdraw(self, one: CheckIn) -> None:
        """A check-in that nothing says any more: its value goes, and the newest day is the one before.

        What its target and confidence were before it nobody remembers: the target stays, the confidence is not known.
        """
        self.check_ins = max(0, self.check_ins - 1)
        self.values = [known for known in self.values if known != (one.as_of, finite(one.value))]
        self.answered = None
        days = {day for day, _ in self.values}
        if one.as_of in days or one.as_of not in {self.newest, self.before}:
            return
        if one.as_of == self.newest:
            self.confidence = None
        known = sorted((days | {day for day in (self.newest, self.before) if day is not None}) - {one.as_of})
        self.newest = known[-1] if known else None
        self.before = known[-2] if len(known) > 1 else None

    def stood(self, moments: Iterable[int]) -> None:
        """It was judged there, and will be counted there when it ends."""
        new = [place for place in moments if place not in self.moments]
        if new:
            self.moments += tuple(new)

    def reopen(self) -> None:
        """Its outcome is no more: its end is still to come, or to come again."""
        self.closed, self.answered = False, None

    def retarget(self, target: float) -> None:
        """Another target holds; that it moved is counted."""
        self._change_target(finite(target))

    def _change_target(self, target: float | None) -> None:
        if target is not None and self.target is not None and target != self.target:
            self.target_changes += 1
        self.target = target

    @property
    def value(self) -> float | None:
        """The newest value, or None."""
        return self.values[-1][1] if self.values else None

    @property
    def sign(self) -> float:
        """1 where more is better, -1 where less is."""
        return -1.0 if self.direction in DOWNWARD else 1.0

    @property
    def unjudged(self) -> str | None:
        """Why nobody can say whether it will be reached, or None."""
        if not self.defined:
            return "no_definition"
        if self.direction not in JUDGED:
            return "no_direction"
        lower = self.target if self.direction != BETWEEN else self.baseline
        return "no_target" if self.target is None or lower is None else None

    def day(self, today: int) -> int:
        """The day it is judged on: today, but not before its newest check-in, nor before its start."""
        return max(today, self.newest or self.start)

    def elapsed(self, on: int) -> float:
        """The share of the period that is over on this day; not bounded."""
        return (on - self.start) / (self.due - self.start) if self.due > self.start else 1.0

    def meets(self, value: float, target: float) -> bool:
        """Whether this value would reach this target."""
        if self.direction == BETWEEN:
            return self._keeps_between(value, target)
        if value == target:
            return self.inclusive
        return (value > target) == (self.sign > 0)

    def scale(self, target: float) -> float:
        """What a distance to this target is relative to: the way there, or what lies between its marks; else it."""
        if self.direction in {*MOVING, BETWEEN} and self.baseline is not None and self.baseline != target:
            return abs(target - self.baseline)
        return abs(target) or 1.0

    def _keeps_between(self, value: float, upper: float) -> bool:
        if self.baseline is None:
            return False
        return self.baseline <= value <= upper if self.inclusive else self.baseline < value < upper

    def to_json(self) -> dict[str, Any]:
        """All that differs from an empty state."""
        return {name: value for name, empty in _EMPTY if (value := getattr(self, name)) != empty}

    @classmethod
    def from_json(cls, key_result_id: str, source: str, state: dict[str, Any]) -> "KeyResultState":
        """The state that `to_json` wrote."""
        known = {name: state[name] for name in _NAMES if name in state}
        known["values"] = [(int(as_of), float(value)) for as_of, value in state.get("values", ())]
        known["moments"] = tuple(state.get("moments", ()))
        return cls(key_result_id, source, **known)


_NAMES = tuple(one.name for one in fields(KeyResultState))[2:]
_EMPTY = tuple((name, getattr(KeyResultState("", ""), name)) for name in _NAMES)
WORD_LENGTH = 64


def clean_attributes(attributes: dict[str, str | float | None]) -> dict[str, float | str]:
    """What a mapping names, made fit: finite numbers, short words; the rest is left out.

    >>> clean_attributes({"size": 3, "team": " Blue ", "nothing": None, "odd": float("inf"), "blank": ""})
    {'size': 3.0, 'team': 'Blue'}
    """
    cleaned: dict[str, float | str] = {}
    for name, value in attributes.items():
        fit = _word(value) if isinstance(value, str) else finite(value)
        if fit is not None and fit != "":
            cleaned[name] = fit
    return cleaned


def _word(text: str) -> str:
    return text.strip()[:WORD_LENGTH]
