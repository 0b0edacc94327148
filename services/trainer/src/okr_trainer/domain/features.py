"""Features: a pure function of what is known of a key result, of its series, and of the day.

They name no source. Every one is a finite float within its bounds, or a short word; nothing else reaches a model.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from math import log, log1p, tanh

from okr_trainer.domain import past as known
from okr_trainer.domain.key_result_state import BETWEEN, MOVING, KeyResultState
from okr_trainer.domain.moments import Moments, moments
from okr_trainer.domain.numbers import bounded, logit
from okr_trainer.domain.past import Past

Features = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Feature:
    """One number: `aspect` groups those that say the same thing to a reader."""

    name: str
    aspect: str
    meaning: str
    lowest: float
    highest: float
    default: float = 0.0


FEATURES: tuple[Feature, ...] = (
    Feature("elapsed", "time", "share of the period that is over", 0.0, 1.5),
    Feature("days_left", "time", "log1p of days until the due date", 0.0, 12.0),
    Feature("length", "time", "log1p of days from start to due date", 0.0, 12.0),
    Feature("left", "time", "share of the period's days that is left", 0.0, 1.0),
    Feature("last_week", "time", "1 where at most seven days are left", 0.0, 1.0),
    Feature("far", "time", "1 where more than ninety days are left", 0.0, 1.0),
    Feature("age", "time", "log1p of days since the start", 0.0, 12.0),
    Feature("due_unknown", "time", "1 while nobody had set a due date: what it says is left out", 0.0, 1.0),
    Feature("margin", "gap", "distance past the target, relative to it; negative: short of it", -2.0, 2.0),
    Feature("margin_near", "gap", "tanh(margin / 0.02): tells apart the last few percent", -1.0, 1.0),
    Feature("margin_far", "gap", "tanh(margin / 0.1)", -1.0, 1.0),
    Feature("margin_by_elapsed", "gap", "margin_near x elapsed: a lead is worth more late", -1.5, 1.5),
    Feature("meets_now", "gap", "1 where the newest value meets the target", 0.0, 1.0),
    Feature("meets_by_elapsed", "gap", "meets_now x elapsed", 0.0, 1.5),
    Feature("progress", "gap", "share of the way done, for directions that go somewhere", -1.0, 3.0),
    Feature("pace", "gap", "progress - elapsed, for directions that go somewhere", -2.5, 3.0),
    Feature("pace_ratio", "gap", "log of progress over elapsed, for directions that go somewhere", -4.0, 4.0),
    Feature("need_ratio", "gap", "log of what is left of the way over what is left of the time", -4.0, 4.0),
    Feature("slope", "trend", "change of margin per period, over the last values", -2.0, 2.0),
    Feature("projected", "trend", "margin at the end if the slope holds", -2.0, 2.0),
    Feature("projected_far", "trend", "tanh(projected / 0.1)", -1.0, 1.0),
    Feature("check_ins", "rhythm", "log1p of check-ins so far", 0.0, 12.0),
    Feature("days_since", "rhythm", "log1p of days since the check-in before", 0.0, 12.0),
    Feature("no_value", "rhythm", "1 while there is no value", 0.0, 1.0),
    Feature("target_changes", "changes", "log1p of moves of the target", 0.0, 12.0),
    Feature("due_changes", "changes", "log1p of moves of the due date", 0.0, 12.0),
    Feature("predecessor", "record", "1 or -1: the series' last outcome; 0: there is none", -1.0, 1.0),
    Feature("predecessor_margin", "record", "tanh(margin of the series' last outcome / 0.05)", -1.0, 1.0),
    Feature("hit_rate", "record", "the series' shrunk hit rate - base rate", -1.0, 1.0),
    Feature("series_odds", "record", "log-odds of the series' shrunk hit rate - base_odds", -8.0, 8.0),
    Feature("owner_odds", "owner", "the same of its owner", -8.0, 8.0),
    Feature("objective_odds", "objective", "the same of its objective", -8.0, 8.0),
    Feature("left_odds", "stand", "the same of those that once had about as many days left", -8.0, 8.0),
    Feature("way_odds", "stand", "the same of those that once were as far on their way at such a time", -8.0, 8.0),
    Feature("gap_odds", "stand", "the same of those that once were as near to their target at such a time", -8.0, 8.0),
    Feature("same_due", "backlog", "log1p of other open key results of its source that are due that day", 0.0, 20.0),
    Feature("open_in_source", "backlog", "log1p of other open key results of its source", 0.0, 20.0),
    Feature("open_in_objective", "backlog", "log1p of other open key results of its objective", 0.0, 20.0),
    Feature(
        "base_of_50", "base", "log-odds of the share achieved of about the last 50 outcomes - base_odds", -8.0, 8.0
    ),
    Feature("base_of_500", "base", "the same of about the last 500", -8.0, 8.0),
    Feature("base_rate", "base", "share of outcomes achieved so far, all of the model", 0.0, 1.0, 0.5),
    Feature("base_odds", "base", "log-odds of the base rate", -8.0, 8.0),
)
WORDS = ("direction", "metric_kind", "stage")
"""Categorical features every key result has; `stage` counts its check-ins up to the fourth; 0: there is none."""
LAST_STAGE = 4
CROSSED = ("days_left", "length", "age", "left", "objective_odds", "same_due", "open_in_objective", "base_of_50")
"""These, and numbers among the attributes, mean another thing at each stage: they come once more, as `name@stage`."""
AT = "@"
RATE = "@rate"
"""Behind the name of an attribute that is a word: how those ended of which it says the same."""
WEEK, QUARTER = 7, 90
ATTRIBUTE = "attribute:"
"""Prefix of those a mapping names; numbers are sign x log1p."""
NAMES = tuple(one.name for one in FEATURES)
_ASPECTS = {one.name: one.aspect for one in FEATURES} | {**dict.fromkeys(WORDS, "kind"), "stage": "rhythm"}
_FORM = 3
"""Raise it when a formula changes and its name does not."""


def contract_hash() -> str:
    """What stored features must agree with to be learned: names, bounds, formulas."""
    names = {"words": WORDS, "attribute": ATTRIBUTE, "crossed": CROSSED, "stages": LAST_STAGE}
    said = {"form": _FORM, "features": [asdict(one) for one in FEATURES], **names}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def aspect_of(name: str) -> str:
    """What a feature says something of; an attribute is one of its own.

    >>> aspect_of("days_left@2"), aspect_of("attribute:size@1")
    ('time', 'attribute:size')
    """
    plain = name.partition(AT)[0]
    return _ASPECTS.get(plain, plain)


def features(state: KeyResultState, on: int, past: Past) -> Features:
    """The features of a key result that can be judged, on this day."""
    record, base_rate = past.record(state), past.base.value
    elapsed = bounded(state.elapsed(on), 0.0, 1.5) if state.due_known else 0.0
    margin, meets = _gap(state)
    slope = _slope(state)
    projected = bounded(margin + slope * max(0.0, 1.0 - elapsed), -2.0, 2.0)
    moving = state.direction in MOVING and bool(state.values)
    progress = bounded(1.0 + margin, -1.0, 3.0) if moving else 0.0
    near = tanh(margin / 0.02)
    stage = str(min(state.check_ins, LAST_STAGE))
    time, others = _time(state, on), _of_others(state, on, past)
    numbers = _numbers(state.attributes)
    told = time | others
    crossed = {name: told[name] for name in CROSSED} | numbers
    return {
        "elapsed": elapsed,
        **time,
        "margin": margin,
        "margin_near": near,
        "margin_far": tanh(margin / 0.1),
        "margin_by_elapsed": near * elapsed,
        "meets_now": meets,
        "meets_by_elapsed": meets * elapsed,
        "progress": progress,
        "pace": progress - elapsed if moving else 0.0,
        **_ratios(progress, elapsed, there=moving and state.due_known),
        "slope": slope,
        "projected": projected,
        "projected_far": tanh(projected / 0.1),
        "check_ins": bounded(log1p(state.check_ins), 0.0, 12.0),
        "days_since": bounded(log1p(max(0, on - _day_before(state, on))), 0.0, 12.0),
        "no_value": 0.0 if state.values else 1.0,
        "target_changes": bounded(log1p(state.target_changes), 0.0, 12.0),
        "due_changes": bounded(log1p(state.due_changes), 0.0, 12.0),
        "predecessor": 0.0 if record.last is None else 1.0 if record.last else -1.0,
        "predecessor_margin": tanh(record.margin / 0.05),
        "hit_rate": record.hit_rate(base_rate) - base_rate,
        **others,
        "base_rate": base_rate,
        "base_odds": bounded(logit(base_rate), -8.0, 8.0),
        "direction": state.direction,
        "metric_kind": state.metric_kind,
        "stage": stage,
        **_words(state, past),
        **numbers,
        **{f"{name}{AT}{stage}": value for name, value in crossed.items()},
    }


def stood(state: KeyResultState, on: int) -> Moments:
    """Where a key result that can be judged stands on this day."""
    margin = _gap(state)[0] if state.values else None
    known, moving = state.due_known, state.direction in MOVING
    return moments(
        left=state.due - on if known else None,
        elapsed=state.elapsed(on) if known else None,
        progress=1.0 + margin if margin is not None and moving else None,
        margin=margin,
    )


def _of_others(state: KeyResultState, on: int, past: Past) -> dict[str, float]:
    """What other key results tell of it: how they ended, and how many are open."""
    base = past.base.value
    odds, (last_50, last_500) = logit(base), past.base.lately
    return {
        "series_odds": known.odds(past.record(state).hit_rate(base), odds),
        **known.rates(state, past, stood(state, on), base),
        **known.backlog(state, past),
        "base_of_50": known.odds(last_50.value(base), odds),
        "base_of_500": known.odds(last_500.value(base), odds),
    }


def _time(state: KeyResultState, on: int) -> dict[str, float]:
    """Of the due date; of one that was not known yet nothing is told."""
    age = bounded(log1p(max(0, on - state.start)), 0.0, 12.0)
    if not state.due_known:
        known = ("days_left", "length", "left", "last_week", "far")
        return {**dict.fromkeys(known, 0.0), "age": age, "due_unknown": 1.0}
    days, length = max(0, state.due - on), max(1, state.due - state.start)
    return {
        "days_left": bounded(log1p(days), 0.0, 12.0),
        "length": bounded(log1p(length), 0.0, 12.0),
        "left": bounded(days / (1 + length), 0.0, 1.0),
        "last_week": 1.0 if days <= WEEK else 0.0,
        "far": 1.0 if days > QUARTER else 0.0,
        "age": age,
        "due_unknown": 0.0,
    }


def _ratios(progress: float, elapsed: float, *, there: bool) -> dict[str, float]:
    """How fast it went, and how fast it has to go; a twentieth is added to each so that none is endless."""
    if not there:
        return {"pace_ratio": 0.0, "need_ratio": 0.0}
    done, over = bounded(progress, 0.0, 1.5), min(1.0, elapsed)
    return {
        "pace_ratio": bounded(log((done + 0.05) / (over + 0.05)), -4.0, 4.0),
        "need_ratio": bounded(log((max(0.0, 1.0 - done) + 0.05) / (1.0 - over + 0.05)), -4.0, 4.0),
    }


def relative_margin(state: KeyResultState, value: float, target: float) -> float:
    """How far the value is past the target, in the key result's direction, relative to the way or to the target.

    Between two marks: how far it is from the nearer one, negative outside, relative to what lies between them.
    """
    return bounded(_past(state, value, target) / _scale(state, target), -2.0, 2.0)


def _past(state: KeyResultState, value: float, target: float) -> float:
    if state.direction == BETWEEN and state.baseline is not None:
        return min(value - state.baseline, target - value)
    return state.sign * (value - target)


def _gap(state: KeyResultState) -> tuple[float, float]:
    value, target = state.value, state.target
    if value is None or target is None:
        return 0.0, 0.0
    return relative_margin(state, value, target), 1.0 if state.meets(value, target) else 0.0


def _scale(state: KeyResultState, target: float) -> float:
    if state.direction in {*MOVING, BETWEEN} and state.baseline is not None and state.baseline != target:
        return abs(target - state.baseline)
    return abs(target) or 1.0


def _slope(state: KeyResultState) -> float:
    target = state.target
    if target is None or not state.due_known or len(state.values) < 2:  # noqa: PLR2004 - a slope needs two
        return 0.0
    (first_day, first), (last_day, last) = state.values[0], state.values[-1]
    periods = (last_day - first_day) / max(1, state.due - state.start)
    if state.direction == BETWEEN:
        gained = _past(state, last, target) - _past(state, first, target)
    else:
        gained = state.sign * (last - first)
    return bounded(gained / _scale(state, target) / periods, -2.0, 2.0)


def _day_before(state: KeyResultState, on: int) -> int:
    """The day of the check-in before the one of this day; else the start."""
    before = state.before if state.newest == on else state.newest
    return state.start if before is None else before


def _numbers(attributes: dict[str, float | str]) -> dict[str, float]:
    return {ATTRIBUTE + name: squash(value) for name, value in attributes.items() if not isinstance(value, str)}


def _words(state: KeyResultState, past: Past) -> Features:
    """Words among the attributes, and how those ended that say the same."""
    words: Features = {ATTRIBUTE + name: value for name, value in state.attributes.items() if isinstance(value, str)}
    if not words:
        return words
    rates = known.of_words(state, past, past.base.value)
    return words | {f"{ATTRIBUTE}{name}{RATE}": value for name, value in rates.items()}


def learnable(x: Features) -> Features:
    """What models learn of them: of a word among the attributes only how those ended that say the same.

    As words they cost more than they tell, most of all where there are many, as ids have.
    """
    return {name: value for name, value in x.items() if isinstance(value, float) or name in WORDS}


def squash(number: float) -> float:
    """Sign x log1p: tames heavy tails.

    >>> squash(0.0), round(squash(-99.0), 3)
    (0.0, -4.605)
    """
    return log1p(number) if number >= 0 else -log1p(-number)
