"""Key results that a full export has no more: whether they may be taken for gone, as a mapping's `absent` says.

An export that is damaged, cut short or of another kind lacks rows, too. So nothing is closed for a file that was not
read to its last row, nor where too many are gone at once.
"""

from dataclasses import dataclass
from datetime import datetime

from okr_common.counted import counted
from okr_common.sources import AbsentBlock, Mapping
from okr_etl.domain.head import Head

CLOSED = {"close": "absent", "delete": "absent_deleted"}
"""Why an entity is closed, by what the mapping says."""
UNDECIDED, BEYOND = "absent_undecided", "absent_beyond_share"


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is known of a file, or request, that is applied to its end.

    `unreadable` counts its records that are no rows, blank lines left out; `ended_well` is false for a request that
    stopped before its last page, `one_mapping` where its batches were applied with others than today's,
    `sent_back` is true of an `okr rejected export` that was mended.
    """

    unreadable: int
    rejected: int
    pending: int
    ended_well: bool = True
    one_mapping: bool = True
    sent_back: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of a file: `reason` and `detail` tell why nothing is closed for it; None: whatever it lacks is."""

    reason: str | None = None
    detail: str | None = None


def undecided(read: Completeness) -> Verdict | None:
    """Why nobody can tell what such a file lacks; None where it can be told.

    >>> undecided(Completeness(unreadable=0, rejected=2, pending=1)).detail
    '2 rows were rejected and 1 row waits for its parent: they may speak of what seems to be gone'
    >>> undecided(Completeness(0, 0, 0)) is None
    True
    """
    if not read.ended_well:
        return Verdict(UNDECIDED, "the request did not come to its last page")
    if read.sent_back:
        return Verdict(UNDECIDED, "it holds rejected rows that were mended, and not all goals there are")
    if not read.one_mapping:
        return Verdict(UNDECIDED, "the mapping was changed since; the next file is judged with it")
    found = (
        (read.unreadable, "record is unreadable", "records are unreadable"),
        (read.rejected, "row was rejected", "rows were rejected"),
        (read.pending, "row waits for its parent", "rows wait for their parents"),
    )
    told = " and ".join(counted(*one) for one in found if one[0])
    return Verdict(UNDECIDED, f"{told}: they may speak of what seems to be gone") if told else None


def shared(absent: AbsentBlock, gone: int, held_open: int) -> Verdict:
    """Whether so many of the open key results may be gone at once.

    One always may where another one stays: else a source of three key results could never lose one.

    >>> absent = AbsentBlock(then="close", at_most=0.2)
    >>> [shared(absent, gone, held_open).reason for gone, held_open in ((0, 0), (20, 100), (1, 3), (2, 3), (1, 1))]
    [None, None, None, 'absent_beyond_share', 'absent_beyond_share']
    >>> shared(absent, 21, 100).detail
    '21 of 100 open key results are in its last file no more, which is above at_most: 0.2; nothing was closed'
    """
    allowed = max(absent.at_most * held_open, min(1, held_open - 1))
    if gone <= allowed:
        return Verdict()
    told = f"{gone} of {counted(held_open, 'open key result')} {'is' if gone == 1 else 'are'} in its last file no more"
    return Verdict(BEYOND, f"{told}, which is above at_most: {absent.at_most:g}; nothing was closed")


def known_at(mapping: Mapping, head: Head, ingested_at: datetime) -> datetime:
    """When it became known that the file at this head lacks something; a replay of it says the same."""
    return head.coming if mapping.clock == "data" and head.coming else ingested_at
