"""Do the fetched objects still look as the mapping says? An API that renames a field tells nobody."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from okr_common.sources import Column, reading
from okr_common.sources import Mapping as SourceMapping
from okr_common.sources.language import nearest

WORDS_SHOWN = 5
DEEPEST = 5
"""Levels of objects in objects among which a renamed key is looked for."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Of `rows` objects, or elements of lists in them: how many are blank, and unknown words, by column."""

    rows: int
    blank: Mapping[str, int]
    unknown: Mapping[str, list[str]]
    gone: Mapping[str, str]
    """Required columns that none of them has any more, each with a sentence."""

    def as_json(self) -> dict[str, Any]:
        """What is told of it in the run."""
        return {"rows": self.rows, "blank": dict(self.blank), "unknown_words": dict(self.unknown)}


def shape_of(objects: Iterable[Mapping[str, Any]], mapping: SourceMapping) -> Shape:
    """Looks at the mapping's columns in these objects."""
    blank: Counter[str] = Counter()
    words: dict[str, Counter[str]] = {name: Counter() for name, column in mapping.columns.items() if column.map}
    keys: set[str] = set()
    rows = 0
    how = reading(mapping)
    for one in objects:
        keys |= _paths(one)
        for read in how.rows(one):
            rows += 1
            for name, found in read.items():
                column = mapping.columns[name]
                text = _said(found, column)
                if text is None:
                    blank[name] += 1
                elif name in words and text not in (column.map or {}):
                    words[name][text] += 1
    unknown = {name: [word for word, _ in found.most_common(WORDS_SHOWN)] for name, found in words.items() if found}
    return Shape(rows, dict(blank), unknown, _gone(mapping, blank, rows, keys))


def _gone(mapping: SourceMapping, blank: Mapping[str, int], rows: int, keys: set[str]) -> dict[str, str]:
    lost = (name for name, column in mapping.columns.items() if column.required and rows and blank.get(name) == rows)
    unread = keys - {column.origin for column in mapping.columns.values()}
    return {name: _sentence(mapping.columns[name].origin, rows, unread) for name in lost}


def _sentence(origin: str, rows: int, keys: set[str]) -> str:
    close = nearest(origin, sorted(keys))
    cure = f"the nearest key is {close}" if close else "no key is like it"
    return f"none of {rows} objects has {origin} ({cure})"


def _said(found: str | None, column: Column) -> str | None:
    """None where the text is blank."""
    text = (found or "").strip()
    return None if text == "" or text in column.blanks else text


def _paths(one: Mapping[str, Any], above: str = "") -> set[str]:
    """Dotted paths of everything that is no object itself; elements of a list stand below its path, too."""
    found: set[str] = set()
    for key, value in one.items():
        inner = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
        if inner and above.count(".") < DEEPEST:
            found.update(*(_paths(each, f"{above}{key}.") for each in inner))
        elif value != []:
            found.add(above + key)
    return found
