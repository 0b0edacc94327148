"""A block of physical lines, as bytes and as text; records are runs of its lines."""

import csv
from collections.abc import Iterator
from itertools import accumulate, repeat
from operator import sub

from okr_ingest_csv.domain.flaws import too_large
from okr_ingest_csv.domain.lines import lines_in
from okr_ingest_csv.domain.record import Place, Row, Shape, Unreadable

TAIL_ROWS = 5
"""So many whole rows must follow an open quote that nothing else proves to be a stray one."""


class Page:
    """A block of whole physical lines: as text, and where each begins in the file."""

    def __init__(self, block: bytes, place: Place, shape: Shape, limit: int) -> None:
        text = lines_in(shape.encoding).text(block)
        self.block = block
        self.shape = shape
        self.limit = limit
        self.line = place.line
        self.starts = [*accumulate(text.lengths, initial=place.byte)]
        self.text = text.lines
        self.count = len(self.text)
        self.suspect = text.suspect

    def lines_from(self, first: int) -> Iterator[str]:
        """The lines from this index on; without a copy, since a page may hold a damaged record on every line."""
        return map(self.text.__getitem__, range(first, self.count)) if first else iter(self.text)

    def length(self, first: int, last: int) -> int:
        """Bytes of the lines from index `first` up to, not including, `last`."""
        return self.starts[last] - self.starts[first]

    def rows(self, cells: list[list[str]], ends: list[int]) -> list[Row | Unreadable]:
        """Whole records from the first line on: their cells, and the index where each begins, the last one ends."""
        lines = [self.line + end for end in ends]
        starts = [self.starts[end] for end in ends]
        last_lines, lengths = (line - 1 for line in lines[1:]), map(sub, starts[1:], starts)
        return list(zip(cells, lines, last_lines, starts, lengths, repeat(False)))

    def unreadable(self, first: int, last: int, reason: str, detail: str) -> Unreadable:
        """These lines as a record that is no row."""
        start, end = self.starts[first], self.starts[last]
        raw = self.block[start - self.starts[0] : end - self.starts[0]][: self.limit]
        return Unreadable(self.line + first, self.line + last - 1, start, end - start, reason, detail, raw)

    def overlong(self, first: int) -> Unreadable:
        """The first line of a record beyond the limit: alone, so that the lines after it get their chance."""
        length = self.length(first, first + 1)
        if length > self.limit:
            return self.unreadable(first, first + 1, "cell_too_large", too_large(length, self.limit))
        detail = f"a quote opened here is not closed within {self.limit:,} bytes; reading went on with the next line"
        return self.unreadable(first, first + 1, "unclosed_quote", detail)

    def balanced(self, first: int, last: int) -> int | None:
        """Where the quotes of these lines are closed: `last`, or after the next line with an odd number of them."""
        if not self._odd(first, last):
            return last
        return next((line + 1 for line in range(last, self.count) if self.text[line].count('"') % 2), None)

    def _odd(self, first: int, last: int) -> bool:
        return bool(sum(line.count('"') for line in self.text[first:last]) % 2)

    def reads_as_rows(self, first: int, last: int, at_least: int) -> bool:
        """Whether these lines, taken alone, are at least so many whole rows, with their quotes in pairs.

        The last line need not be one: there the damaged record's quote was closed, perhaps by the quote that opens a
        cell of the row that begins there.
        """
        begins, rows = first, 0
        reader = csv.reader(iter(self.text[first:last]), delimiter=self.shape.delimiter, strict=True)
        try:
            for cells in reader:
                ends = first + reader.line_num
                whole = len(cells) == self.shape.width and not self._odd(begins, ends)
                if not whole and ends < last:
                    return False
                rows, begins = rows + whole, ends
        except csv.Error:
            return rows >= at_least and begins >= last - 1
        return rows >= at_least
