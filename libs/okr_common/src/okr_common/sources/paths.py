"""What the columns of a mapping read in the objects of an API.

Paths look like `title`, `plan.title`, `owners[0].id` and `widgets[type=PROGRESS].currentValue`. Where an object holds a
list of check-ins or key results (`rows: { each: checkins }`), each of them is a row; columns below that path read the
element, all others the object around it.
"""

import re
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any

import orjson

from okr_common.sources.language import FILE_ORIGINS, Mapping

Step = str | int | tuple[str, str]
"""A key of an object, a place in a list, or the first element of a list that has this text under this key."""
Steps = tuple[Step, ...]

_PART = re.compile(r"([^.\[\]]+)((?:\[[^\[\]]+\])*)")
_PICK = re.compile(r"\[(?:(\d{1,6})|([^\[\]=]+)=([^\[\]]+))\]")


def steps(path: str) -> Steps:
    """How a path leads into an object. Raises ValueError where it is none.

    >>> steps("owners[0].name"), steps("widgets[type=PROGRESS].currentValue")
    (('owners', 0, 'name'), ('widgets', ('type', 'PROGRESS'), 'currentValue'))
    """
    found: list[Step] = []
    at = 0
    while part := _PART.match(path, at):
        found += [part[1], *_picks(part[2], path)]
        at = part.end() + 1
        if part.end() == len(path):
            return tuple(found)
        if path[part.end()] != ".":
            break
    raise _no_path(path)


def _picks(text: str, path: str) -> list[Step]:
    found: list[Step] = []
    at = 0
    while at < len(text):
        pick = _PICK.match(text, at)
        if pick is None:
            raise _no_path(path)
        found.append(int(pick[1]) if pick[1] else (pick[2].strip(), pick[3].strip()))
        at = pick.end()
    return found


def _no_path(path: str) -> ValueError:
    return ValueError(
        f'"{path}" is no path; paths look like title, plan.title, owners[0].id, widgets[type=PROGRESS].value'
    )


def at(found: Any, path: Steps) -> Any:  # noqa: ANN401 - any JSON
    """What stands there; None where the path leads nowhere.

    >>> at({"widgets": [{"type": "A"}, {"type": "B", "n": 3}]}, steps("widgets[type=B].n"))
    3
    """
    for step in path:
        if isinstance(step, str):
            found = found.get(step) if isinstance(found, dict) else None
        elif isinstance(found, list):
            found = _picked(found, step)
        else:
            return None
        if found is None:
            return None
    return found


def _picked(elements: list[Any], step: int | tuple[str, str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(step, int):
        return elements[step] if step < len(elements) else None
    key, word = step
    return next((one for one in elements if isinstance(one, dict) and as_text(one.get(key)) == word), None)


def as_text(value: Any) -> str | None:  # noqa: ANN401 - any JSON
    """A text as it is, all else as JSON writes it; null is None.

    >>> as_text("x"), as_text(1.5), as_text(True), as_text([1]), as_text(None)
    ('x', '1.5', 'true', '[1]', None)
    """
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


@dataclass(frozen=True, slots=True)
class Reading:
    """How the columns of a mapping are read: by name, the way from the object, and from an element of its list."""

    each: Steps | None
    around: MappingOf[str, Steps]
    within: MappingOf[str, Steps]

    @property
    def names(self) -> list[str]:
        """The columns, in no order that matters."""
        return [*self.around, *self.within]

    def rows(self, one: Any) -> list[dict[str, str | None]]:  # noqa: ANN401 - any JSON
        """The texts of each row that an object holds; none where its list is missing or empty."""
        around = {name: as_text(at(one, path)) for name, path in self.around.items()}
        if self.each is None:
            return [around]
        elements = at(one, self.each)
        if not isinstance(elements, list):  # one alone, as some APIs write a list of one
            elements = [] if elements is None else [elements]
        return [
            around | {name: as_text(at(element, path)) for name, path in self.within.items()} for element in elements
        ]


def reading(mapping: Mapping) -> Reading:
    """How this mapping reads an object; columns that the fetch itself tells are not among them."""
    wanted = {name: steps(one.origin) for name, one in mapping.columns.items() if one.origin not in FILE_ORIGINS}
    if mapping.rows.each is None:
        return Reading(None, wanted, {})
    each = steps(mapping.rows.each)
    within = {name: path[len(each) :] for name, path in wanted.items() if _below(each, path)}
    return Reading(each, {name: path for name, path in wanted.items() if name not in within}, within)


def _below(each: Steps, path: Steps) -> bool:
    """It reads the element; one that picks another element of the list reads the object around it."""
    return path[: len(each)] == each and all(isinstance(step, str) for step in path[len(each) :][:1])
