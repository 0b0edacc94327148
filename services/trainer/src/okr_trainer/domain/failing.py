"""Trainings that fail one after another: tried daily at first, then seldom, since little mends itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from okr_common.counted import counted

TRIES = 3
"""Failed runs or requests after which the daily run tries no more daily."""
PAUSE = timedelta(days=7)
"""From then on it tries once in this time; each try is a replay of all history, and holds the stream meanwhile."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A model whose trainings failed since the last one that was done: how often, when and why the last one."""

    model: str
    failures: int
    last_at: datetime
    error: str

    @property
    def next_at(self) -> datetime:
        """From when the daily run tries again."""
        return self.last_at if self.failures < TRIES else self.last_at + PAUSE

    def waits(self, now: datetime) -> bool:
        """Whether the daily run leaves it alone."""
        return now < self.next_at

    @property
    def told(self) -> str:
        """What happened and what to do."""
        return (
            f"{self.model}: {counted(self.failures, 'training')} failed one after another, the last on "
            f"{self.last_at:%Y-%m-%d}: {self.error.rstrip('.')}. Mend that, then `okr models rebuild {self.model}`; "
            f"by itself the daily run tries again from {self.next_at:%Y-%m-%d} on"
        )
