"""What a record of a CSV file is: a row, or unreadable; and where in the file it stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """The next byte, line and row to read. The header is no row; bytes count from 0, lines and rows from 1."""

    byte: int = 0
    line: int = 1
    row: int = 1


Row = tuple[list[str], int, int, int, int]
"""cells, first line, last line, first byte, bytes. A bare tuple: a million of them pass here."""


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
class Shape:
    """How to take the bytes apart: `codec`, `delimiter`, and how many cells (`width`) a row has."""

    codec: str
    delimiter: str
    width: int
