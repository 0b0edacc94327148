"""A batch's turn: what it changes at its source's head, known before any of it is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from okr_common.sources import Mapping
from okr_etl.domain.batch import Applied, Proposed, RawBatch
from okr_etl.domain.contradictions import NONE_SAID, unwritten
from okr_etl.domain.entities import ENTITIES
from okr_etl.domain.head import Head, floor, later
from okr_etl.domain.late import Part, apply_in_turn, times_of
from okr_etl.domain.news import MoreNeeded, plain, suffices


@dataclass(frozen=True, slots=True)
class Task:
    """A batch to apply: what its rows propose, under which mapping; `behind` counts the batches waiting after it.

    `compared_with`: the file (as `RawBatch.unit` names it) beside which its news was found; `said`: what the file's
    batches before it said, as in `contradictions.marked`; `late`: rows of batches before that waited for its rows.
    """

    batch: RawBatch
    proposed: Proposed
    mapping: Mapping
    generation: int
    behind: int
    compared_with: str | None = None
    said: pl.Series = field(default_factory=lambda: NONE_SAID)
    late: Sequence[Part] = ()

    @property
    def parts(self) -> list[Part]:
        """What is applied, in this order."""
        return [*self.late, Part(self.batch, self.proposed)]


@dataclass(frozen=True)
class Turn:
    """What each part of the task changes, its own rows last, where `former` is the head; after it, `head` is."""

    task: Task
    former: Head
    head: Head
    every: Sequence[Applied]

    @property
    def applied(self) -> Applied:
        """What its own rows change."""
        return self.every[-1]

    @cached_property
    def made(self) -> dict[str, int]:
        """How many new versions of each entity all parts make."""
        each = [applied.published["entity"] for applied in self.every]
        return {entity: sum(int((made == entity).sum()) for made in each) for entity in ENTITIES}

    @property
    def versions(self) -> int:
        """How many those are."""
        return sum(self.made.values())

    @cached_property
    def told(self) -> pl.Series:
        """What its file says in it without leaving another trace, as in `contradictions.unwritten`."""
        mine = self.task.batch.unit
        own = zip(self.task.parts, self.every, strict=True)
        return pl.concat(unwritten(one.resolved, self.head.spoken) for part, one in own if part.batch.unit == mine)


def take(task: Task, former: Head, held: pl.DataFrame) -> Turn:
    """The task's turn at this head, where this is held of what it speaks of.

    Raises MoreNeeded where only the news of its file was read, and that does not suffice.
    """
    batch, times = task.batch, times_of(task.parts)
    entered = former.entering(batch.unit, task.mapping.hash, task.compared_with)
    spoken = later(entered.spoken, times.spoken)
    every = apply_in_turn(task.parts, held, floor(task.mapping, entered), task.said, spoken)
    if batch.gone is not None and (entered.whole or not suffices(every[-1], batch.gone, entered.spoken)):
        raise MoreNeeded
    is_plain = plain(every[-1], task.proposed, batch, entered.spoken)
    head = entered.applied(batch.position, batch.ingested_at, times, plain=is_plain, whole=batch.whole)
    return Turn(task, former, head, every)
