"""The records of a CSV file, each with its exact lines and bytes; what does not parse is kept with a reason.

The bytes are cut into physical lines (LF, CRLF or CR, as the csv module counts them), the lines go to csv.reader, and
its line counter tells which lines, and so which bytes, each record took. Blocks keep the memory small. What comes out
depends on the bytes alone, never on where a block ended, so reading may resume after any record.
"""

import csv
from collections.abc import Generator, Iterator

from okr_ingest_csv.domain.fingerprint import Readable
from okr_ingest_csv.domain.page import Page, first_line_end, flaw_of, too_large, whole_lines, why_not_parsed
from okr_ingest_csv.domain.record import Place, Row, Shape, Unreadable

BLOCK_BYTES = 131_072
"""Read at once: lines, cells and text of one block stay in the processor's cache."""
RECORD_BYTES = 1_048_576
"""A longer record is not parsed: most likely a quote was opened and never closed."""

csv.field_size_limit(4 * RECORD_BYTES)  # the process's only limit on a cell is RECORD_BYTES, here


def read_records(
    stream: Readable, shape: Shape, start: Place, *, block_bytes: int = BLOCK_BYTES, record_bytes: int = RECORD_BYTES
) -> Iterator[Row | Unreadable]:
    """All records from `start`, where the stream stands."""
    return iter(_Reader(stream, shape, start, block_bytes, record_bytes))


class _Reader:
    """Holds the place of the next byte to parse while blocks go by."""

    def __init__(self, stream: Readable, shape: Shape, start: Place, block_bytes: int, record_bytes: int) -> None:
        self._stream = stream
        self._shape = shape
        self._byte = start.byte
        self._line = start.line
        self._block_bytes = block_bytes
        self._limit = record_bytes

    def __iter__(self) -> Iterator[Row | Unreadable]:
        rest = b""
        while more := self._stream.read(self._block_bytes):
            data = rest + more
            end = whole_lines(data)
            rest = yield from self._block(data[:end], beyond=len(data) - end)
            rest += data[end:]
            if end == 0 and len(rest) > self._limit:
                rest = yield from self._skip_line(rest)
        yield from self._block(rest, beyond=None)

    def _block(self, block: bytes, *, beyond: int | None) -> Generator[Row | Unreadable, None, bytes]:
        """Parse whole lines; returns the bytes of a record that is still open at their end.

        `beyond`: how much of the next line has been read; None at the end of the file.
        """
        page = Page(block, self._byte, self._line, self._shape.codec, self._limit)
        first = yield from self._parse(page, beyond)
        self._byte, self._line = page.starts[first], self._line + first
        return block[page.starts[first] - page.starts[0] :]

    def _parse(self, page: Page, beyond: int | None) -> Generator[Row | Unreadable, None, int]:
        """Returns the index of the first line that was not consumed."""
        first, lines = 0, iter(page.text)
        while first < page.count:
            first, last, error = yield from self._rows(page, first, lines)
            if first == page.count:
                break
            cut = error is not None and last == page.count and "unexpected end" in str(error)
            if page.length(first, last) + (beyond or 0) * cut > self._limit:
                yield page.overlong(first)
                first += 1
                lines = iter(page.text[first:])
            elif cut and beyond is not None:
                break
            else:
                yield page.unreadable(first, last, *why_not_parsed(error, page.line + first))
                first = last
        return first

    def _rows(
        self, page: Page, first: int, lines: Iterator[str]
    ) -> Generator[Row | Unreadable, None, tuple[int, int, csv.Error | None]]:
        """Up to a record that is too long or does not parse: returns its first line, the line after it, the error."""
        skipped, starts, line, plain = first, page.starts, page.line, not page.suspect
        width, limit = self._shape.width, self._limit
        reader = csv.reader(lines, delimiter=self._shape.delimiter, strict=True)
        try:
            for cells in reader:
                last = skipped + reader.line_num
                start = starts[first]
                length = starts[last] - start
                if length > limit:
                    return first, last, None
                if plain and len(cells) == width:
                    yield cells, line + first, line + last - 1, start, length
                else:
                    yield self._judged(page, cells, first, last)
                first = last
        except csv.Error as error:
            return first, skipped + reader.line_num, error
        return first, first, None

    def _judged(self, page: Page, cells: list[str], first: int, last: int) -> Row | Unreadable:
        flaw = flaw_of(cells, self._shape.width)
        if flaw is not None:
            return page.unreadable(first, last, *flaw)
        return cells, page.line + first, page.line + last - 1, page.starts[first], page.length(first, last)

    def _skip_line(self, data: bytes) -> Generator[Unreadable, None, bytes]:
        """Pass over a line of which `data`, longer than a record may be, is the beginning; returns what follows it."""
        raw, length = data[: self._limit], len(data) - 1
        window = data[-1:]
        while (end := first_line_end(window)) == 0 and (more := self._stream.read(self._block_bytes)):
            length += len(window) - 1
            window = window[-1:] + more
        end = end or len(window)
        length += end
        yield Unreadable(
            self._line, self._line, self._byte, length, "cell_too_large", too_large(length, self._limit), raw
        )
        self._byte, self._line = self._byte + length, self._line + 1
        return window[end:]
