"""Cuts a published CSV file by date into files of the same header: every record keeps its very bytes."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

ENCODING = "cp1252"
Month = tuple[int, int]
"""Year and month."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the file: the month it speaks of, and its bytes, which may be several lines."""

    month: Month
    raw: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """The file as it was published."""

    header: bytes
    records: tuple[Record, ...]

    @property
    def lines(self) -> int:
        """Physical lines below the header."""
        return sum(len(record.raw.splitlines()) for record in self.records)

    def cut(self, wanted: Callable[[Month], bool]) -> bytes:
        """A file of the same header with the records of these months, in their order."""
        return self.header + b"".join(record.raw for record in self.records if wanted(record.month))

    def count(self, wanted: Callable[[Month], bool]) -> int:
        """How many records `cut` would keep."""
        return sum(wanted(record.month) for record in self.records)


def published(content: bytes) -> Published:
    """Takes the file apart. Raises ValueError where it ends inside a quoted cell."""
    header, *raw = split(content)
    names = _cells(header)
    year, month = names.index("PERIOD_YEAR"), names.index("PERIOD_MONTH")
    return Published(header, tuple(_record(one, year, month) for one in raw))


def split(content: bytes) -> Iterator[bytes]:
    r"""The records' bytes, quoted line ends inside: a record ends with the line that makes its quotes even.

    >>> list(split(b'a,b\n1,"x\ny"\n'))
    [b'a,b\n', b'1,"x\ny"\n']
    """
    open_record = b""
    for line in io.BytesIO(content):
        open_record += line
        if open_record.count(b'"') % 2 == 0:
            yield open_record
            open_record = b""
    if open_record:
        raise ValueError("the file ends inside a quoted cell")


def _record(raw: bytes, year: int, month: int) -> Record:
    cells = _cells(raw)
    return Record((int(cells[year]), int(cells[month])), raw)


def _cells(raw: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(raw.decode(ENCODING), newline="")))


@dataclass(frozen=True, slots=True)
class Part:
    """One file that the demo drops: its name and which months it holds."""

    name: str
    first: Month
    last: Month

    def holds(self, month: Month) -> bool:
        """Whether a record of this month belongs into the file."""
        return self.first <= month <= self.last


HISTORY = Part("nyct_until_2016-12.csv", (0, 1), (2016, 12))
LATEST = Part("nyct_2018.csv", (2018, 1), (9999, 12))


def months(year: int, numbers: Iterable[int]) -> list[Part]:
    """One file for each of these months.

    >>> months(2017, [1])[0].name
    'nyct_2017-01.csv'
    """
    return [Part(f"nyct_{year}-{month:02d}.csv", (year, month), (year, month)) for month in numbers]
