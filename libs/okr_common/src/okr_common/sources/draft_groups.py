"""Groups of rows that are named in their first row only, as merged cells are exported: whether a file has any."""

from collections.abc import Mapping, Sequence

FILLED = ("objective", "period", "owner")
"""The fields that a group has in common."""


def rows_block(found: Mapping[str, str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""The line of the draft that fills the groups' cells down; nothing where each row names its objective.

    >>> found = {"objective": "Goal", "title": "KR"}
    >>> rows_block(found, ["Goal", "KR"], [["Grow", "Signups"], ["", "Visits"], ["", "Orders"]])
    '\nrows: { fill_down: [objective] } # ? blank cells are those of the row above\n'
    >>> rows_block(found, ["Goal", "KR"], [["Grow", "Signups"], ["Grow", "Visits"]])
    ''
    """
    if not {"objective", "title"} <= found.keys():
        return ""
    told = [_told(row, found, header) for row in rows if any(cell.strip() for cell in row)]
    key_results = [one for one in told if "title" in one]
    names = [name for name in FILLED if name in found and _once(name, told, key_results)]
    if "objective" not in names:
        return ""
    only = ", only: title IS NOT NULL" if len(told) > len(key_results) else ""
    return f"\nrows: {{ fill_down: [{', '.join(names)}]{only} }} # ? blank cells are those of the row above\n"


def _told(row: Sequence[str], found: Mapping[str, str], header: Sequence[str]) -> set[str]:
    """The fields of which the row has a cell that is not blank."""
    places = {field: header.index(column) for field, column in found.items()}
    return {field for field, place in places.items() if place < len(row) and row[place].strip()}


def _once(name: str, told: Sequence[set[str]], key_results: Sequence[set[str]]) -> bool:
    """It stands in the first row, and in at most half of the key results' rows: a group may be of two."""
    return bool(told) and name in told[0] and 2 * sum(name in one for one in key_results) <= len(key_results)
