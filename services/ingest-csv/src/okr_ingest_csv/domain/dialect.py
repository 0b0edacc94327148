"""Which character separates the cells, which record is the header, and where the rows begin."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from okr_common.errors import PermanentError
from okr_common.sources import Read
from okr_ingest_csv.domain.content import HEAD_BYTES
from okr_ingest_csv.domain.encoding import Encoding
from okr_ingest_csv.domain.record import Place
from okr_ingest_csv.domain.sample import Sample, best_delimiter

DELIMITERS = (",", ";", "\t", "|")
TITLE_RECORDS = 50
"""Of so many records at the beginning one must be the header."""
_SEP = re.compile(r'^"?sep=([\t !#-~\u00a1-\uffff])"?[;,\t ]*[\r\n]*$', re.IGNORECASE)
IsHeader = Callable[[Sequence[str]], bool]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of the file beforehand, and how much header is allowed."""

    read: Read
    is_header: IsHeader
    """Whether these cells are the columns that some source asks for."""
    header_bytes: int
    columns: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read the file: decisions with the reasons for them, each stored with it.

    `start` is the first record after the header, `header_line` where that begins (0: the file has none).
    """

    encoding: Encoding
    delimiter: str
    delimiter_how: str
    header: tuple[str, ...]
    header_how: str
    header_line: int
    start: Place


def dialect_of(head: bytes, encoding: Encoding, asked: Asked) -> Dialect:
    """Decide from the file's first bytes.

    Raises PermanentError("empty" | "bad_header" | "header_too_long" | "too_many_columns") where there is no header.
    """
    within = f" within the first {HEAD_BYTES:,} bytes of the file" if len(head) >= HEAD_BYTES else ""
    sample = Sample.of(head[encoding.mark_bytes :], encoding, within)
    separator = _SEP.match(sample.lines[0]) if sample.lines else None
    sample = sample.after(1) if separator else sample
    sample = _from_line(sample, asked.read.header_line)
    delimiter, how = _delimiter(sample, asked, separator and separator.group(1))
    if asked.read.names:
        start = Place(encoding.mark_bytes + sample.byte, 1 + sample.line)
        return Dialect(encoding, delimiter, how, asked.read.names, "the source's read block names them", 0, start)
    number, header_how = _header(sample, delimiter, asked)
    cells, first, last = sample.record(number, delimiter)
    end = sample.byte + sum(sample.lengths[:last])
    _refuse(cells, first + 1 + sample.line, asked)
    if sample.within and last == len(sample.lines) and not sample.lines[-1].endswith("\n"):
        raise _cut(first + 1 + sample.line, sample.within)
    start = Place(encoding.mark_bytes + end, 1 + sample.line + last)
    return Dialect(encoding, delimiter, how, tuple(cells), header_how, 1 + sample.line + first, start)


def _from_line(sample: Sample, line: int | None) -> Sample:
    """From the line where its source has the header; what stands above it need not even be CSV."""
    if line is None:
        return sample
    above = line - 1 - sample.line
    if not 0 <= above < len(sample.lines):
        raise PermanentError("bad_header", f"there is no line {line}{sample.within}, where its source has the header")
    return sample.after(above)


def _delimiter(sample: Sample, asked: Asked, separator: str | None) -> tuple[str, str]:
    if asked.read.delimiter is not None:
        return asked.read.delimiter, "the source's read block says so"
    fits = next((one for one in (separator, *DELIMITERS) if one and _asked_for(sample, one, asked) is not None), None)
    if separator is not None and fits in {None, separator}:
        return separator, "the sep= line says so"
    if fits is not None:
        but = f"the sep= line says {separator!r}, but " if separator else ""
        return fits, f"{but}with it the header holds the columns a source asks for"
    return best_delimiter(sample.lines, DELIMITERS), "with it the most records are as wide as the first"


def _asked_for(sample: Sample, delimiter: str, asked: Asked) -> int | None:
    """The number of the record that holds the columns a source asks for."""
    records = sample.records(delimiter, TITLE_RECORDS)
    return next((number for number, (cells, *_) in enumerate(records) if asked.is_header(cells)), None)


def _header(sample: Sample, delimiter: str, asked: Asked) -> tuple[int, str]:
    """The header's number among the records, and how it was found."""
    if asked.read.header_line is not None:
        if sample.first_filled(delimiter) > 0:
            raise PermanentError(
                "bad_header", f"line {asked.read.header_line}, where its source has the header, is blank"
            )
        return 0, "the source's read block says so"
    found = _asked_for(sample, delimiter, asked)
    if found is not None:
        return found, "it holds the columns a source asks for"
    return sample.first_filled(delimiter), "it is the first record that is not blank"


def _cut(line: int, within: str) -> PermanentError:
    """More of the header's last line may come, if only the LF of its CR."""
    return PermanentError(
        "header_too_long",
        f"line {line}: its header does not end{within}, where it is looked for. Take away what stands above it, or "
        "shorten its names, and drop the file again.",
    )


def _refuse(header: Sequence[str], line: int, asked: Asked) -> None:
    if len(header) > asked.columns:
        raise PermanentError(
            "too_many_columns",
            f"line {line}: {len(header):,} columns, more than ingest_csv.max_columns allows ({asked.columns:,}). "
            "If it is transposed or its delimiter is another, say so in the source's read block.",
        )
    size = sum(len(name) for name in header)
    if size > asked.header_bytes:
        raise PermanentError(
            "header_too_long",
            f"line {line}: its header goes on for more than {asked.header_bytes:,} characters "
            "(ingest_csv.max_header_bytes). Most likely a quote in it is never closed, or no line of the file ends; "
            "mend it and drop the file again.",
        )
    if any("\0" in name for name in header):
        raise PermanentError(
            "bad_header", f"line {line}: a column's name holds a NUL character. Take it out and drop the file again."
        )
