"""Which loaded batches get their positions now.

A file is judged as a whole, so its batches wait for its end. Positions follow the files' sequences: they also wait
until every file claimed before theirs has come to an end. A quarantined file is passed over; it gets positions, after
all others, when somebody lets it go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from okr_ingest_csv.domain.identity import WAITING_STATES


@dataclass(frozen=True, slots=True)
class InLine:
    """A file that is unfinished or has batches without a position; `place` is its turn among them."""

    file_id: int
    place: int
    state: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A batch without a position."""

    batch_id: int
    file_id: int
    number: int


def releasable(files: Sequence[InLine], batches: Sequence[Loaded]) -> list[int]:
    """The ids of the batches to release, in the order of their positions.

    >>> line = [InLine(1, 1, "done"), InLine(2, 2, "loading"), InLine(3, 3, "done")]
    >>> releasable(line, [Loaded(10, 3, 1), Loaded(11, 2, 1), Loaded(12, 1, 2), Loaded(13, 1, 1)])
    [13, 12]
    """
    released: list[int] = []
    for file in sorted(files, key=lambda file: file.place):
        if file.state in WAITING_STATES:
            break
        if file.state != "quarantined":
            mine = sorted((batch for batch in batches if batch.file_id == file.file_id), key=lambda batch: batch.number)
            released.extend(batch.batch_id for batch in mine)
    return released
