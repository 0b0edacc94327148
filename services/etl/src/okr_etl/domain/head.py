"""How far a source is, and what time it is there."""

from dataclasses import dataclass, replace
from datetime import datetime

from okr_common.sources import Mapping

MEANING = 4
"""Raised with each change of what etl makes of a cell under the same mapping: then all rows are read again."""


@dataclass(frozen=True, slots=True)
class Times:
    """What rows tell of time: the newest `as_of`; the newest time of which they tell a definition or an outcome."""

    newest: datetime | None = None
    spoken: datetime | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The last batch applied.

    `clock` is the newest as_of of the files that are applied wholly, never after their ingestion; `coming` takes in the
    one that `unit` names, whose batches are still being applied, so that a file's own rows do not make each other late.
    `newest` and `spoken` are the times of all rows so far. Of the file: `mapping_hash` of all its batches (None: they
    had not the same), `plain` while no row of it takes back what another one says, and `whole` where all its rows are
    read, not only its news.
    """

    position: int = 0
    generation: int = 1
    clock: datetime | None = None
    coming: datetime | None = None
    unit: str | None = None
    newest: datetime | None = None
    spoken: datetime | None = None
    mapping_hash: str | None = None
    plain: bool = False
    whole: bool = True

    def entering(self, unit: str, mapping_hash: str = "", compared_with: str | None = None) -> "Head":
        """As a batch of this file (or request) finds it: with another file, the one before is applied wholly.

        Only the news of a file is read where it was compared with the very one before it, and the same is made of a row
        now as was of that one's.
        """
        meaning = meaning_of(mapping_hash)
        if unit == self.unit:
            return self if meaning == self.mapping_hash else replace(self, mapping_hash=None, whole=True)
        spared = self.plain and compared_with is not None and (compared_with, meaning) == (self.unit, self.mapping_hash)
        clock = later(self.clock, self.coming)
        return replace(self, clock=clock, unit=unit, mapping_hash=meaning, plain=True, whole=not spared)

    def applied(self, position: int, ingested_at: datetime, times: Times, *, plain: bool, whole: bool) -> "Head":
        """After a batch whose rows tell of these times.

        Where all of it had to be read, but not of the file's batches before it, nobody knows what those say to it.
        """
        seen = self.whole or not whole
        newest = later(self.newest, times.newest)
        return replace(
            self,
            position=position,
            coming=later(self.coming, min(newest, ingested_at) if newest else None),
            newest=newest,
            spoken=later(self.spoken, times.spoken),
            plain=self.plain and plain and seen,
            whole=self.whole or whole,
        )


def meaning_of(mapping_hash: str) -> str:
    """What is made of a row under this mapping, as `Head.mapping_hash` has it."""
    return f"{mapping_hash}/{MEANING}"


def later(*times: datetime | None) -> datetime | None:
    """The latest of them, as far as there are any."""
    return max(filter(None, times), default=None)


def floor(mapping: Mapping, head: Head) -> datetime | None:
    """Before which no later version can have become known; None where rows say themselves when they were written."""
    return head.clock if mapping.clock == "data" and mapping.entities.check_in.recorded_at is None else None
