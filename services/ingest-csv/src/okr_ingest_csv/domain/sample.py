"""The beginning of a file, as lines: enough to tell its delimiter and its header."""

import contextlib
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from okr_common.errors import PermanentError
from okr_ingest_csv.domain.encoding import Encoding
from okr_ingest_csv.domain.lines import lines_in

SAMPLE_ROWS = 200
Found = tuple[list[str], int, int]
"""The cells of a record, the index of its first line, and of the line after it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The first lines with their lengths in bytes; `line` and `byte` stand for what was taken off before them.

    `within`: in words the part of the file that these are; nothing where they are all of it.
    """

    lines: list[str]
    lengths: list[int]
    line: int = 0
    byte: int = 0
    within: str = ""

    @classmethod
    def of(cls, head: bytes, encoding: Encoding, within: str = "") -> "Sample":
        """Bytes that stand for no character become question marks: names must be storable."""
        text = lines_in(encoding.name).text(head)
        lines = [line if line.isascii() else line.encode("utf-8", "replace").decode() for line in text.lines]
        return cls(lines, text.lengths, within=within)

    def after(self, lines: int) -> "Sample":
        """Without its first lines."""
        taken = sum(self.lengths[:lines])
        return Sample(self.lines[lines:], self.lengths[lines:], self.line + lines, self.byte + taken, self.within)

    def records(self, delimiter: str, at_most: int | None = None) -> Iterator[Found]:
        """The records, as long as they can be parsed."""
        reader = csv.reader(iter(self.lines), delimiter=delimiter, strict=True)
        first = 0
        with contextlib.suppress(csv.Error):
            for cells in islice(reader, at_most):
                yield cells, first, reader.line_num
                first = reader.line_num

    def first_filled(self, delimiter: str) -> int:
        """The number of the first record in which anything stands.

        Raises PermanentError "empty" where there is none, "bad_header" where it cannot be parsed.
        """
        reader = csv.reader(iter(self.lines), delimiter=delimiter, strict=True)
        try:
            for number, cells in enumerate(reader):
                if any(cell.strip() for cell in cells):
                    return number
        except csv.Error as error:
            raise PermanentError(
                "bad_header",
                f"line {self.line + reader.line_num}: the header cannot be read ({error}). Mend its quotes and drop "
                "the file again.",
            ) from error
        raise PermanentError(
            "empty", f"the file holds blanks only{self.within}. If its writer was cut short, drop the whole file again."
        )

    def record(self, number: int, delimiter: str) -> Found:
        """The record of this number, counted from 0."""
        return next(islice(self.records(delimiter), number, None))


def best_delimiter(lines: Sequence[str], delimiters: Sequence[str]) -> str:
    r"""The delimiter with which the most cells agree with the first record's width; a comma if there is but one column.

    Where the first record is a title, a single cell under each of them, the most frequent width counts instead.

    >>> best_delimiter(["a;b;c\n", "1,5;2;3\n", "4,5;5;6\n"], ",;")
    ';'
    >>> best_delimiter(["Goals of 2026\n", "a;b\n", "1,5;2\n", "4;5\n"], ",;")
    ';'
    """
    widths = {delimiter: _widths(lines, delimiter) for delimiter in delimiters}
    for measure in (_as_first, _as_most):
        scores = {delimiter: measure(found) for delimiter, found in widths.items()}
        best = max(scores, key=lambda delimiter: scores[delimiter])
        if scores[best] > 0:
            return best
    return delimiters[0]


def _widths(lines: Sequence[str], delimiter: str) -> list[int]:
    widths: list[int] = []
    with contextlib.suppress(csv.Error):  # score what came before it
        reader = csv.reader(lines, delimiter=delimiter)
        widths.extend(len(cells) for cells in islice(filter(None, reader), SAMPLE_ROWS))
    return widths


def _as_first(widths: Sequence[int]) -> float:
    """Share of sampled records as wide as the first, times the delimiters each of them holds."""
    return _agreement(widths, widths[0]) if widths else 0.0


def _as_most(widths: Sequence[int]) -> float:
    """The same for the most frequent width."""
    return _agreement(widths, Counter(widths).most_common(1)[0][0]) if widths else 0.0


def _agreement(widths: Sequence[int], width: int) -> float:
    return widths.count(width) / len(widths) * (width - 1)
