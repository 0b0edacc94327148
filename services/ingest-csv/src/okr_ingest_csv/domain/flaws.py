"""What is wrong with a record, and whether it can be mended without guessing."""

import csv
import re
from collections.abc import Sequence

from okr_common.counted import counted
from okr_ingest_csv.domain.record import Repair, Shape

_NO_CHARACTER = re.compile("[\ud800-\udfff]")
FIGURE_CHARACTERS = 100
"""No figure is longer; and the pattern for them takes the square of a text's length."""
_FIGURE = re.compile(r"\s*[+-]?[\d.,' \u00a0\u202f]*\d[\d.,%]*(?:[eE][+-]?\d+)?\s*|\s*")


def flaw_of(cells: Sequence[str], width: int, cell_bytes: int) -> tuple[str, str] | None:
    """Reason and detail, if these cells are no row."""
    if not cells:
        return "blank_line", "the line is empty"
    if len(cells) != width:
        reason = "too_few_cells" if len(cells) < width else "too_many_cells"
        return reason, f"{counted(len(cells), 'cell')}, the header has {width}"
    for number, cell in enumerate(cells, 1):
        if "\0" in cell:
            return "nul", f"cell {number} holds a NUL character"
        if not cell.isascii() and _NO_CHARACTER.search(cell):
            return "bad_encoding", f"cell {number} holds bytes that stand for no character in the file's encoding"
        if _utf8_bytes(cell, cell_bytes) > cell_bytes:
            return "cell_too_large", f"cell {number} is larger than a cell may be ({cell_bytes:,} bytes as UTF-8)"
    return None


def _utf8_bytes(cell: str, limit: int) -> int:
    """Exactly only where it may be beyond the limit."""
    return len(cell.encode("utf-8", "surrogatepass")) if 4 * len(cell) > limit else len(cell)


def repaired(cells: Sequence[str], shape: Shape) -> list[str] | None:
    """The cells with the surplus ones joined again, where the source allows it and the others then fit.

    Where the row would fit as well without its last cells, since these are blank, nobody knows: it is no row.

    >>> repaired(["1", "Rel 5", " 4.5", "7"], Shape("utf-8", ",", 3, Repair(1, (2,))))
    ['1', 'Rel 5, 4.5', '7']
    >>> repaired(["1", "Rel 5", "7", ""], Shape("utf-8", ",", 3, Repair(1, (2,))))
    """
    repair, surplus = shape.repair, len(cells) - shape.width
    if repair is None or surplus <= 0 or _fits_without_the_last(cells, shape.width, repair):
        return None
    end = repair.column + surplus + 1
    joined = [*cells[: repair.column], shape.delimiter.join(cells[repair.column : end]), *cells[end:]]
    return joined if _fits(joined, repair) else None


def _fits_without_the_last(cells: Sequence[str], width: int, repair: Repair) -> bool:
    """It may end in delimiters too many."""
    return not any(cell.strip() for cell in cells[width:]) and _fits(cells[:width], repair)


def _fits(cells: Sequence[str], repair: Repair) -> bool:
    return all(_is_figure(cells[column]) for column in repair.numeric) and all(
        _may_be_a_day(cells[column]) for column in repair.dated
    )


def _may_be_a_day(cell: str) -> bool:
    return not cell.strip() or any(map(str.isdigit, cell))


def _is_figure(cell: str) -> bool:
    return len(cell) <= FIGURE_CHARACTERS and _FIGURE.fullmatch(cell) is not None


def why_not_parsed(error: csv.Error | None, line: int) -> tuple[str, str]:
    """Reason and detail of a record that csv.reader refused."""
    message = str(error)
    if "unexpected end" in message:
        told = f"a quote opened in the record that begins on line {line} is not closed before the file ends"
        return "unclosed_quote", f"{told}, and the lines after it do not read as rows: all are kept as this one record"
    if "expected after" in message:
        return (
            "bad_quote",
            f"in the record that begins on line {line} neither a delimiter nor a line end follows a closing quote",
        )
    return "cell_too_large", message


def too_large(length: int, limit: int) -> str:
    """The detail of `cell_too_large` for a line without an end."""
    return f"a line of {length:,} bytes, longer than a record may be ({limit:,})"
