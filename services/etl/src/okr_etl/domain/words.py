"""Goals in words that a person or a language model can read."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from itertools import pairwise

from okr_common.counted import counted
from okr_etl.domain.goals import CheckIn, KeyResult, Objective

ALIGNED = {"contributes": "Contributes to", "supports": "Supports"}
RECENT = 12
"""Check-ins told one by one; of a longer history the first and these last."""


def of_objective(objective: Objective) -> Iterator[str]:
    """Line by line."""
    yield f"Objective: {objective.title}."
    if objective.description:
        yield objective.description
    if objective.due_on:
        yield f"Time: {_day(objective.start_on)} to {_day(objective.due_on)}."
    if objective.period:
        yield f"Period: {objective.period}."
    yield from _aligned(objective)
    yield f"Key results ({len(objective.key_results)}):"
    yield from (f"- {title}" for title in objective.key_results)


def of_key_result(key_result: KeyResult) -> Iterator[str]:
    """Line by line; how it ended is the label and not told."""
    yield f"Key result: {key_result.title}."
    yield f"Objective: {key_result.objective}."
    yield from _aligned(key_result)
    if key_result.description:
        yield key_result.description
    if key_result.owner:
        yield f"Owner: {key_result.owner}."
    yield f"Goal: {_goal(key_result)}"
    yield from _history(key_result)


def _aligned(goal: Objective | KeyResult) -> Iterator[str]:
    if goal.aligned_to:
        yield f"{ALIGNED[goal.aligned_how or 'contributes']}: {'; '.join(goal.aligned_to)}."


def _goal(key_result: KeyResult) -> str:
    due = "a due date not yet known" if key_result.due_known is False else _day(key_result.due_on)
    time = f"from {_day(key_result.start_on)} to {due}"
    if key_result.target is None:
        return f"no target is set, {time}."
    target, unit = _figure(key_result.target, key_result.unit), key_result.unit
    origin = "" if key_result.baseline is None else f" from {_figure(key_result.baseline, unit)}"
    words = {
        "increase": f"raise it{origin} to {target}",
        "decrease": f"bring it down{origin} to {target}",
        "stay_above": f"stay at or above {target}" if key_result.inclusive else f"stay above {target}",
        "stay_between": f"stay between {_figure(key_result.baseline, unit)} and {target}"
        + ("" if key_result.inclusive else ", on neither"),
        "stay_below": f"stay at or below {target}" if key_result.inclusive else f"stay below {target}",
    }
    return f"{words.get(key_result.direction, f'{target}, without a direction')}, {time}."


def _history(key_result: KeyResult) -> Iterator[str]:
    check_ins = key_result.check_ins
    if not check_ins:
        yield "No check-in yet."
        return
    yield f"Progress ({counted(len(check_ins), 'check-in')}):"
    if len(check_ins) > RECENT:
        yield _line(check_ins[0], key_result)
        yield f"- ... {len(check_ins) - RECENT - 1} more ..."
    yield from (_line(check_in, key_result) for check_in in check_ins[-RECENT:])
    yield from _moves(key_result)


def _line(check_in: CheckIn, key_result: KeyResult) -> str:
    said = [f"- {_day(check_in.as_of)}: {_figure(check_in.value, key_result.unit)}"]
    if check_in.progress is not None:
        said.append(_standing(check_in, key_result))
    if check_in.status:
        said.append(f"status {check_in.status}")
    if check_in.comment:
        said.append(f'"{check_in.comment}"')
    return ", ".join(said)


def _standing(check_in: CheckIn, key_result: KeyResult) -> str:
    target = _figure(check_in.target, key_result.unit)
    if key_result.direction in {"increase", "decrease"}:
        return f"{(check_in.progress or 0) * 100:.0f} % of the way to {target}"
    if key_result.direction == "stay_between":
        marks = f"{_figure(key_result.baseline, key_result.unit)} to {target}"
        return f"is within {marks}" if check_in.progress else f"is outside of {marks}"
    return f"meets its target of {target}" if check_in.progress else f"misses its target of {target}"


def _moves(key_result: KeyResult) -> Iterator[str]:
    """In words, how often the target moved over the check-ins."""
    targets = [check_in.target for check_in in key_result.check_ins]
    moves = sum(before != after for before, after in pairwise(targets))
    if moves:
        first, last = (_figure(target, key_result.unit, "none") for target in (targets[0], targets[-1]))
        yield f"The target moved {counted(moves, 'time')}, from {first} to {last}."


@lru_cache(maxsize=4096)
def _day(day: date | None) -> str:
    """An ISO date, which every reader understands alike."""
    return "?" if day is None else day.isoformat()


@lru_cache(maxsize=8192)
def _figure(number: float | None, unit: str | None, nothing: str = "no value") -> str:
    """A number as people write it, with its unit. Targets and values repeat, over time as over key results.

    >>> _figure(4120.0, None), _figure(99.36, "%"), _figure(None, "%"), _figure(-0.0, None)
    ('4,120', '99.36 %', 'no value', '0')
    """
    if number is None:
        return nothing
    text = f"{number + 0.0:,.10g}"  # no minus before a zero: both are one number
    return f"{text} {unit}" if unit else text
