"""Files that lie on their side: whether one does, for whoever drafts its mapping."""

import re
from collections.abc import Callable, Sequence

Table = tuple[list[str], list[list[str]]]
"""A header and rows."""
TYPED_LINES = 2
KNOWN_NAMES = 3
"""So many lines at least hold dates or figures, or have a name that exports use."""


def lies(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    is_typed: Callable[[Sequence[str]], bool],
    known: Callable[[Sequence[str]], int],
) -> bool:
    """Whether the first column names what stands in each line, as headers do.

    `is_typed` tells cells of one kind, `known` how many names are those of fields. A line of such a file is of one
    kind, its columns are not; or its lines have known names and its columns none.
    """
    if len(header) < 2 or len(rows) < 2:  # noqa: PLR2004 - a name and a cell
        return False
    turned, across = upright(header, rows)
    if known(turned) >= KNOWN_NAMES:
        return known(turned) > known(header)
    typed = sum(is_typed(_cells(line[1:])) for line in rows)
    return typed >= TYPED_LINES and not any(is_typed(_cells(column[1:])) for column in across)


def upright(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Its lines as columns.

    >>> upright(["Goal", "Grow", "Ship"], [["Target", "4", "7"], ["Due"]])
    (['Goal', 'Target', 'Due'], [['Grow', '4', ''], ['Ship', '7', '']])
    """
    lines = [list(header), *(list(row) for row in rows if any(cell.strip() for cell in row))]
    names = [line[0] if line else "" for line in lines]
    things = ([line[at] if at < len(line) else "" for line in lines] for at in range(1, len(header)))
    return names, [thing for thing in things if any(cell.strip() for cell in thing)]


def glob(file: str) -> str:
    """A pattern that this file's path fits, and its next years' and copies', where a year stands in its name.

    >>> glob("uk_2014.csv"), glob("goals [all].csv")
    ('*uk_????.csv', '*goals ?all?.csv')
    """
    return "*" + re.sub(r"(?<!\d)20\d\d(?!\d)", "????", re.sub(r"[\[\]*?]", "?", file)).lstrip("*")


def _cells(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells if cell.strip()]
