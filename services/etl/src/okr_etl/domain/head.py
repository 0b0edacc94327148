"""How far a source is, and what time it is there."""

from dataclasses import dataclass, replace
from datetime import datetime

from okr_common.sources import Mapping


@dataclass(frozen=True, slots=True)
class Head:
    """The last batch applied.

    `clock` is the newest as_of of the files that are applied wholly; `coming` takes in the one that `unit` names, whose
    batches are still being applied, so that a file's own rows do not make each other late. Of that one: `mapping_hash`
    of all its batches (None: they had not the same), `plain` while no two of its rows contradict each other, and
    `whole` where all its rows are read, not only its news.
    """

    position: int = 0
    generation: int = 1
    clock: datetime | None = None
    coming: datetime | None = None
    unit: str | None = None
    mapping_hash: str | None = None
    plain: bool = False
    whole: bool = True

    def entering(self, unit: str, mapping_hash: str = "", compared_with: str | None = None) -> "Head":
        """As a batch of this file (or request) finds it: with another file, the one before is applied wholly.

        Only the news of a file is read where it was compared with the very one before it, and the mapping made the same
        of that one as it would now.
        """
        if unit == self.unit:
            return self if mapping_hash == self.mapping_hash else replace(self, mapping_hash=None, whole=True)
        spared = (
            self.plain and compared_with is not None and (compared_with, mapping_hash) == (self.unit, self.mapping_hash)
        )
        clock = _later(self.clock, self.coming)
        return replace(self, clock=clock, unit=unit, mapping_hash=mapping_hash, plain=True, whole=not spared)

    def applied(self, position: int, newest: datetime | None, *, plain: bool = True, whole: bool = True) -> "Head":
        """After a batch whose newest as_of is this; `plain` where no two of its rows contradict each other."""
        coming = _later(self.coming, newest)
        return replace(self, position=position, coming=coming, plain=self.plain and plain, whole=self.whole or whole)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def floor(mapping: Mapping, head: Head) -> datetime | None:
    """Before which no later version can have become known; None where rows say themselves when they were written."""
    return head.clock if mapping.clock == "data" and mapping.entities.check_in.recorded_at is None else None
