"""Lead time: how long before its due date a key result that was missed had been flagged, for good.

A flag that was taken back does not count, and neither does one on or after the due date: nobody can act on it.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from okr_trainer.domain.numbers import Column

LEAST_RATE = 0.2
"""Of all predictions the share that is flagged at least; where more were missed, as many as were."""
AHEAD = (1, 7, 14, 30, 60, 90, 180)
"""Days before the due date at which it is told how many were flagged by then."""
SEED, DRAWS, LEVEL = 20170331, 200, (2.5, 97.5)


class Said(NamedTuple):
    """What was said of a missed key result on a day, in the order of days."""

    key_result_id: str
    day: date
    due: date


def flagged(probabilities: Column, rate: float = LEAST_RATE) -> Column:
    """1.0 for the rows with the lowest probabilities, at least this share; rows of one probability go together.

    >>> flagged(np.array([0.9, 0.1, 0.5, 0.7, 0.8])).tolist()
    [0.0, 1.0, 0.0, 0.0, 0.0]
    """
    count = max(1, round(rate * len(probabilities)))
    cut = np.partition(probabilities, count - 1)[count - 1]
    flags: Column = (probabilities <= cut).astype(np.float64)
    return flags


def lead_days(rows: Sequence[Said], flags: Sequence[float]) -> dict[str, int]:
    """Of each key result the days from its first flag that stayed to its due date; 0: it was not flagged in time.

    >>> rows = [Said("k", date(2024, 1, day), date(2024, 1, 31)) for day in (1, 11, 21)]
    >>> lead_days(rows, [1, 0, 1]), lead_days(rows, [1, 1, 1]), lead_days(rows, [1, 1, 0])
    ({'k': 10}, {'k': 30}, {'k': 0})
    """
    since: dict[str, date | None] = {}
    due: dict[str, date] = {}
    for row, flag in zip(rows, flags, strict=True):
        since[row.key_result_id] = (since.get(row.key_result_id) or row.day) if flag else None
        due[row.key_result_id] = row.due
    return {name: 0 if day is None else max(0, (due[name] - day).days) for name, day in since.items()}


def lead_time(rows: Sequence[Said], flags: Sequence[float], alerts: float) -> dict[str, Any]:
    """Median lead over all missed key results, with its interval, and the share flagged that many days ahead, or more.

    `alerts`: the share of all predictions that was flagged, which may be more than asked for where many are equal.
    """
    days = np.array(list(lead_days(rows, flags).values()), dtype=np.float64)
    if not len(days):
        return {"missed": 0, "alerts": round(alerts, 5), "median_days": [None, None, None], "ahead": {}}
    luck = np.random.default_rng(SEED)
    drawn = [np.median(days[luck.integers(len(days), size=len(days))]) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, LEVEL)
    return {
        "missed": len(days),
        "alerts": round(alerts, 5),
        "median_days": [float(np.median(days)), float(low), float(high)],
        "ahead": {str(at_least): round(float((days >= at_least).mean()), 5) for at_least in AHEAD},
    }
