"""A clock that tests set."""

from datetime import datetime, timedelta


class SetClock:
    """Shows the time it was set to until it is set again; a `Clock`.

    >>> from datetime import UTC
    >>> clock = SetClock(datetime(2026, 11, 24, 1, 59, tzinfo=UTC))
    >>> clock.forward(minutes=1).isoformat()
    '2026-11-24T02:00:00+00:00'
    """

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def forward(self, **step: float) -> datetime:
        """Lets time pass, as `timedelta` takes it, and returns the new time."""
        self.now += timedelta(**step)
        return self.now
