"""Outlines, whose rows stand below others by the blanks before a text: whether a file is one."""

import re
from collections.abc import Mapping, Sequence

_INDENTED = re.compile(r"\s+\S")


def outlined(found: Mapping[str, str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> str | None:
    """The column whose texts are indented; None where none is, or another one names what each row stands below.

    >>> outlined({"title": "Goal"}, ["Goal"], [["Grow"], ["  Signups"]])
    'Goal'
    >>> outlined({"title": "Goal"}, ["Goal"], [["  Grow"], ["  Signups"]])
    """
    names = [found[field] for field in ("title", "objective") if field in found]
    if len(names) != 1:
        return None
    place = header.index(names[0])
    texts = [row[place] for row in rows if place < len(row) and row[place].strip()]
    blanks = [bool(_INDENTED.match(text)) for text in texts]
    return names[0] if any(blanks) and not blanks[0] else None


def rows_block(found: Mapping[str, str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The line of the draft that tells rows what they stand below; rows without a figure are no key results."""
    figures = [
        field for field in ("target", "value") if field in found and _blank_somewhere(found[field], header, rows)
    ]
    only = figures[0] if figures else "objective"
    told = f"indented: {{ by: title, above: [objective] }}, only: {only} IS NOT NULL"
    return f"\nrows: {{ {told} }} # ? what a row stands below is told by the blanks before its text\n"


def _blank_somewhere(name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    place = header.index(name)
    return any(place >= len(row) or not row[place].strip() for row in rows if any(cell.strip() for cell in row))
