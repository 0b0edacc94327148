"""Decides key results that are due or gone, between two files of a source, or when a day begins."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from okr_common.clock import utc_now
from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_common.sources import Mapping
from okr_etl.absences import Absences
from okr_etl.domain import due
from okr_etl.domain.head import Head
from okr_etl.mappings import Mappings
from okr_etl.store.due import Decision, DueStore

log = logger(__name__)


class Decider:
    """For the sources whose mapping says `outcome: due`, or what becomes of what is `absent`."""

    def __init__(
        self, store: DueStore, absences: Absences, mappings: Mappings, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._store = store
        self._absences = absences
        self._mappings = mappings
        self._now = now
        self._swept_on: date | None = None

    def decision(self, mapping: Mapping, head: Head) -> Decision | None:
        """What is to be decided at this head; None where the source says itself how key results end."""
        now, rule = self._now(), mapping.entities.due
        day = due.today(mapping, head, now)
        if rule is None or day is None:
            return None
        clock = head.coming if mapping.clock == "data" and head.coming else now
        return Decision(mapping, rule, head, day, clock)

    async def decide(self, source: str, head: Head) -> int:
        """Decides what has ended by now, then what is gone, and returns how many versions that made.

        So a goal that ended before it went has its outcome. A source without a sound mapping is left alone: its next
        batch tells why.
        """
        try:
            mapping = self._mappings.now(source)
        except PermanentError:
            return 0
        return await self._due(mapping, head) + await self._absences.decide(mapping, head)

    async def decide_again(self, mapping: Mapping, head: Head) -> None:
        """What is gone at the head of a replay; what has ended there is decided when the replay is done."""
        await self._absences.decide_again(mapping, head)

    async def _due(self, mapping: Mapping, head: Head) -> int:
        decision = self.decision(mapping, head)
        if decision is None or await self._store.is_decided(decision):
            return 0
        made = await self._store.decide(decision) or 0
        if made:
            log.info("outcomes_decided", source=mapping.name, position=head.position, outcomes=made, day=decision.day)
        return made

    def look_again(self) -> None:
        """Sources came whose day somebody else may have begun."""
        self._swept_on = None

    def of_a_new_day(self) -> Sequence[str]:
        """Once a day, and at start: the sources to look at although nothing new came."""
        today = self._now().astimezone(UTC).date()
        if self._swept_on == today:
            return ()
        self._swept_on = today
        return self._mappings.ending_by_due_date()
