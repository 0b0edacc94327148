"""A replay: the same batches again, with today's mapping, beside what is published. What is to be done next in it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from okr_etl.domain.head import Head


@dataclass(frozen=True, slots=True)
class Replay:
    """One that was asked for: from the batch at `first` on.

    `position` is the last batch done again, and `generation` the one it makes under the mapping of this hash; all three
    None before it has begun. `head` is the last batch that is applied, `mapping_version` a former mapping that is asked
    for instead of today's.
    """

    source: str
    first: int
    position: int | None
    generation: int | None
    mapping_hash: str | None
    state: str
    asked_at: datetime
    head: int
    mapping_version: int | None = None

    @property
    def next_position(self) -> int:
        """Of the batch that comes next; at the head the last one's, whose mapping is today's then."""
        return min(self.first if self.position is None else self.position + 1, self.head)


class Step(Enum):
    """What comes next: to begin (anew), the next batch, or to make the new generation the one that holds."""

    BEGIN = auto()
    BATCH = auto()
    SWITCH = auto()


def next_step(replay: Replay, head: Head, mapping_hash: str) -> Step:
    """Begun anew where the mapping is another one by now, or the generation it is compared with.

    >>> from datetime import UTC
    >>> asked = Replay("s", 3, None, None, None, "running", datetime(2026, 1, 1, tzinfo=UTC), 9)
    >>> next_step(asked, Head(9, 1), "a")
    <Step.BEGIN: 1>
    >>> begun = Replay("s", 3, 2, 2, "a", "running", asked.asked_at, 9)
    >>> [next_step(begun, Head(9, generation), mapping).name for generation, mapping in ((1, "a"), (1, "b"), (2, "a"))]
    ['BATCH', 'BEGIN', 'BEGIN']
    >>> next_step(Replay("s", 3, 9, 2, "a", "running", asked.asked_at, 9), Head(9, 1), "a").name
    'SWITCH'
    """
    if replay.position is None or (replay.generation, replay.mapping_hash) != (head.generation + 1, mapping_hash):
        return Step.BEGIN
    return Step.BATCH if replay.position < head.position else Step.SWITCH
