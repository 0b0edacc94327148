"""Time is passed in: rules take a `Clock`, tests set it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the time now, aware, in UTC."""


def utc_now() -> datetime:
    """The system's time, in UTC."""
    return datetime.now(UTC)


def starting_at(instant: datetime, base: Clock = utc_now) -> Clock:
    """A clock that shows `instant` now and goes on from there: to rehearse a cadence without waiting for the night."""
    ahead = instant - base()
    return lambda: base() + ahead
