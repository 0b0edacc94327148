"""Features, by name: a pure function (`columns`) of what is known of a key result, of its series, and of the day.

They name no source. Every one is a finite float within its bounds, or a short word; nothing else reaches a model.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from math import log1p

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
    Feature(
        "predecessor", "record", "1 or -1: the last outcome of its series, else of its kin; 0: there is none", -1.0, 1.0
    ),
    Feature("predecessor_margin", "record", "tanh(margin of that outcome / 0.05)", -1.0, 1.0),
    Feature(
        "hit_rate",
        "record",
        "the series' hit rate, drawn to its kin's, and that to the base rate - base rate",
        -1.0,
        1.0,
    ),
    Feature("series_odds", "record", "log-odds of that hit rate - base_odds", -8.0, 8.0),
    Feature("owner_odds", "owner", "the same of its owner", -8.0, 8.0),
    Feature(
        "owner_reach",
        "owner",
        "margin of the value at which its owner's last ones of its unit ended, drawn to 0 where few have",
        -2.0,
        2.0,
    ),
    Feature("owner_lately", "owner", "owner_odds of its owner's last ones, each counting .9 of the next", -8.0, 8.0),
    Feature(
        "owner_margin", "owner", "margin at which its owner's last ones ended, drawn to 0 where few have", -2.0, 2.0
    ),
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
RATE = "@rate"
"""Behind the name of an attribute that is a word: how those ended of which it says the same."""
ATTRIBUTE = "attribute:"
"""Prefix of those a mapping names; numbers are sign x log1p."""
NAMES = tuple(one.name for one in FEATURES)
_ASPECTS = {one.name: one.aspect for one in FEATURES} | {**dict.fromkeys(WORDS, "kind"), "stage": "rhythm"}
_FORM = 4
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
