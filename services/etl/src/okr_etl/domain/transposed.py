"""Files that lie on their side: a line for each attribute, a column for each thing that has them.

Such a file is set upright before anything is read of it. What is stored, counted and found are its lines all the same:
what is wrong with a thing is told of the line it stands in, with the column, and one line stands for all that is good.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson
import polars as pl

from okr_common.cleaning import clean
from okr_common.counted import counted
from okr_common.sources import Mapping, missing_names
from okr_etl.domain.cells import CELLS, PART, ROW
from okr_etl.domain.reasons import CODES, Rejected

Line = tuple[int, list[str]]
"""A row's number and its cells."""


@dataclass(frozen=True, slots=True)
class Upright:
    """`rows` holds a row for each column of the file, with its place (from 1) as its number; blank ones are not there.

    `header`: the names of the lines. `read`: the rows that the mapping reads. `rejected`: lines that are no good as
    such; where one is needed and not there, all are, and nothing stands upright.
    """

    header: Sequence[str]
    rows: pl.DataFrame
    read: frozenset[int]
    rejected: Sequence[Rejected]
    titles: Sequence[str]
    """What each column is called."""
    line_of: dict[str, int]
    """The row in which each column of the mapping stands."""

    def by_line(self, rejected: Iterable[Rejected]) -> tuple[int | None, list[Rejected]]:
        """The line that stands for what is good, and what is wrong with columns, told of the other lines.

        It is the first one without a rejected cell. Where all have one, the next line tells what is wrong with the
        first; None where there is no other.
        """
        found: dict[int, dict[str, list[str]]] = {}
        for one in rejected:
            for reason in one.reasons:
                line = self.line_of.get(reason.partition(":")[2], min(self.read))
                said = f'column {one.row_num} ("{self.titles[one.row_num - 1].strip()}"): {one.detail[reason]}'
                found.setdefault(line, {}).setdefault(reason, []).append(said)
        home = min(self.read - found.keys(), default=None)
        if home is None and len(self.read) > 1:
            home, after = sorted(self.read)[:2]
            found[after] = {**found.pop(home), **found[after]}
        told = {line: {reason: "; ".join(said) for reason, said in of.items()} for line, of in found.items()}
        return home, [Rejected(line, tuple(detail), detail) for line, detail in sorted(told.items())]


def upright(rows: pl.DataFrame, header: Sequence[str], mapping: Mapping, parts: int = 1) -> Upright:
    """These rows (row_num, cells as JSON text) of a transposed file, of which they must be all."""
    lines: list[Line] = [(number, orjson.loads(cells)) for number, cells in rows.select(ROW, CELLS).iter_rows()]
    odd = list(_odd(lines, len(header)))
    sound = [line for line in lines if line[0] not in {one.row_num for one in odd}]
    names = [header[0].strip(), *(cells[0].strip() for _, cells in sound)]
    wrong = {"transposed_in_parts": CODES["transposed_in_parts"].format(parts=parts)} if parts > 1 else {}
    wrong |= _missing(mapping, names)
    if wrong:
        everything = [Rejected(number, tuple(wrong), wrong) for number, _ in lines]
        return Upright(names, _frame([]), frozenset(), everything, header, {})
    stands = _stands(mapping, names, [number for number, _ in sound])
    things = _things(header, sound) if stands else ()
    return Upright(names, _frame(things), frozenset(stands.values()), odd, header, stands)


def placed(said: pl.DataFrame, line: int | None) -> pl.DataFrame:
    """What columns say as said by this line, with the column as the part of it."""
    return said.with_columns(pl.lit(line, pl.Int64).alias(ROW), pl.col(ROW).cast(pl.Int32).alias(PART))


def _odd(lines: Iterable[Line], width: int) -> Iterator[Rejected]:
    for number, cells in lines:
        beyond = any(clean(cell).text for cell in cells[width:])
        code = "too_few_cells" if len(cells) < width else "too_many_cells" if beyond else None
        if code:
            yield Rejected(number, (code,), {code: CODES[code].format(cells=counted(len(cells), "cell"))})


def _missing(mapping: Mapping, names: Sequence[str]) -> dict[str, str]:
    by_origin = {column.origin: name for name, column in mapping.columns.items()}
    return {
        f"missing_line:{by_origin[one.name]}": CODES["missing_line"].format(
            line=one.name, nearest=f" (nearest here: {one.nearest})" if one.nearest else ""
        )
        for one in missing_names(mapping, names)
    }


def _stands(mapping: Mapping, names: Sequence[str], numbers: Sequence[int]) -> dict[str, int]:
    """Of names that stand twice the first one's; what the header itself says stands in no line."""
    found = ((name, column.found(names)) for name, column in mapping.columns.items())
    places = {name: names.index(at) for name, at in found if at is not None}
    return {name: numbers[place - 1] for name, place in places.items() if place > 0}


def _things(header: Sequence[str], lines: Sequence[Line]) -> Iterator[tuple[int, list[str]]]:
    for place, title in enumerate(header[1:], start=1):
        cells = [title, *(line[place] for _, line in lines)]
        if any(clean(cell).text for cell in cells):
            yield place + 1, cells


def _frame(things: Iterable[tuple[int, list[str]]]) -> pl.DataFrame:
    told = [(number, orjson.dumps(cells).decode()) for number, cells in things]
    return pl.DataFrame(told, schema={ROW: pl.Int64(), CELLS: pl.String()}, orient="row")
