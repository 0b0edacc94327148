"""The data of the benchmarks: the MTA file repeated with other indicators, so that every key is distinct."""

import csv
import io
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "mta_nyct" / "Performance_NYCT.csv"
ENCODING = "cp1252"
INDICATOR, DIRECTION, YEAR, MONTH, TARGET = 0, 7, 10, 11, 12


def sample() -> tuple[list[str], list[list[str]]]:
    """Header and rows of the published file."""
    with SAMPLE.open(encoding=ENCODING, newline="") as file:
        reader = csv.reader(file, strict=True)
        return next(reader), list(reader)


def repeated(rows: int) -> tuple[bytes, int]:
    """A file of so many rows, oldest month first, with the number of them that can be predicted (target, direction)."""
    ordered = repeated_rows(rows)
    return encoded([sample()[0], *ordered]), sum(predictable(row) for row in ordered)


def repeated_rows(rows: int) -> list[list[str]]:
    """The same without the header, as cells."""
    _, published = sample()
    return sorted(islice(_copies(published), rows), key=lambda row: (int(row[YEAR]), int(row[MONTH])))


def _copies(published: list[list[str]]) -> Iterator[list[str]]:
    for copy in count():
        for row in published:
            yield [f"{copy}{row[INDICATOR]}", *row[1:]]


def predictable(row: list[str]) -> bool:
    """Has the row a direction and a target."""
    return row[DIRECTION] in "UD" and float(row[TARGET] or 0) != 0


def encoded(rows: list[list[str]]) -> bytes:
    """The rows as the publisher writes them."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(ENCODING)
