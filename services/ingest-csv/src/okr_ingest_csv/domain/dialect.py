"""Which character separates the cells, and where the header ends."""

import contextlib
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from okr_common.errors import PermanentError
from okr_ingest_csv.domain.content import Encoding
from okr_ingest_csv.domain.record import Place

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_ROWS = 200
BOM_BYTES = 3


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read the file: decisions, each stored with it. `start` is the first record after the header."""

    encoding: Encoding
    delimiter: str
    header: tuple[str, ...]
    start: Place


def dialect_of(head: bytes, encoding: Encoding) -> Dialect:
    """Decide from the file's first bytes; raises PermanentError("empty" | "bad_header") where there is no header."""
    skipped = BOM_BYTES if encoding.name == "utf-8-sig" else 0
    lines = head[skipped:].splitlines(keepends=True)
    text = _lines(head[skipped:].decode(encoding.codec, "ignore"))
    delimiter = delimiter_of(text)
    header, count = _header(text, delimiter)
    start = Place(byte=skipped + sum(map(len, lines[:count])), line=1 + count, row=1)
    return Dialect(encoding, delimiter, header, start)


def delimiter_of(lines: Sequence[str]) -> str:
    r"""The delimiter under which the most cells agree with the header's width; a comma if there is but one column.

    >>> delimiter_of(["a;b;c", "1,5;2;3", "4,5;5;6"])
    ';'
    """
    scores = {delimiter: _score(lines, delimiter) for delimiter in DELIMITERS}
    best = max(scores.values())
    return next(delimiter for delimiter, score in scores.items() if score == best)


def _score(lines: Sequence[str], delimiter: str) -> float:
    """Share of sampled records as wide as the header, times the separators each of them holds."""
    widths: list[int] = []
    reader = csv.reader(lines, delimiter=delimiter)
    with contextlib.suppress(csv.Error):  # a cell beyond the limit: score what came before it
        widths.extend(len(cells) for cells in islice(filter(None, reader), SAMPLE_ROWS))
    if not widths:
        return 0.0
    return sum(width == widths[0] for width in widths) / len(widths) * (widths[0] - 1)


def _header(lines: Sequence[str], delimiter: str) -> tuple[tuple[str, ...], int]:
    """The first record that is not blank, and how many physical lines it ends after."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = next((cells for cells in reader if cells), None)
    except csv.Error as error:
        raise PermanentError(
            "bad_header",
            f"line {reader.line_num}: the header cannot be read ({error}). Mend its quotes and drop the file again.",
        ) from error
    if header is None:
        raise PermanentError(
            "empty", "the file holds blank lines only. If its writer was cut short, drop the whole file again."
        )
    if any("\0" in name for name in header):
        raise PermanentError(
            "bad_header",
            f"line {reader.line_num}: a column's name holds a NUL character. Take it out and drop the file again.",
        )
    return tuple(header), reader.line_num


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline=""))
