"""Units that were committed here and are still to be published, so that they need not be read back from the database.

Only a copy: the relay asks here first, and reads from the database what is not here, as after a crash or where another
replica's relay is at work. Few are kept, and the oldest go first.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import orjson

from okr_trainer.domain.drafts import Draft

MOST = 20_000
"""Records kept at most, some 20 MB: what a relay that keeps up has before it is four batches."""


class Said(NamedTuple):
    """A published prediction: its id, its key result, and what okr_common.records.Prediction says, as JSON."""

    prediction_id: str
    key_result_id: str
    value: str
    made_at: datetime


def said(model: str, drafts: Iterable[Draft], made_at: datetime) -> list[Said]:
    """Those that are published, in their order: the same as query `read_unit` reads back."""
    return [
        Said(one.prediction_id, one.key_result_id, _value(model, one, made_at), made_at)
        for one in drafts
        if one.publishable
    ]


@lru_cache(maxsize=1_000)
def as_told(moment: datetime) -> str:
    """A time as the database tells it in JSON, with as many places as it needs: the same message has the same bytes.

    >>> as_told(datetime(2026, 11, 27, 9, 30, 0, 120_000, UTC)), as_told(datetime(987, 1, 1, tzinfo=UTC))
    ('2026-11-27T09:30:00.12+00:00', '0987-01-01T00:00:00+00:00')
    """
    seconds, zone = moment.astimezone(UTC).isoformat(timespec="seconds").split("+")
    return f"{seconds}{f'.{moment.microsecond:06}'.rstrip('0').rstrip('.')}+{zone}"


def _value(model: str, one: Draft, made_at: datetime) -> str:
    low, high = one.interval or (None, None)
    lowest, highest = one.ends_within or (None, None)
    told = {
        "prediction_id": one.prediction_id,
        "model": model,
        "model_version": one.version,
        "kind": one.kind,
        "source": one.source,
        "key_result_id": one.key_result_id,
        "key_result": one.name,
        "check_in_id": one.check_in_id,
        "check_in_revision": None if one.check_in_id is None else one.revision,
        "seq": one.seq,
        "knowledge_time": as_told(one.knowledge_time),
        "due_on": one.due_on,
        "probability": one.probability,
        "probability_low": low,
        "probability_high": high,
        "risk": one.risk,
        "reasons": one.reasons,
        "forecast": one.forecast,
        "forecast_low": lowest,
        "forecast_high": highest,
        "target": one.target,
        "baselines": one.baselines,
        "batch_id": one.batch_id,
        "row_num": one.row_num,
        "made_at": as_told(made_at),
    }
    return orjson.dumps(told).decode()


class Fresh:
    """By the number of the unit."""

    def __init__(self) -> None:
        self._units: OrderedDict[int, Sequence[Said]] = OrderedDict()
        self._records = 0

    def keep(self, unit: int, records: Sequence[Said]) -> None:
        """A unit that is committed."""
        self._units[unit] = records
        self._records += len(records)
        while self._records > MOST:
            self._records -= len(self._units.popitem(last=False)[1])

    def read(self, unit: int, after: int, limit: int) -> Sequence[Said] | None:
        """Its records behind the first `after`, up to so many; None: it is not here. At its end it is given up."""
        records = self._units.get(unit)
        if records is None:
            return None
        if after >= len(records):
            del self._units[unit]
            self._records -= len(records)
        return records[after : after + limit]

    def forget(self) -> None:
        """All of them: a database that was away may come back as it was before, and give a number once more."""
        self._units.clear()
        self._records = 0
