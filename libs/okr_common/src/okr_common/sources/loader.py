"""Reads a mapping file; whatever is wrong with it is told by file, line and key."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from okr_common.sources.checks import Place, disagreements
from okr_common.sources.language import Mapping
from okr_common.sources.wording import in_our_words

_Places = dict[Place, int]
_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """YAML in which `no`, `on` and 2017-01-31 stay text, the words of data they are in a mapping."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own name and shape
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_TAG + "bool", _TAG + "timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(_TAG + "bool", re.compile(r"^(?:true|false)$"), list("tf"))


MAPPING_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """Something wrong in a mapping, at `line` (from 1) and the dotted `key`. Its source waits until it is mended."""

    source: str
    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        """As compilers say it: file, line, key, message."""
        return f"{self.file}:{self.line}: {self.key + ': ' if self.key else ''}{self.message}"


def _text(file: Path) -> str:
    """Raises OSError for what would be read without end, such as a device or a pipe."""
    if not file.is_file():
        raise OSError("it is no file")
    if file.stat().st_size > MAPPING_BYTES:
        raise OSError(f"it is larger than {MAPPING_BYTES:,} bytes, and a mapping is a page of text")
    return file.read_text(encoding="utf-8")


def load_mapping(file: Path) -> Mapping | list[SourceProblem]:
    """The mapping in this file, or everything that is wrong with it."""
    try:
        text = _text(file)
        content, lines = _read(text)
    except (OSError, UnicodeDecodeError) as error:
        return [_problem(file, 1, (), f"cannot be read as UTF-8 text: {error}")]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return [_yaml_problem(file, error)]
    if not isinstance(content, dict):
        return [_problem(file, 1, (), "a mapping is a set of keys (title, kind, clock, columns, entities, ...)")]
    if "name" in content:
        return [_problem(file, lines[("name",)], ("name",), f"a source is named by its file: this one is {file.stem}")]
    try:
        mapping = Mapping.model_validate({"name": file.stem, **content})
    except ValidationError as error:
        return [_from_pydantic(file, lines, detail) for detail in error.errors(include_url=False)]
    wrong = [_problem(file, _line(lines, place), place, message) for place, message in disagreements(mapping)]
    return wrong or mapping


def _read(text: str) -> tuple[Any, _Places]:
    """The content, and the line of each key in it."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: _Places = {}
        if node is None:
            return None, lines
        _mark(node, (), lines, set())
        return loader.construct_document(node), lines
    finally:
        loader.dispose()


def _mark(node: yaml.Node, place: Place, lines: _Places, seen: set[int]) -> None:
    if id(node) in seen:
        raise yaml.MarkedYAMLError(None, None, "anchors and aliases are not part of a mapping", node.start_mark)
    seen.add(id(node))
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = (*place, str(key_node.value))
            if key in lines:
                raise yaml.MarkedYAMLError(None, None, f'"{key[-1]}" stands here twice', key_node.start_mark)
            lines[key] = key_node.start_mark.line + 1
            _mark(value_node, key, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _mark(item, (*place, index), lines, seen)


def line_of(file: Path, key: str) -> int:
    """The line of this dotted key of a mapping, else of the nearest one around it; 1 where the file cannot be read."""
    try:
        _, lines = _read(_text(file))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return 1
    return _line(lines, tuple(key.split(".")))


def _line(lines: _Places, place: Place) -> int:
    """Of the place itself, else of the nearest one around it."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _from_pydantic(file: Path, lines: _Places, detail: ErrorDetails) -> SourceProblem:
    place: Place = tuple(part for part in detail["loc"] if part != "[key]")
    if detail["type"] == "unknown_key":
        place = (*place, detail["ctx"]["key"])
    return _problem(file, _line(lines, place), place, in_our_words(detail))


def _yaml_problem(file: Path, error: Exception) -> SourceProblem:
    mark = getattr(error, "problem_mark", None)
    message = getattr(error, "problem", None) or str(error)
    return _problem(file, mark.line + 1 if mark else 1, (), f"not YAML: {message}")


def _problem(file: Path, line: int, place: Place, message: str) -> SourceProblem:
    return SourceProblem(file.stem, str(file), line, ".".join(str(part) for part in place), message)
