"""Files with something larger than most readers expect, within the default limits of ingest-csv and beyond them."""

import csv

from okr_common.testing.hostile.case import Hostile, loaded
from okr_common.testing.hostile.goals import goal, goals, lines, table, titled

CELL, RECORD = 1_048_576, 2_097_152
"""Characters a cell, and bytes a record may have."""
ENOUGH = 9


def sizes() -> list[Hostile]:
    """All of them."""
    most = titled("cell-of-1-mib", ["x" * CELL])
    return [
        _cell("cell-of-130-kb.csv", "a cell that csv modules refuse by default", "word " * 26_000),
        loaded("cell-of-1-mib.csv", "a cell as large as one may be", table(most).encode(), most, goals=0),
        _too_large("cell-too-large.csv", "a cell larger than one may be", "x" * (CELL + 1)),
        _too_large("line-too-long.csv", "a line longer than a record may be", "x" * (RECORD + 1)),
        _open_quote(),
        _many_lines(),
        _long_name(),
    ]


def _cell(name: str, wrong: str, text: str) -> Hostile:
    rows = titled(name.removesuffix(".csv"), ["small", text.strip(), "small"])
    return loaded(name, wrong, table(rows).encode(), rows)


def _too_large(name: str, wrong: str, text: str) -> Hostile:
    of = name.removesuffix(".csv")
    rows = goals(of, ENOUGH)
    content = table(rows[:4]) + lines([goal(of, 99, text)]) + lines(rows[4:])
    return loaded(name, wrong, content.encode(), rows, unreadable={"cell_too_large": 1})


def _open_quote() -> Hostile:
    rows = titled("open-quote-in-2-mib", ["a long text, " * 400] * 450)
    stray = ",".join(goal("open-quote-in-2-mib", 999, '"stray')) + "\n"
    content = table(rows[:1]) + stray + "".join(",".join(row).replace(", ", "; ") + "\n" for row in rows[1:])
    read = [rows[0], *(tuple(cell.replace(", ", "; ") for cell in row) for row in rows[1:])]
    wrong = "a quote that is not closed within the length a record may have"
    return loaded("open-quote-in-2-mib.csv", wrong, content.encode(), read, unreadable={"unclosed_quote": 1})


def _many_lines() -> Hostile:
    rows = titled("cell-of-many-lines", ["small", "a line, as good as any\n" * 20_000, "small"])
    wrong = "20,000 line ends within one cell"
    return loaded("cell-of-many-lines.csv", wrong, table(rows, quoting=csv.QUOTE_ALL).encode(), rows, goals=2)


def _long_name() -> Hostile:
    rows = goals("long-name")
    wrong = "a name as long as file systems allow, with all that a name may hold"
    return loaded("long name; it's 100 % \u00fcber-" + "x" * 180 + ".CSV", wrong, table(rows).encode(), rows)
