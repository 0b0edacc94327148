r"""Records become a batch: its rows as the very bytes PostgreSQL's COPY takes, its unreadable records beside them.

JSON text never holds a raw \x01 or \x02, so as quote and delimiter they need no escaping.
"""

from binascii import hexlify
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import orjson

from okr_ingest_csv.domain.profile import Profile, Profiler
from okr_ingest_csv.domain.record import Place, Unreadable
from okr_ingest_csv.domain.records import Found, Records

COLUMNS = ("batch_id", "row_num", "cells", "first_line", "last_line", "byte_start", "byte_len", "row_hash", "repaired")
COPY_DELIMITER, COPY_QUOTE = "\x02", "\x01"
BATCH_BYTES = 67_108_864
"""A batch ends early, with a block of the file, when its rows grow beyond this: wide rows must not fill the memory."""
_LINE = b"%d\x02%%d\x02%%b\x02%%d\x02%%d\x02%%d\x02%%d\x02\\x%%b\x02%%d\n"
"""Filled in two steps: what the lines of a batch share, its id, then each line (the doubled %)."""


CHUNK_ROWS = 1_000
"""Joined at once: the many small objects live for this many rows only, and COPY gets pieces of a good size."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to `batch_rows` records. `after` is where reading goes on; `last`: there is nothing after it.

    `digests` are those of the rows, 16 bytes each, in order.
    """

    batch_id: int
    start: Place
    after: Place
    copy: tuple[bytes, ...]
    unreadable: tuple[Unreadable, ...]
    profile: Profile
    digests: bytes
    last: bool

    @property
    def rows(self) -> int:
        """How many rows `copy` holds."""
        return self.after.row - self.start.row - len(self.unreadable)

    @property
    def empty(self) -> bool:
        """True where the file had ended: there is nothing to store."""
        return self.after.row == self.start.row


def take_batch(records: Records, batch_id: int, start: Place, batch_rows: int, batch_bytes: int = BATCH_BYTES) -> Batch:
    """The next batch of these records."""
    copy: list[bytes] = []
    unreadable: list[Unreadable] = []
    digests: list[bytes] = []
    profiler = Profiler()
    after, left, room, last = start, batch_rows, batch_bytes, False
    while left > 0 and room > 0 and not last:
        taken = records.take(min(CHUNK_ROWS, left))
        chunk = _chunk(taken, batch_id, after.row, profiler)
        copy.append(chunk.copy)
        unreadable.extend(chunk.unreadable)
        digests.append(chunk.digests)
        left, room, last = left - len(taken), room - chunk.size, not taken
        after = _after(taken, after)
    profile, pieces = profiler.profile(), tuple(filter(None, copy))
    return Batch(batch_id, start, after, pieces, tuple(unreadable), profile, b"".join(digests), last)


def _after(records: Found, before: Place) -> Place:
    """Where reading goes on after these records."""
    if not records:
        return before
    last, row = records[-1], before.row + len(records)
    if isinstance(last, Unreadable):
        return Place(last.byte_start + last.byte_len, last.last_line + 1, row)
    return Place(last[3] + last[4], last[2] + 1, row)


class _Chunk(NamedTuple):
    copy: bytes
    unreadable: list[Unreadable]
    digests: bytes
    size: int


def _chunk(records: Found, batch_id: int, number: int, profiler: Profiler) -> _Chunk:
    """These records, of which the first has this number. Every row passes here, so each step takes them all at once."""
    rows, numbers, unreadable = _apart(records, number)
    size = sum(len(one.raw) for one in unreadable)
    if not rows:
        return _Chunk(b"", unreadable, b"", size)
    cells, first_lines, last_lines, starts, lengths, repaired = zip(*rows, strict=True)
    json = list(map(orjson.dumps, cells))
    digests = [blake2b(data, digest_size=16).digest() for data in json]
    columns = zip(numbers, json, first_lines, last_lines, starts, lengths, map(hexlify, digests), repaired, strict=True)
    line = _LINE % batch_id
    copy = b"".join([line % row for row in columns])
    profiler.see(cells, json, copy, sum(repaired))
    return _Chunk(copy, unreadable, b"".join(digests), size + sum(map(len, json)))


def _apart(records: Found, number: int) -> tuple[Found, Sequence[int], list[Unreadable]]:
    """Rows, their numbers, and records that are none."""
    if Unreadable not in set(map(type, records)):
        return records, range(number, number + len(records)), []
    numbered = list(enumerate(records, number))
    rows = [(at, one) for at, one in numbered if not isinstance(one, Unreadable)]
    unreadable = [one for one in records if isinstance(one, Unreadable)]
    return [one for _, one in rows], [at for at, _ in rows], unreadable


def repeated(digests: bytes) -> int:
    """How many of these rows repeat an earlier one; of their digests 8 bytes are compared.

    >>> repeated(b"a" * 16 + b"b" * 16 + b"a" * 16)
    1
    """
    halves = memoryview(digests).cast("Q")[::2]
    return len(halves) - len(set(halves))
