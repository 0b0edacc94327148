"""What a model knows of other key results when it judges one, and what that says of it, as features.

Hit rates are told as log-odds, less those of the base rate: 0 where nothing has ended yet. Counts are log1p.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field

from okr_trainer.domain import tallies as keys
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.moments import Moments
from okr_trainer.domain.numbers import bounded, log_of, logit
from okr_trainer.domain.tallies import NO_TALLY, Tally
from okr_trainer.domain.track_record import NO_RECORD, SHRINKAGE, BaseRate, TrackRecord

SUREST = 5.3
"""In log-odds: no rate is told as surer, however often it held."""


@dataclass(slots=True)
class Past:
    """Series by their name, all outcomes, and tallies by their key.

    Only until the next outcome: how those ended that came before is reckoned once for all key results judged meanwhile.
    """

    records: Mapping[str, TrackRecord] = field(default_factory=dict)
    base: BaseRate = field(default_factory=BaseRate)
    tallies: MutableMapping[str, Tally] = field(default_factory=dict)
    rate: float = field(init=False)
    odds: float = field(init=False)
    lately: tuple[float, float] = field(init=False)
    _told: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.rate = self.base.value
        self.odds = logit(self.rate)
        last_50, last_500 = self.base.lately
        self.lately = odds(last_50.value(self.rate), self.odds), odds(last_500.value(self.rate), self.odds)

    def record(self, state: KeyResultState) -> TrackRecord:
        """Of the key result's series."""
        return self.records.get(state.series, NO_RECORD)

    def odds_of(self, key: str | None) -> float:
        """How those ended that are counted under this key; 0 where none has, and of no key."""
        if key is None:
            return 0.0
        told = self._told.get(key)
        if told is None:
            told = self._told[key] = self._odds_of(self.tallies.get(key, NO_TALLY))
        return told

    def _odds_of(self, tally: Tally) -> float:
        if not tally.outcomes:
            return 0.0
        return odds((tally.achieved + SHRINKAGE * self.rate) / (tally.outcomes + SHRINKAGE), self.odds)

    def others(self, key: str | None, state: KeyResultState) -> float:
        """How many open key results but this one are counted under this key, as log1p."""
        tally = self.tallies.get(key) if key else None
        return 0.0 if tally is None else min(20.0, log_of(max(0, tally.open - state.open)))


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


def odds(rate: float, base: float) -> float:
    """A rate as log-odds, less those of the base rate.

    >>> odds(0.5, 0.0), round(odds(1.0, 0.0), 1)
    (0.0, 5.3)
    """
    return bounded(bounded(logit(rate), -SUREST, SUREST) - base, -8.0, 8.0)
