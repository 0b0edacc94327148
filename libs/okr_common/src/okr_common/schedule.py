"""The rules of a schedule, in UTC, as arithmetic on times that are passed in.

A slot is the moment a cron expression names; it becomes a run, or a row that says why not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Literal

from cronsim import CronSim, CronSimError

from okr_common.errors import FatalError
from okr_common.events import Trigger
from okr_common.runs import Run

Missed = Literal["latest", "all", "none"]
"""Which of the slots that nobody claimed in time are run after all."""
ON_TIME = timedelta(minutes=5)
"""A slot claimed within this time is the schedule's own; later it is a catch-up."""
REMEMBERED = timedelta(days=31)
"""Slots further back leave no row."""


def check(cron: str) -> str:
    """The expression itself. Raises FatalError that says what is wrong with it."""
    try:
        CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise FatalError(f"{cron!r} is no cron expression ({error}); write five fields, like '0 */2 * * *'") from None
    return cron


def newest(cron: str, at: datetime) -> datetime:
    """The newest slot at or before this time.

    >>> newest("0 2 * * *", datetime(2026, 11, 24, 2, tzinfo=UTC)).isoformat()
    '2026-11-24T02:00:00+00:00'
    """
    return next(CronSim(cron, at + timedelta(microseconds=1), reverse=True))


def following(cron: str, at: datetime) -> datetime:
    """The first slot after this time."""
    return next(CronSim(cron, at))


def slots(cron: str, after: datetime, until: datetime) -> list[datetime]:
    """The slots later than `after`, up to and including `until`.

    >>> day = datetime(2026, 11, 24, tzinfo=UTC)
    >>> [slot.hour for slot in slots("0 */8 * * *", day, day + timedelta(hours=16))]
    [8, 16]
    """
    found = []
    slot = following(cron, after)
    while slot <= until:
        found.append(slot)
        slot = following(cron, slot)
    return found


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a slot: it is run now, skipped, or missed. `reason` is `code: a sentence`."""

    logical_time: datetime
    becomes: Literal["run", "skipped", "missed"]
    trigger: Trigger = "cron"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do with slots that were missed: those within `window` may be caught up with."""

    missed: Missed = "latest"
    window: timedelta = timedelta(hours=24)

    def decide(self, due: Sequence[datetime], now: datetime, busy_with: str | None) -> list[Decision]:
        """One decision for each due slot, oldest first. `busy_with` names an unfinished run of the pipeline."""
        wanted = self._wanted(due, now)
        return [self._decide(slot, now, busy_with, self._why_not(slot, now, wanted)) for slot in sorted(due)]

    def _decide(self, slot: datetime, now: datetime, busy_with: str | None, why_not: str | None) -> Decision:
        if why_not is not None:
            return Decision(slot, "missed", reason=why_not)
        if busy_with is not None and (self.missed != "all" or _on_time(slot, now)):
            return Decision(slot, "skipped", reason=f"overlap: run {busy_with} has not ended")
        return Decision(slot, "run", "cron" if _on_time(slot, now) else "catch_up")

    def _wanted(self, due: Sequence[datetime], now: datetime) -> set[datetime]:
        in_window = {slot for slot in due if now - slot <= self.window}
        if self.missed == "all" or not in_window:
            return in_window
        latest = max(in_window)
        return {latest} if self.missed == "latest" or _on_time(latest, now) else set()

    def _why_not(self, slot: datetime, now: datetime, wanted: set[datetime]) -> str | None:
        if slot in wanted:
            return None
        if now - slot > self.window:
            return f"too_old: more than {self.window} passed before a scheduler was there"
        if wanted:
            return f"superseded: the slot of {max(wanted).isoformat()} does its work"
        return "policy: slots that were missed are not caught up with"


def _on_time(slot: datetime, now: datetime) -> bool:
    return now - slot <= ON_TIME


class Verdict(Enum):
    """What a scheduled run that needs another pipeline should do."""

    GO = "go"
    WAIT = "wait"
    GIVE_UP = "give_up"


def needed_window(cron: str, logical_time: datetime) -> tuple[datetime, datetime]:
    """From and before: logical times of the needed pipeline's runs that will do, its newest slot's to its next's."""
    slot = newest(cron, logical_time)
    return slot, following(cron, slot)


def supply(needed: Sequence[Run], window: tuple[datetime, datetime]) -> Run | None:
    """The run that satisfies the need: the newest in the window that ended well."""
    good = [run for run in needed if run.state.well and window[0] <= run.logical_time < window[1]]
    return max(good, key=lambda run: run.logical_time, default=None)


def verdict(supplied: Run | None, logical_time: datetime, now: datetime, patience: timedelta) -> Verdict:
    """Go when the needed run has ended well; wait for it until `patience` after the slot."""
    if supplied is not None:
        return Verdict.GO
    return Verdict.WAIT if now < logical_time + patience else Verdict.GIVE_UP
