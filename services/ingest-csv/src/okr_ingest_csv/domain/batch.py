r"""Records become a batch: its rows as the very bytes PostgreSQL's COPY takes, its unreadable records beside them.

JSON text never holds a raw \x01 or \x02, so as quote and delimiter they need no escaping.
"""

from binascii import hexlify
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

import orjson

from okr_ingest_csv.domain.profile import Profile, Profiler
from okr_ingest_csv.domain.record import Place, Row, Unreadable

COLUMNS = ("batch_id", "row_num", "cells", "first_line", "last_line", "byte_start", "byte_len", "row_hash", "repaired")
COPY_DELIMITER, COPY_QUOTE = "\x02", "\x01"
BATCH_BYTES = 67_108_864
"""A batch ends early when its rows, as COPY takes them, grow beyond this: wide rows must not fill the memory."""
_LINE = b"%d\x02%%d\x02%%b\x02%%d\x02%%d\x02%%d\x02%%d\x02\\x%%b\x02%d\n"
"""Filled in two steps: what the lines of a batch share (its id, repaired or not), then each line (the doubled %)."""


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


def take_batch(
    records: Iterator[Row | Unreadable], batch_id: int, start: Place, batch_rows: int, batch_bytes: int = BATCH_BYTES
) -> Batch:
    """The next batch of these records."""
    copy: list[bytes] = []
    unreadable: list[Unreadable] = []
    digests: list[bytes] = []
    profiler = Profiler()
    after, taken, size, last = start, 0, 0, False
    while taken < batch_rows and size < batch_bytes and not last:
        wanted = min(CHUNK_ROWS, batch_rows - taken)
        chunk = _take_chunk(islice(records, wanted), batch_id, after, batch_bytes - size, profiler)
        copy.append(chunk.copy)
        unreadable.extend(chunk.unreadable)
        digests.append(chunk.digests)
        records_taken = chunk.after.row - after.row
        after, taken, size = chunk.after, taken + records_taken, size + chunk.size
        last = records_taken < wanted and size < batch_bytes
    profile, pieces = profiler.profile(), tuple(filter(None, copy))
    return Batch(batch_id, start, after, pieces, tuple(unreadable), profile, b"".join(digests), last)


class _Chunk(NamedTuple):
    copy: bytes
    unreadable: list[Unreadable]
    digests: bytes
    after: Place
    size: int


def _take_chunk(
    records: Iterator[Row | Unreadable], batch_id: int, start: Place, room: int, profiler: Profiler
) -> _Chunk:
    """All of these records, or so many that there is no more room. The innermost loop: each row passes here."""
    lines: list[bytes] = []
    rows: list[list[str]] = []
    json: list[bytes] = []
    digests: list[bytes] = []
    unreadable: list[Unreadable] = []
    plain_line, mended_line = _LINE % (batch_id, False), _LINE % (batch_id, True)
    byte, line, row, size, mended = start.byte, start.line, start.row, 0, 0
    for record in records:
        if isinstance(record, Unreadable):
            unreadable.append(record)
            size += len(record.raw)
            byte, line = record.byte_start + record.byte_len, record.last_line + 1
        else:
            cells, first_line, last_line, byte_start, byte_len, repaired = record
            data = orjson.dumps(cells)
            digest = blake2b(data, digest_size=16).digest()
            line_of = mended_line if repaired else plain_line
            lines.append(line_of % (row, data, first_line, last_line, byte_start, byte_len, hexlify(digest)))
            digests.append(digest)
            rows.append(cells)
            json.append(data)
            mended += repaired
            size += len(data)
            byte, line = byte_start + byte_len, last_line + 1
        row += 1
        if size >= room:
            break
    profiler.see(rows, json, mended)
    return _Chunk(b"".join(lines), unreadable, b"".join(digests), Place(byte, line, row), size)


def repeated(digests: bytes) -> int:
    """How many of these rows repeat an earlier one; of their digests 8 bytes are compared.

    >>> repeated(b"a" * 16 + b"b" * 16 + b"a" * 16)
    1
    """
    halves = memoryview(digests).cast("Q")[::2]
    return len(halves) - len(set(halves))
