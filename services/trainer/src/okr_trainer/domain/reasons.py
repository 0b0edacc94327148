"""Why: the largest contributions against a typical key result, in words with numbers."""

from collections.abc import Callable, Sequence
from functools import partial
from math import expm1

import numpy as np

from okr_common.counted import counted
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.features import ATTRIBUTE, RATE, Features
from okr_trainer.domain.key_result_state import BETWEEN, MOVING
from okr_trainer.domain.numbers import sigmoid
from okr_trainer.domain.scores import Scores

KEPT = 3
SHARED = frozenset({"base"})
"""Aspects that all key results of a model have in common: they set none apart."""
WHY_NOT = {
    "no_definition": "its definition is not known yet, so nobody can say what reaching it means",
    "no_direction": "it has no direction, so no value is better than another",
    "no_target": "it has no target now, so there is nothing to reach",
}


def explain(drafts: Sequence[Draft], scores: Scores, slopes: Sequence[float]) -> None:
    """Gives each draft its largest contributions, in log-odds of the calibrated probability."""
    aspects = [aspect for aspect in scores.aspects if aspect not in SHARED]
    if not aspects:
        return
    table = np.column_stack([scores.aspects[aspect] for aspect in aspects]) * np.array(slopes)[:, None]
    largest = np.argsort(-np.abs(table), axis=1, kind="stable")[:, :KEPT]
    weights = np.take_along_axis(table, largest, axis=1).tolist()
    words = [_words_of(aspect) for aspect in aspects]
    for draft, places, row in zip(drafts, largest.tolist(), weights, strict=True):
        assert draft.x is not None  # noqa: S101 - it was scored
        draft.reasons = [
            {"feature": aspects[place], "text": words[place](draft, draft.x), "weight": round(weight, 4)}
            for place, weight in zip(places, row, strict=True)
            if weight
        ]


def describe(aspect: str, draft: Draft) -> str:
    """This aspect of a draft in words with numbers."""
    if draft.x is None:
        return WHY_NOT.get(draft.why or "", "it cannot be judged")
    return _words_of(aspect)(draft, draft.x)


def _words_of(aspect: str) -> Callable[[Draft, Features], str]:
    return partial(_attribute_is, aspect) if aspect.startswith(ATTRIBUTE) else _WORDS[aspect]


def _attribute_is(aspect: str, _: Draft, x: Features) -> str:
    return f"{aspect.removeprefix(ATTRIBUTE)} is {_attribute(x.get(aspect))}{_of_word(x, aspect + RATE)}"


def gap(draft: Draft, x: Features) -> str:
    """The distance to the target."""
    if draft.value is None or draft.target is None:
        return "there is no value yet"
    if x["direction"] in MOVING:
        return _way(draft, float(x["progress"]), float(x["elapsed"]))
    margin = float(x["margin"])
    if x["direction"] == BETWEEN:
        side = "outside" if margin < 0 else "within"
        return f"{_number(draft.value)} is {side} its two marks by {abs(margin):.1%} of their distance"
    where = "exactly at" if margin == 0 else f"{abs(margin):.1%} {'past' if margin > 0 else 'short of'}"
    return f"{_number(draft.value)} is {where} its target {_number(draft.target)}"


def _way(draft: Draft, progress: float, elapsed: float) -> str:
    said = f"{progress:.0%} done, {_days_left(draft)}"
    if 0 < progress < 1 and 0 < elapsed < 1:
        needed = (1 - progress) / (1 - elapsed) / (progress / elapsed)
        said += f", needs {needed:.1f}x its pace so far"
    return said


def _days_left(draft: Draft) -> str:
    if draft.x is not None and draft.x["due_unknown"]:
        return "its due date was not set yet"
    return f"{max(0, draft.due - draft.on)} of {counted(draft.due - draft.start, 'day')} left"


def _trend(_: Draft, x: Features) -> str:
    slope, end = float(x["slope"]), float(x["projected"])
    if slope == 0:
        return "it does not move"
    way = "better" if slope > 0 else "worse"
    return f"it gets {way} by {abs(slope):.1%} per period; if that goes on, it ends {abs(end):.1%} {_side(end)}"


def _side(margin: float) -> str:
    return "past its target" if margin >= 0 else "short of its target"


def _rhythm(_: Draft, x: Features) -> str:
    if x["no_value"]:
        return "there is no value yet"
    number, days = round(expm1(float(x["check_ins"]))), round(expm1(float(x["days_since"])))
    after = counted(days, "day")
    return f"check-in {number}, {after} after the last" if number > 1 else f"its first check-in, after {after}"


def _changes(_: Draft, x: Features) -> str:
    targets, dues = (round(expm1(float(x[name]))) for name in ("target_changes", "due_changes"))
    if not targets and not dues:
        return "its target and due date have not moved"
    return f"its target moved {counted(targets, 'time')}, its due date {counted(dues, 'time')}"


def _record(_: Draft, x: Features) -> str:
    if x["predecessor"] == 0:
        return "nothing like it has ended yet"
    rate = float(x["hit_rate"]) + float(x["base_rate"])
    ended = "was reached" if float(x["predecessor"]) > 0 else "was missed"
    return f"its predecessor {ended}; about {rate:.0%} of its kind are reached"


def _owner(_: Draft, x: Features) -> str:
    if not x["owner_lately"] and not x["owner_odds"]:
        return "none of its owner's key results has ended yet"
    said = f"about {_rate(x, 'owner_odds')} of its owner's key results were reached, {_rate(x, 'owner_lately')} lately"
    usual = float(x["owner_reach"])
    return f"{said}; by what they reach it ends about {abs(usual):.0%} {_side(usual)}" if usual else said


def _objective(_: Draft, x: Features) -> str:
    return _share(x, "objective_odds", "its objective's key results", "none of its objective's has ended yet")


def _share(x: Features, name: str, whose: str, none: str) -> str:
    return f"about {_rate(x, name)} of {whose} were reached" if x[name] else none


def _stand(_: Draft, x: Features) -> str:
    told = [f"{_rate(x, name)} of those {alike}" for name, alike in _ALIKE.items() if x[name]]
    return f"reached were about {', '.join(told)}" if told else "none that stood like it has ended yet"


_ALIKE = {
    "left_odds": "with as many days left",
    "way_odds": "as far on their way",
    "gap_odds": "as near to their target",
}


def _backlog(_: Draft, x: Features) -> str:
    same, here, beside = (round(expm1(float(x[name]))) for name in ("same_due", "open_in_source", "open_in_objective"))
    return f"{counted(here, 'other')} of its source open, {same} due that day, {beside} of its objective"


def _of_word(x: Features, name: str) -> str:
    return f"; about {_rate(x, name)} of those were reached" if x.get(name) else ""


def _rate(x: Features, name: str) -> str:
    return f"{sigmoid(float(x['base_odds']) + float(x[name])):.0%}"


def _kind(_: Draft, x: Features) -> str:
    return f"it is a {x['metric_kind']} that must {str(x['direction']).replace('_', ' ')}"


def _time(draft: Draft, _: Features) -> str:
    return _days_left(draft)


_WORDS: dict[str, Callable[[Draft, Features], str]] = {
    "gap": gap,
    "time": _time,
    "trend": _trend,
    "rhythm": _rhythm,
    "changes": _changes,
    "record": _record,
    "kind": _kind,
    "owner": _owner,
    "objective": _objective,
    "stand": _stand,
    "backlog": _backlog,
}


def _attribute(value: float | str | None) -> str:
    if isinstance(value, float):
        return _number(expm1(min(value, 700.0)) if value >= 0 else -expm1(min(-value, 700.0)))
    return "unknown" if value is None else value


def _number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"  # noqa: PLR2004 - longer ones need no decimals
