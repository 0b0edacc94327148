"""The records of a CSV file, each with its exact lines and bytes; what does not parse is kept with a reason.

The bytes are cut into physical lines (LF, CRLF or CR, as the csv module counts them), the lines go to csv.reader, and
its line counter tells which lines, and so which bytes, each record took. Blocks keep the memory small. What comes out
depends on the bytes alone, never on where a block ended, so reading may resume after any record.

After a damaged record reading goes on where the next record begins: at the line after its first one, if what follows
reads as whole rows, else where its quotes are closed.
"""

import csv
import sys
from collections.abc import Iterable, Iterator
from itertools import islice

from okr_ingest_csv.domain.fingerprint import Readable
from okr_ingest_csv.domain.flaws import flaw_of, repaired, too_large, why_not_parsed
from okr_ingest_csv.domain.lines import lines_in
from okr_ingest_csv.domain.page import TAIL_ROWS, Page
from okr_ingest_csv.domain.record import Place, Row, Shape, Unreadable

BLOCK_BYTES = 131_072
"""Read at once: lines, cells and text of one block stay in the processor's cache."""
CELL_BYTES = 1_048_576
RECORD_CELLS = 2
"""A record longer than so many of the largest cells is not parsed: most likely a quote was never closed."""
UTF8_GROWTH = 3
"""A cell is measured in UTF-8, in which a byte of the file may become so many (the euro sign of cp1252)."""
Found = list[Row | Unreadable]
"""Records of one block, in order."""

csv.field_size_limit(sys.maxsize)  # the process's only limits on a cell are those here


class Records:
    """Records, one by one or many at once."""

    def __init__(self, blocks: Iterable[Found]) -> None:
        self._blocks = iter(blocks)
        self._block: Iterator[Row | Unreadable] = iter(())

    def __iter__(self) -> Iterator[Row | Unreadable]:
        """Those that were not taken."""
        yield from self._block
        while self._begin_next():
            yield from self._block

    def take(self, most: int) -> Found:
        """The next ones: at most so many, of one block only, so that they need little memory; none at the end."""
        taken = list(islice(self._block, most))
        while most > 0 and not taken and self._begin_next():
            taken = list(islice(self._block, most))
        return taken

    def _begin_next(self) -> bool:
        block = next(self._blocks, None)
        self._block = iter(block or ())
        return block is not None


def read_records(
    stream: Readable, shape: Shape, start: Place, *, block_bytes: int = BLOCK_BYTES, cell_bytes: int = CELL_BYTES
) -> Records:
    """All records from `start`, where the stream stands."""
    return Records(_Reader(stream, shape, start, block_bytes, cell_bytes).blocks())


class _Reader:
    """Holds the place of the next byte to parse while blocks go by."""

    def __init__(self, stream: Readable, shape: Shape, start: Place, block_bytes: int, cell_bytes: int) -> None:
        self._stream = stream
        self._shape = shape
        self._lines = lines_in(shape.encoding)
        self._byte = start.byte
        self._line = start.line
        self._block_bytes = block_bytes
        self._cell_bytes = cell_bytes
        self._limit = RECORD_CELLS * cell_bytes

    def blocks(self) -> Iterator[Found]:
        """The records of each block of whole lines."""
        rest = b""
        while more := self._stream.read(max(self._block_bytes, len(rest))):
            data = rest + more
            end = self._lines.whole(data)
            begun = data[end:]
            found, rest = self._block(data[:end], beyond=self._lines.last(begun))
            yield found
            rest += begun
            if end == 0 and self._lines.last(rest) > self._limit:
                skipped, rest = self._skip_line(rest)
                yield [skipped]
        yield self._block(rest, beyond=None)[0]

    def _block(self, block: bytes, *, beyond: int | None) -> tuple[Found, bytes]:
        """Parse whole lines: their records, and the bytes of one that is still open at their end.

        `beyond`: how much of the next line has been read; None at the end of the file.
        """
        page = Page(block, Place(self._byte, self._line), self._shape, self._limit)
        found, first = self._plain_rows(page)
        first = self._parse(page, first, beyond, found)
        self._byte, self._line = page.starts[first], self._line + first
        return found, block[page.starts[first] - page.starts[0] :]

    def _plain_rows(self, page: Page) -> tuple[Found, int]:
        """The page's rows up to the first record that must be looked at, and the index of its first line.

        Most pages are nothing but such rows, and here each costs half of what it does where all is looked at.
        """
        if page.suspect or page.length(0, page.count) > self._cell_bytes // UTF8_GROWTH:
            return [], 0
        width, rows, ends = self._shape.width, [], [0]
        reader = csv.reader(page.text, delimiter=self._shape.delimiter, strict=True)
        try:
            for cells in reader:
                if len(cells) != width:
                    break
                rows.append(cells)
                ends.append(reader.line_num)
        except csv.Error:
            pass  # the record is read again, and told with its reason
        return page.rows(rows, ends), ends[-1]

    def _parse(self, page: Page, first: int, beyond: int | None, found: Found) -> int:
        """Returns the index of the first line that was not consumed."""
        while first < page.count:
            first, last, error = self._rows(page, first, found)
            if first == page.count:
                break
            settled = self._settled(page, first, last, error, beyond)
            if settled is None:
                break
            found.append(settled)
            first = settled.last_line + 1 - page.line
        return first

    def _rows(self, page: Page, first: int, found: Found) -> tuple[int, int, csv.Error | None]:
        """Up to a record that is damaged: returns its first line, the line after it, the error."""
        skipped = first
        reader = csv.reader(page.lines_from(first), delimiter=self._shape.delimiter, strict=True)
        try:
            for cells in reader:
                last = skipped + reader.line_num
                if page.length(first, last) > self._limit or (last - first > 1 and len(cells) != self._shape.width):
                    return first, last, None
                found.append(self._judged(page, cells, first, last))
                first = last
        except csv.Error as error:
            return first, skipped + reader.line_num, error
        return first, first, None

    def _judged(self, page: Page, cells: list[str], first: int, last: int) -> Row | Unreadable:
        mended = repaired(cells, self._shape)
        flaw = flaw_of(mended or cells, self._shape.width, self._cell_bytes)
        if flaw is not None:
            return page.unreadable(first, last, *flaw)
        place = page.line + first, page.line + last - 1, page.starts[first], page.length(first, last)
        return mended or cells, *place, mended is not None

    def _settled(
        self, page: Page, first: int, last: int, error: csv.Error | None, beyond: int | None
    ) -> Unreadable | None:
        """The damaged record that begins at line `first`; None where more of the file must be seen to tell its end."""
        cut = error is not None and last == page.count and "unexpected end" in str(error)
        if page.length(first, last) + (beyond or 0) * cut > self._limit:
            return page.overlong(first)
        if cut:
            return None if beyond is not None else _open_to_the_end(page, first, last)
        if error is None:
            return _too_wide_or_too_narrow(page, first, last)
        return self._badly_quoted(page, first, last, error, beyond)

    def _badly_quoted(
        self, page: Page, first: int, last: int, error: csv.Error, beyond: int | None
    ) -> Unreadable | None:
        reason = why_not_parsed(error, page.line + first)
        if last - first > 1 and page.reads_as_rows(first + 1, last, 1):
            return page.unreadable(first, first + 1, *reason)
        end = page.balanced(first, last)
        if end is None and beyond is not None and page.length(first, page.count) + beyond <= self._limit:
            return None
        if end is None or page.length(first, end) > self._limit or page.reads_as_rows(last, end, 1):
            end = last
        return page.unreadable(first, end, *reason)

    def _skip_line(self, data: bytes) -> tuple[Unreadable, bytes]:
        """Pass over a line of which `data`, longer than a record may be, is the beginning: it, and what follows it."""
        raw, length = data[: self._limit], self._lines.open_from(data)
        window = data[length:]
        while (end := self._lines.first(window)) == 0 and (more := self._stream.read(self._block_bytes)):
            passed = self._lines.open_from(window)
            length += passed
            window = window[passed:] + more
        end = end or self._lines.last(window)
        length += end
        detail = too_large(length, self._limit)
        skipped = Unreadable(self._line, self._line, self._byte, length, "cell_too_large", detail, raw)
        self._byte, self._line = self._byte + length, self._line + 1
        return skipped, window[end:]


def _open_to_the_end(page: Page, first: int, last: int) -> Unreadable:
    """A quote that is never closed: a stray one, if so many whole rows follow; else the file was cut."""
    if page.reads_as_rows(first + 1, last, TAIL_ROWS):
        detail = "a quote opened here is never closed, and whole rows follow; reading went on with the next line"
        return page.unreadable(first, first + 1, "unclosed_quote", detail)
    return page.unreadable(first, last, *why_not_parsed(csv.Error("unexpected end"), page.line + first))


def _too_wide_or_too_narrow(page: Page, first: int, last: int) -> Unreadable:
    """A record of several lines and the wrong number of cells: a stray quote, if it holds so many whole rows."""
    if page.reads_as_rows(first + 1, last, TAIL_ROWS):
        detail = "a quote opened here swallows whole rows; reading went on with the next line"
        return page.unreadable(first, first + 1, "bad_quote", detail)
    cells = next(csv.reader(page.text[first:last], delimiter=page.shape.delimiter))
    return page.unreadable(first, last, *(flaw_of(cells, page.shape.width, page.limit) or ("", "")))
