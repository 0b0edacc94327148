"""Trainings that fail one after another: tried daily at first, then seldom, since little mends itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from okr_common.counted import counted

TRIES = 3
"""Failed runs or requests after which the daily run tries no more daily."""
PAUSE = timedelta(days=7)
"""From then on it tries once in this time; each try is a replay of all history, and holds the stream meanwhile."""
LEEWAY = timedelta(hours=12)
"""A training ends after its run began: without it, the run at that hour seven days later would still come too early."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A model whose trainings failed since the last one that was done: how often, when and why the last one."""

    model: str
    failures: int
    last_at: datetime
    error: str | None

    @property
    def next_at(self) -> datetime:
        """The day of the daily run that tries again."""
        return self.last_at if self.failures < TRIES else self.last_at + PAUSE

    def waits(self, now: datetime) -> bool:
        """Whether the daily run leaves it alone."""
        return self.failures >= TRIES and now < self.next_at - LEEWAY

    @property
    def told(self) -> str:
        """What happened and what to do."""
        why = (self.error or "no reason was given").rstrip(".")
        return (
            f"{self.model}: {counted(self.failures, 'training')} failed one after another, the last on "
            f"{self.last_at:%Y-%m-%d}: {why}. Mend that, then `okr models rebuild {self.model}`; "
            f"by itself the daily run tries again from {self.next_at:%Y-%m-%d} on"
        )
