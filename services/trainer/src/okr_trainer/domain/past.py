"""What a model knows of other key results when it judges one, and what that says of it, as features.

Hit rates are told as log-odds, less those of the base rate: 0 where nothing has ended yet.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from math import tanh

from okr_trainer.domain import tallies as keys
from okr_trainer.domain.forecast import Errors
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.moments import Moments
from okr_trainer.domain.numbers import bounded, logit
from okr_trainer.domain.tallies import NO_TALLY, Tally
from okr_trainer.domain.track_record import NO_RECORD, SHRINKAGE, BaseRate, TrackRecord

SUREST = 5.3
"""In log-odds: no rate is told as surer, however often it held."""


Told = tuple[float, float, float, float]
"""Of a series: 1 or -1 as its last outcome was, tanh(its margin / 0.05), hit rate and log-odds less the base rate's."""


@dataclass(slots=True)
class Past:
    """Series by their name, all outcomes, tallies by their key, and how far off forecasts were.

    Only until the next outcome: how those ended that came before is reckoned once for all key results judged meanwhile.
    """

    records: Mapping[str, TrackRecord] = field(default_factory=dict)
    base: BaseRate = field(default_factory=BaseRate)
    tallies: MutableMapping[str, Tally] = field(default_factory=dict)
    errors: Errors = field(default_factory=Errors)
    rate: float = field(init=False)
    odds: float = field(init=False)
    lately: tuple[float, float] = field(init=False)
    _told: dict[str, float] = field(init=False, default_factory=dict)
    _placed: dict[tuple[str, str, int], float] = field(init=False, default_factory=dict)
    _series: dict[tuple[str, str], Told] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.rate = self.base.value
        self.odds = logit(self.rate)
        last_50, last_500 = self.base.lately
        self.lately = odds(last_50.value(self.rate), self.odds), odds(last_500.value(self.rate), self.odds)

    def series(self, name: str, kin: str) -> Told:
        """What is told of this series: by its own outcomes, and while these are few or none, by those of its kin."""
        told = self._series.get((name, kin))
        if told is None:
            told = self._series[name, kin] = self._told_of(self._ended(name), self._ended(kin))
        return told

    def _ended(self, series: str) -> TrackRecord | None:
        """The record of a series of which something ended; of what was withdrawn nothing is left."""
        record = self.records.get(series)
        return record if record is not None and record.outcomes else None

    def _told_of(self, own: TrackRecord | None, kin: TrackRecord | None) -> Told:
        newest, usual = own or kin or NO_RECORD, self.rate if kin is None else kin.hit_rate(self.rate)
        last = 0.0 if newest.last is None else 1.0 if newest.last else -1.0
        rate = usual if own is None else own.hit_rate(usual)
        return last, tanh(newest.margin / 0.05), rate - self.rate, odds(rate, self.odds)

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

    def reached_under(self, key: str | None) -> tuple[float, float] | None:
        """What those counted under this key usually were, and how many that rests on; None: there is none."""
        tally = self.tallies.get(key, NO_TALLY) if key else NO_TALLY
        return (tally.reached, tally.faded) if tally.outcomes else None

    def odds_lately(self, key: str | None) -> float:
        """How the last ones ended that are counted under this key; 0 where none has, and of no key."""
        told = self.reached_under(key)
        if told is None:
            return 0.0
        share, faded = told
        return odds((share * faded + SHRINKAGE * self.rate) / (faded + SHRINKAGE), self.odds)

    def odds_at(self, source: str, direction: str, moment: int) -> float:
        """How those ended that once stood at this place, of this source and direction."""
        at = source, direction, moment
        told = self._placed.get(at)
        if told is None:
            told = self._placed[at] = self.odds_of(keys.moment_key(source, direction, moment))
        return told

    def others(self, key: str | None, own: int) -> int:
        """How many open key results are counted under this key, without one's own, if it is open."""
        tally = self.tallies.get(key) if key else None
        return 0 if tally is None else max(0, tally.open - own)


def asked_of(state: KeyResultState, places: Moments) -> set[str]:
    """The keys of all tallies that tell something of a key result that stands at these places."""
    alike = {*_alike(state, places).values(), keys.reach_key(state), keys.lately_key(state)}
    return {*keys.stands(state), *keys.word_keys(state).values(), *filter(None, alike)}


def _alike(state: KeyResultState, places: Moments) -> dict[str, str | None]:
    return {
        "owner_odds": keys.owner_key(state),
        "objective_odds": keys.objective_key(state),
        "left_odds": keys.moment_key(state.source, state.direction, places.left),
        "way_odds": keys.moment_key(state.source, state.direction, places.way),
        "gap_odds": keys.moment_key(state.source, state.direction, places.gap),
    }


def odds(rate: float, base: float) -> float:
    """A rate as log-odds, less those of the base rate.

    >>> odds(0.5, 0.0), round(odds(1.0, 0.0), 1)
    (0.0, 5.3)
    """
    return bounded(bounded(logit(rate), -SUREST, SUREST) - base, -8.0, 8.0)
