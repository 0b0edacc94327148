"""What a record of a CSV file is: a row, or unreadable; and where in the file it stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """The next byte, line and record to read. The header is no record; bytes count from 0, lines and records from 1."""

    byte: int = 0
    line: int = 1
    row: int = 1


Row = tuple[list[str], int, int, int, int, bool]
"""cells, first line, last line, first byte, bytes, whether repaired. A bare tuple: a million of them pass here."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is no row. `raw` holds its bytes, of one beyond the limit its first bytes."""

    first_line: int
    last_line: int
    byte_start: int
    byte_len: int
    reason: str
    detail: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Repair:
    """Cells beyond the width belong to the one at `column`; those right of it must then fit.

    At `numeric` stand figures, at `dated` days or times, in whatever words.
    """

    column: int
    numeric: tuple[int, ...] = ()
    dated: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """How to take the bytes apart: `encoding`, `delimiter`, and how many cells (`width`) a row has."""

    encoding: str
    delimiter: str
    width: int
    repair: Repair | None = None
