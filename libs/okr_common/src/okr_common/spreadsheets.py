"""Cells in files that people open in a spreadsheet, and send back when they are mended."""

import re
from collections.abc import Sequence

TOLD = ("okr where", "okr reasons", "okr said")
"""The first columns of what `okr rejected export` writes; the cells follow under the header of their file."""
WHICH = "okr row"
"""The column behind these: by it a row that is sent back is known for the one it was."""
_MARKS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
"""What formulas begin with, also as wide as a Chinese or Japanese character."""
_RISKY = re.compile(rf"'*(?:[\t\r\n]|[\s\u200b-\u200d\u2060\ufeff]*[{_MARKS}])")
"""Spreadsheets look for them behind blanks, too, some of which nobody sees. Apostrophes: of a cell that has its own."""
_WHICH = re.compile(r"batch (\d{1,18}) row (\d{1,18})")
_NUMBER = re.compile(r"[ \u00a0]*[+\-\uff0b\uff0d]?[\d.,'\u00a0\u202f ]*\d[\d.,]*(e[+-]?\d+)?\s*%?\s*", re.IGNORECASE)


def harmless(cell: str) -> str:
    """The cell, behind an apostrophe where a spreadsheet would compute it (OWASP, CSV injection); figures stay.

    >>> [harmless(cell) for cell in ("=1+1", " =1+1", "@me", "+x", "-5", "-1.234,5 %", "+3e5", "-2+3", "a=b", "")]
    ["'=1+1", "' =1+1", "'@me", "'+x", '-5', '-1.234,5 %', '+3e5', "'-2+3", 'a=b', '']
    """
    return f"'{cell}" if _RISKY.match(cell) and not _NUMBER.fullmatch(cell) else cell


def as_it_was(cell: str) -> str:
    """The cell that `harmless` made this one of, without the apostrophe it may have put before it.

    >>> [as_it_was(cell) for cell in ("'=1+1", "-5", "'quoted'", "''=1")]
    ['=1+1', '-5', "'quoted'", "'=1"]
    """
    return cell[1:] if cell.startswith("'") and harmless(cell[1:]) == cell else cell


def which(batch_id: int, row_num: int) -> str:
    """What stands in `WHICH`: words, since a spreadsheet would make a day or an hour of two figures.

    >>> which(12, 4), which_of(which(12, 4)), which_of("batch 12")
    ('batch 12 row 4', (12, 4), None)
    """
    return f"batch {batch_id} row {row_num}"


def which_of(cell: str) -> tuple[int, int] | None:
    """The batch and the row that stand there, if it is so written."""
    found = _WHICH.fullmatch(cell.strip())
    return (int(found[1]), int(found[2])) if found else None


def is_told(header: Sequence[str]) -> bool:
    """Whether a file with this header was written by `okr rejected export`.

    >>> is_told(["okr where", "okr reasons", "okr said", "Goal"]), is_told(["Goal", "okr said"])
    (True, False)
    """
    return tuple(header[: len(TOLD)]) == TOLD
