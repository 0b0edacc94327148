"""How far a source is, and what time it is there."""

from dataclasses import dataclass, replace
from datetime import datetime

from okr_common.sources import Mapping


@dataclass(frozen=True, slots=True)
class Head:
    """The last batch applied.

    `clock` is the newest as_of of the files that are applied wholly; `coming` takes in the one that `unit` names, whose
    batches are still being applied, so that a file's own rows do not make each other late.
    """

    position: int = 0
    generation: int = 1
    clock: datetime | None = None
    coming: datetime | None = None
    unit: str | None = None

    def entering(self, unit: str) -> "Head":
        """As a batch of this file (or request) finds it: with another file, the one before is applied wholly."""
        if unit == self.unit:
            return self
        return replace(self, clock=_later(self.clock, self.coming), unit=unit)

    def applied(self, position: int, newest: datetime | None) -> "Head":
        """After a batch whose newest as_of is this."""
        return replace(self, position=position, coming=_later(self.coming, newest))


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def floor(mapping: Mapping, head: Head) -> datetime | None:
    """Before which no later version can have become known; None where rows say themselves when they were written."""
    return head.clock if mapping.clock == "data" and mapping.entities.check_in.recorded_at is None else None
