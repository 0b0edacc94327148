"""Where a large file may be cut, so that its parts can be read at the same time.

One pass over the bytes tells the record boundaries by the quotes alone: a line end is one where an even number of
quotes stands before it. That holds as long as every quote opens or closes a cell, which is proved on the way; where it
does not hold there is no plan, and the file is read from its beginning to its end by one reader. Whoever reads a range
finds out by its number of records and lines whether the plan was right.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from okr_ingest_csv.domain.fingerprint import Readable
from okr_ingest_csv.domain.lines import WIDE, Lines
from okr_ingest_csv.domain.record import Place, Shape
from okr_ingest_csv.domain.records import CELL_BYTES, RECORD_CELLS

CHUNK_BYTES = 1_048_576
QUOTE = b'"'


class UnplannableError(Exception):
    """This file cannot be cut by its quotes; the text says where it stops being regular."""


@dataclass(frozen=True, slots=True)
class Range:
    """Whole records: where they begin, how many bytes (`length`), lines and records they are; their digest."""

    start: Place
    length: int
    lines: int
    records: int
    sha256: bytes

    @property
    def after(self) -> Place:
        """Where the next range begins."""
        return Place(self.start.byte + self.length, self.start.line + self.lines, self.start.row + self.records)


class Size(NamedTuple):
    """How large a range may become, and the longest cell in bytes: it bounds a record."""

    records: int
    bytes: int
    cell_bytes: int = CELL_BYTES


class _Stretch(NamedTuple):
    data: bytes
    lines: int
    records: int


def plan(stream: Readable, shape: Shape, start: Place, size: Size, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Range]:
    """The ranges of a file from `start`, where the stream stands, to its end, in order.

    Raises UnplannableError where a quote neither opens nor closes a cell, or a record is longer than one may be.
    """
    cutter = _Cutter(shape, size)
    gathered: list[_Stretch] = []
    for stretch in cutter.stretches(stream, start, chunk_bytes):
        if gathered and _too_large([*gathered, stretch], size):
            made = _range(start, gathered)
            yield made
            start, gathered = made.after, []
        gathered.append(stretch)
    if gathered:
        yield _range(start, gathered)


def _too_large(stretches: list[_Stretch], size: Size) -> bool:
    return sum(one.records for one in stretches) > size.records or sum(len(one.data) for one in stretches) > size.bytes


def _range(start: Place, stretches: list[_Stretch]) -> Range:
    digest, length = sha256(), 0
    for one in stretches:
        digest.update(one.data)
        length += len(one.data)
    lines, records = sum(one.lines for one in stretches), sum(one.records for one in stretches)
    return Range(start, length, lines, records, digest.digest())


class _Cutter:
    """Cuts a stream into stretches of whole records."""

    def __init__(self, shape: Shape, size: Size) -> None:
        if shape.encoding in WIDE:
            raise UnplannableError("it is UTF-16, in which the places to cut at cannot be told by single bytes")
        if not shape.delimiter.isascii():
            raise UnplannableError(f"its delimiter {shape.delimiter!r} is more than one byte")
        self._lines = Lines(shape.encoding)
        self._edges = {shape.delimiter.encode(), b"\n", b"\r", b""}
        self._records = size.records
        self._longest = RECORD_CELLS * size.cell_bytes

    def stretches(self, stream: Readable, start: Place, chunk_bytes: int) -> Iterator[_Stretch]:
        rest, at = b"", start.byte
        while more := stream.read(chunk_bytes):
            data = rest + more
            end = self._boundary(data)
            if len(data) - end > self._longest:
                raise UnplannableError(f"the record that begins at byte {at + end:,} is longer than a record may be")
            yield from self._split(data[:end], at)
            rest, at = data[end:], at + end
        if rest.count(QUOTE) % 2:
            raise UnplannableError(f"a quote opened after byte {at:,} is not closed before the file ends")
        yield from self._split(rest, at)

    def _boundary(self, data: bytes) -> int:
        """The end of the last whole record: after the last line end before which the quotes are in pairs."""
        end, odd = len(data), data.count(QUOTE) % 2
        looked = self._lines.whole(data)
        while looked:
            odd ^= data.count(QUOTE, looked, end) % 2
            if not odd:
                return looked
            end = looked
            looked = max(data.rfind(b"\n", 0, end - 1), data.rfind(b"\r", 0, end - 1)) + 1
        return 0

    def _split(self, data: bytes, at: int) -> Iterator[_Stretch]:
        """Whole records, in halves until each is small enough."""
        if not data:
            return
        stretch = self._stretch(data, at)
        middle = self._boundary(data[: len(data) // 2]) if stretch.records > self._records else 0
        if middle:
            yield from self._split(data[:middle], at)
            yield from self._split(data[middle:], at + middle)
        else:
            yield stretch

    def _stretch(self, data: bytes, at: int) -> _Stretch:
        lines = _line_ends(data) + (not data.endswith((b"\n", b"\r")))
        if QUOTE not in data:
            return _Stretch(data, lines, lines)
        parts = data.split(QUOTE)
        self._prove_regular(parts[::2], at)
        return _Stretch(data, lines, lines - _line_ends(QUOTE.join(parts[1::2])))

    def _prove_regular(self, outside: list[bytes], at: int) -> None:
        """What stands between two quoted stretches must begin and end at an edge.

        Nothing between them is a doubled quote within a cell, which closes and opens it at once.
        """
        begins = {part[:1] for part in outside[1:]}
        ends = {part[-1:] for part in outside[:-1]}
        if not (begins | ends) <= self._edges:
            raise UnplannableError(f"after byte {at:,} a quote neither opens nor closes a cell")


def _line_ends(data: bytes) -> int:
    feeds = data.count(b"\n")
    if b"\r" not in data:  # which is told far faster than that there are none
        return feeds
    return feeds + data.count(b"\r") - data.count(b"\r\n")
