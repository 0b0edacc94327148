"""Features: a pure function of what is known of a key result, of its series, and of the day.

They name no source. Every one is a finite float within its bounds, or a short word; nothing else reaches a model.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from math import log, log1p, tanh

from okr_trainer.domain import tallies as keys
from okr_trainer.domain.key_result_state import BETWEEN, MOVING, KeyResultState
from okr_trainer.domain.moments import Moments, moments
from okr_trainer.domain.numbers import bounded, log_of
from okr_trainer.domain.past import Past, odds

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
STAGES = tuple(str(stage) for stage in range(LAST_STAGE + 1))
_CROSSED_AT = {stage: tuple((name, f"{name}{AT}{stage}") for name in CROSSED) for stage in STAGES}
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


def features(state: KeyResultState, on: int, past: Past, places: Moments) -> Features:
    """The features of a key result that can be judged, on this day. `places`: where it stands then, as `stood` says."""
    record, base_rate = past.record(state), past.rate
    elapsed = bounded(state.elapsed(on), 0.0, 1.5) if state.due_known else 0.0
    margin, meets = _gap(state)
    slope = _slope(state)
    projected = bounded(margin + slope * max(0.0, 1.0 - elapsed), -2.0, 2.0)
    moving = state.direction in MOVING and bool(state.values)
    progress = bounded(1.0 + margin, -1.0, 3.0) if moving else 0.0
    pace_ratio, need_ratio = _ratios(progress, elapsed) if moving and state.due_known else (0.0, 0.0)
    near = tanh(margin / 0.02)
    objective = keys.objective_key(state)
    days_left, length, left, last_week, far = _due(state, on)
    stage = STAGES[min(state.check_ins, LAST_STAGE)]
    x: Features = {
        "elapsed": elapsed,
        "days_left": days_left,
        "length": length,
        "left": left,
        "last_week": last_week,
        "far": far,
        "age": _days(on - state.start),
        "due_unknown": 0.0 if state.due_known else 1.0,
        "margin": margin,
        "margin_near": near,
        "margin_far": tanh(margin / 0.1),
        "margin_by_elapsed": near * elapsed,
        "meets_now": meets,
        "meets_by_elapsed": meets * elapsed,
        "progress": progress,
        "pace": progress - elapsed if moving else 0.0,
        "pace_ratio": pace_ratio,
        "need_ratio": need_ratio,
        "slope": slope,
        "projected": projected,
        "projected_far": tanh(projected / 0.1),
        "check_ins": _times(state.check_ins),
        "days_since": _days(on - _day_before(state, on)),
        "no_value": 0.0 if state.values else 1.0,
        "target_changes": _times(state.target_changes),
        "due_changes": _times(state.due_changes),
        "predecessor": 0.0 if record.last is None else 1.0 if record.last else -1.0,
        "predecessor_margin": tanh(record.margin / 0.05),
        "hit_rate": record.hit_rate(base_rate) - base_rate,
        "series_odds": odds(record.hit_rate(base_rate), past.odds),
        "owner_odds": past.odds_of(keys.owner_key(state)),
        "objective_odds": past.odds_of(objective),
        "left_odds": past.odds_of(keys.moment_key(state, places.left)),
        "way_odds": past.odds_of(keys.moment_key(state, places.way)),
        "gap_odds": past.odds_of(keys.moment_key(state, places.gap)),
        "same_due": past.others(keys.due_key(state), state),
        "open_in_source": past.others(keys.source_key(state), state),
        "open_in_objective": past.others(objective, state),
        "base_of_50": past.lately[0],
        "base_of_500": past.lately[1],
        "base_rate": base_rate,
        "base_odds": bounded(past.odds, -8.0, 8.0),
        "direction": state.direction,
        "metric_kind": state.metric_kind,
        "stage": stage,
    }
    for name, crossed in _CROSSED_AT[stage] + _of_attributes(x, state, past, stage):
        x[crossed] = x[name]
    return x


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


def _due(state: KeyResultState, on: int) -> tuple[float, float, float, float, float]:
    """What the due date says: days left, length, share left, last week, far; of one that was not known yet nothing."""
    if not state.due_known:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    days, length = max(0, state.due - on), max(1, state.due - state.start)
    left = bounded(days / (1 + length), 0.0, 1.0)
    return _days(days), _days(length), left, 1.0 if days <= WEEK else 0.0, 1.0 if days > QUARTER else 0.0


def _days(days: int) -> float:
    """log1p of days; of none where there are fewer."""
    return min(12.0, log_of(max(0, days)))


def _times(count: int) -> float:
    return min(12.0, log_of(count))


def _ratios(progress: float, elapsed: float) -> tuple[float, float]:
    """How fast it went, and how fast it has to go; a twentieth is added to each so that none is endless."""
    done, over = bounded(progress, 0.0, 1.5), min(1.0, elapsed)
    return (
        bounded(log((done + 0.05) / (over + 0.05)), -4.0, 4.0),
        bounded(log((max(0.0, 1.0 - done) + 0.05) / (1.0 - over + 0.05)), -4.0, 4.0),
    )


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


def _of_attributes(x: Features, state: KeyResultState, past: Past, stage: str) -> tuple[tuple[str, str], ...]:
    """Adds words, how those ended that say the same, and numbers; returns how the numbers are called at this stage."""
    rates: Features = {}
    numbers: list[tuple[str, float]] = []
    for name, value in state.attributes.items():
        named = ATTRIBUTE + name
        if isinstance(value, str):
            x[named] = value
            rates[named + RATE] = past.odds_of(keys.word_key(name, value))
        else:
            numbers.append((named, squash(value)))
    x |= rates
    x |= numbers
    return tuple((named, f"{named}{AT}{stage}") for named, _ in numbers)


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
