"""Key results that stand side by side in a row (key_result_1_title, key_result_2_title): whether a header has such."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

MOST = 50
"""So many key results of a row can be read."""
FIGURES = {"baseline", "target", "value"}
_NUMBERED = re.compile(r"(?<!\d)([1-9]\d?)(?!\d)")


class Wide(NamedTuple):
    """A header with `{n}` for the numbers of its key results, a row for each of them, and the most there can be."""

    header: list[str]
    rows: list[list[str]]
    repeat: int


def gathered(
    header: Sequence[str], rows: Sequence[Sequence[str]], found: Callable[[Sequence[str]], Mapping[str, str]]
) -> Wide | None:
    """The file as if each of its key results had a row; None where no column has the number of one.

    `found` tells which of some names holds which field: of key results at least what they are called, and a figure.
    """
    places = {name: numbers for name, numbers in _numbered(header).items() if {1, 2} <= numbers.keys()}
    known = found(list(places))
    if "title" not in known or not FIGURES & known.keys():
        return None
    stems = {name.partition("{n}")[0] for name in known.values()}
    places = {name: numbers for name, numbers in places.items() if name.partition("{n}")[0] in stems}
    taken = {place for numbers in places.values() for place in numbers.values()}
    others = [place for place in range(len(header)) if place not in taken]
    most = min(max(max(numbers) for numbers in places.values()), MOST)
    told = [_part(row, others, places, number) for row in rows for number in range(1, most + 1)]
    filled = [row for row in told if any(cell.strip() for cell in row[len(others) :])]
    return Wide([*(header[place] for place in others), *places], filled, most)


def _numbered(header: Sequence[str]) -> dict[str, dict[int, int]]:
    """Of each name, with `{n}` for its first number, the place of each number.

    >>> _numbered(["goal", "kr_1", "kr_2", "kr_1_due"])
    {'kr_{n}': {1: 1, 2: 2}, 'kr_{n}_due': {1: 3}}
    """
    told: dict[str, dict[int, int]] = {}
    for place, name in enumerate(header):
        number = _NUMBERED.search(name)
        if number and "{n}" not in name:
            template = f"{name[: number.start()]}{{n}}{name[number.end() :]}".strip()
            told.setdefault(template, {}).setdefault(int(number[1]), place)
    return told


def _part(row: Sequence[str], others: Sequence[int], places: Mapping[str, Mapping[int, int]], number: int) -> list[str]:
    wanted = [*others, *(numbers.get(number, len(row)) for numbers in places.values())]
    return [row[place] if place < len(row) else "" for place in wanted]
