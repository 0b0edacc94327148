"""What a model knows of other key results when it judges one, and what that says of it, as features.

Hit rates are told as log-odds, less those of the base rate: 0 where nothing has ended yet. Counts are log1p.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from math import log1p

from okr_trainer.domain import tallies as keys
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.moments import Moments
from okr_trainer.domain.numbers import bounded, logit
from okr_trainer.domain.tallies import NO_TALLY, Tally
from okr_trainer.domain.track_record import NO_RECORD, SHRINKAGE, BaseRate, TrackRecord

SUREST = 5.3
"""In log-odds: no rate is told as surer, however often it held."""


@dataclass(frozen=True, slots=True)
class Past:
    """Series by their name, all outcomes, and tallies by their key."""

    records: Mapping[str, TrackRecord] = field(default_factory=dict)
    base: BaseRate = field(default_factory=BaseRate)
    tallies: MutableMapping[str, Tally] = field(default_factory=dict)

    def record(self, state: KeyResultState) -> TrackRecord:
        """Of the key result's series."""
        return self.records.get(state.series, NO_RECORD)


def asked_of(state: KeyResultState, places: Moments) -> set[str]:
    """The keys of all tallies that tell something of a key result that stands at these places."""
    return {*keys.stands(state), *keys.word_keys(state).values(), *filter(None, _alike(state, places).values())}


def _alike(state: KeyResultState, places: Moments) -> dict[str, str | None]:
    return {
        "owner_odds": keys.owner_key(state),
        "objective_odds": keys.objective_key(state),
        "left_odds": keys.moment_key(state, places.left),
        "way_odds": keys.moment_key(state, places.way),
        "gap_odds": keys.moment_key(state, places.gap),
    }


def rates(state: KeyResultState, past: Past, places: Moments, base_rate: float) -> dict[str, float]:
    """How those ended that have something in common with it."""
    base = logit(base_rate)
    return {name: _odds(past, key, base_rate, base) for name, key in _alike(state, places).items()}


def of_words(state: KeyResultState, past: Past, base_rate: float) -> dict[str, float]:
    """How those ended of which an attribute says the same word, by attribute."""
    base = logit(base_rate)
    return {name: _odds(past, key, base_rate, base) for name, key in keys.word_keys(state).items()}


def odds(rate: float, base: float) -> float:
    """A rate as log-odds, less those of the base rate.

    >>> odds(0.5, 0.0), round(odds(1.0, 0.0), 1)
    (0.0, 5.3)
    """
    return bounded(bounded(logit(rate), -SUREST, SUREST) - base, -8.0, 8.0)


def _odds(past: Past, key: str | None, base_rate: float, base: float) -> float:
    tally = past.tallies.get(key, NO_TALLY) if key else NO_TALLY
    if not tally.outcomes:
        return 0.0
    return odds((tally.achieved + SHRINKAGE * base_rate) / (tally.outcomes + SHRINKAGE), base)


def backlog(state: KeyResultState, past: Past) -> dict[str, float]:
    """How many others are open."""
    return {
        "same_due": _others(state, past, keys.due_key(state)),
        "open_in_source": _others(state, past, keys.source_key(state)),
        "open_in_objective": _others(state, past, keys.objective_key(state)),
    }


def _others(state: KeyResultState, past: Past, key: str | None) -> float:
    count = past.tallies.get(key, NO_TALLY).open if key else 0
    return bounded(log1p(max(0, count - state.open)), 0.0, 20.0)
