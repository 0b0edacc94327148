"""Records become rows: an object with its own id, the JSON that is stored, and its hash.

Only what is news is stored.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import jmespath

from okr_common.sources import ApiBlock

ID_CHARACTERS = 500
_NO_OBJECT = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
}
"""What else JSON knows, in its own words."""
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True, slots=True)
class Row:
    """An object as it is stored; `place` is its own among the records of the page, from 0."""

    place: int
    object_id: str
    cells: str
    row_hash: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot become a row: `reason` is a code, `raw` its JSON in ASCII."""

    place: int
    reason: str
    detail: str
    raw: bytes


def read_objects(records: Iterable[Any], api: ApiBlock) -> tuple[list[Row], list[Unreadable]]:
    """The rows and the unreadable records of a page."""
    identify: Callable[[Any], Any] = jmespath.compile(api.object_id).search
    read = [_read(place, record, identify, api.object_id) for place, record in enumerate(records)]
    return [one for one in read if isinstance(one, Row)], [one for one in read if isinstance(one, Unreadable)]


def news(rows: Sequence[Row], known: Mapping[str, bytes]) -> list[Row]:
    """The rows that say something else of their object than was last stored.

    >>> rows = [Row(0, "a", "{}", b"1"), Row(1, "a", "{}", b"1"), Row(2, "b", "{}", b"2")]
    >>> [row.place for row in news(rows, {"b": b"2"})]
    [0]
    """
    latest = dict(known)
    found = []
    for row in rows:
        if latest.get(row.object_id) != row.row_hash:
            latest[row.object_id] = row.row_hash
            found.append(row)
    return found


def object_id(record: Any, identify: Callable[[Any], Any]) -> str | None:  # noqa: ANN401 - any JSON
    """The object's own id as text, None where it has none."""
    found = identify(record)
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return str(found).strip() or None


def _read(place: int, record: Any, identify: Callable[[Any], Any], path: str) -> Row | Unreadable:  # noqa: ANN401
    own = object_id(record, identify) if isinstance(record, dict) else None
    cells = json.dumps(record, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    wrong = _wrong(record, own, path) or _unstorable(cells)
    if wrong is not None:
        return Unreadable(place, *wrong, json.dumps(record).encode())
    return Row(place, own or "", cells, blake2b(cells.encode(), digest_size=16).digest())


def _wrong(record: Any, own: str | None, path: str) -> tuple[str, str] | None:  # noqa: ANN401
    if not isinstance(record, dict):
        return "not_an_object", f"a record must be a JSON object; this is {_NO_OBJECT[type(record)]}"
    if own is None:
        return "no_object_id", f"api.object_id {path!r} leads to no text or whole number in this object"
    if len(own) > ID_CHARACTERS:
        return "no_object_id", f"an id has at most {ID_CHARACTERS} characters; this one has {len(own)}"
    return None


def _unstorable(cells: str) -> tuple[str, str] | None:
    try:
        cells.encode()
    except UnicodeEncodeError:
        return "not_text", "a text in it holds half a surrogate pair, which no UTF-8 can say"
    if _NUL.search(cells):
        return "not_text", "a text in it holds a NUL, which no database text can hold"
    return None
