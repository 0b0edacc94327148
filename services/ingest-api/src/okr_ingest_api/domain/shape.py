"""Do the fetched objects still look as the mapping says? An API that renames a field tells nobody."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from okr_common.sources import Column
from okr_common.sources import Mapping as SourceMapping
from okr_common.sources.language import nearest

WORDS_SHOWN = 5
DEEPEST = 5
"""Levels of objects in objects among which a renamed key is looked for."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Of `rows` objects: by column how many have nothing there, and which words its map does not know."""

    rows: int
    blank: Mapping[str, int]
    unknown: Mapping[str, list[str]]
    gone: Mapping[str, str]
    """Required columns that no object has any more, each with a sentence."""

    def as_json(self) -> dict[str, Any]:
        """What is told of it in the run."""
        return {"rows": self.rows, "blank": dict(self.blank), "unknown_words": dict(self.unknown)}


def shape_of(objects: Iterable[Mapping[str, Any]], mapping: SourceMapping) -> Shape:
    """Looks at the mapping's columns in these objects."""
    blank: Counter[str] = Counter()
    words: dict[str, Counter[str]] = {name: Counter() for name, column in mapping.columns.items() if column.map}
    keys: set[str] = set()
    rows = 0
    for one in objects:
        rows += 1
        keys |= _paths(one)
        for name, column in mapping.columns.items():
            text = _text(one, column)
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


def _text(one: Mapping[str, Any], column: Column) -> str | None:
    """What stands at the column's path, as text; None where that is blank."""
    found: Any = one
    for part in column.origin.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    text = "" if found is None else (str(found).lower() if isinstance(found, bool) else str(found)).strip()
    return None if text == "" or text in column.blanks else text


def _paths(one: Mapping[str, Any], above: str = "") -> set[str]:
    """Dotted paths of everything that is no object itself."""
    found: set[str] = set()
    for key, value in one.items():
        deeper = isinstance(value, dict) and above.count(".") < DEEPEST
        found |= _paths(value, f"{above}{key}.") if deeper else {above + key}
    return found
