"""Good rows: goals that every service can read, with identifiers of their own in each file."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Literal

Row = tuple[str, ...]
HEADER: Row = ("id", "title", "kind", "direction", "target", "value", "day", "due")
"""What the source `hostile_goals` reads."""
TITLE = HEADER.index("title")
Quoting = Literal[0, 1, 2, 3]


def goal(of: str, number: int = 1, title: str | None = None, **cells: str) -> Row:
    """A row of HEADER: goal `number` of the file `of`. `title` and other cells by name, where they are odd.

    >>> goal("tabs", 2)
    ('tabs-2', 'Goal 2 of tabs', 'n', 'up', '10', '2', '2026-03-01', '2026-12-31')
    """
    told = {
        "id": f"{of}-{number}",
        "title": f"Goal {number} of {of}" if title is None else title,
        "kind": "n",
        "direction": "up",
        "target": "10",
        "value": str(number),
        "day": "2026-03-01",
        "due": "2026-12-31",
    }
    return tuple((told | cells).values())


def goals(of: str, count: int = 3, first: int = 1) -> list[Row]:
    """Plain goals, numbered from `first`."""
    return [goal(of, number) for number in range(first, first + count)]


def titled(of: str, titles: Iterable[str]) -> list[Row]:
    """A goal for each title."""
    return [goal(of, number, title) for number, title in enumerate(titles, 1)]


def lines(
    rows: Iterable[Sequence[str]], delimiter: str = ",", end: str = "\n", quoting: Quoting = csv.QUOTE_MINIMAL
) -> str:
    """Rows as CSV text. csv.writer leaves a line end unquoted that is not its own: then ask for QUOTE_ALL."""
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return target.getvalue()


def table(
    rows: Iterable[Sequence[str]],
    delimiter: str = ",",
    end: str = "\n",
    quoting: Quoting = csv.QUOTE_MINIMAL,
    header: Row = HEADER,
) -> str:
    """The same with a header before them."""
    return lines([header, *rows], delimiter, end, quoting)
