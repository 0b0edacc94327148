"""What must hold between the parts of a mapping, and between a mapping and a header."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import available_timezones

from okr_common.sources.language import (
    DATE_WORDS,
    DIRECTIONS,
    FETCH_ORIGINS,
    FILE_ORIGINS,
    METRIC_KINDS,
    Block,
    Column,
    ColumnType,
    Mapping,
    Read,
    nearest,
)
from okr_common.sources.paths import steps

Place = tuple[str | int, ...]
"""Keys from the top of a mapping down to what is meant."""

_NUMERIC = ("baseline", "target", "value", "confidence", "most", "weight")
_DATES = ("start_on", "due_on", "as_of", "end_on")
_TYPES: dict[str, tuple[ColumnType, ...]] = dict.fromkeys(_NUMERIC, ("number", "integer"))
_TYPES |= dict.fromkeys(_DATES, ("date",)) | {"value": ("number", "integer", "boolean")}
_TYPES |= {"recorded_at": ("timestamp", "date"), "known_at": ("date", "timestamp"), "due_known": ("boolean",)}
_WORDS = {"direction": DIRECTIONS, "metric_kind": METRIC_KINDS}
_LITERAL = {"inclusive", "no_target", "when", "dotted", "kind", "year_starts", "year_named_after"}


@dataclass(frozen=True, slots=True)
class MissingColumn:
    """A column the mapping reads and the header lacks; `nearest` is the header's name most like it."""

    name: str
    nearest: str | None


def missing_columns(mapping: Mapping, header: Sequence[str]) -> list[MissingColumn]:
    """What a file with this header lacks, in the mapping's order; of a transposed one only its lines can tell."""
    return [] if mapping.is_transposed(header) else missing_names(mapping, header)


def missing_names(mapping: Mapping, found: Sequence[str]) -> list[MissingColumn]:
    """What is not among the names of a header's columns, or of a transposed file's lines."""
    names = [name.strip() for name in found]
    there = {*FILE_ORIGINS, *(name for name in names if "{n}" not in name)}  # most columns are; the others cost more
    wanted = {one.origin: one for one in mapping.columns.values() if one.origin not in there and not one.optional}
    return [MissingColumn(origin, nearest(origin, names)) for origin, one in wanted.items() if not one.found(names)]


def disagreements(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    """Where one part of a mapping contradicts another: the place and what is wrong with it."""
    yield from _kind(mapping)
    yield from _columns(mapping)
    for name in mapping.derived:
        if name in mapping.columns or name in mapping.inherited:
            yield ("derived", name), f'"{name}" is a column already; call the derived one otherwise'
    yield from _rows(mapping)
    for entity, aligned in mapping.entities.alignments.items():
        if aligned.dotted and aligned.parents:
            yield ("entities", entity, "alignment", "dotted"), "dotted keys name their parents; say dotted or parents"
    for place, field, name in references(mapping):
        yield from _reference(mapping, place, field, name)


def _kind(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    wanted, other = ("recognise", "api") if mapping.kind == "csv" else ("api", "recognise")
    if getattr(mapping, wanted) is None:
        yield ("kind",), f'a source of kind {mapping.kind} needs the block "{wanted}"'
    if getattr(mapping, other) is not None:
        yield (other,), f'a source of kind {mapping.kind} has no block "{other}"'
    if mapping.kind == "api" and mapping.read != Read():
        yield ("read",), 'a source of kind api has no block "read"'
    if mapping.absent.closes and mapping.kind == "api" and mapping.rows.parent:
        yield (
            ("absent",),
            "an API's objects are stored only when they change, so parents are not known; leave rows.parent out",
        )
    if not mapping.absent.closes and mapping.absent.model_fields_set >= {"at_most"}:
        yield ("absent", "at_most"), "at_most is a limit for close or delete; say which one with then"


def _columns(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    for name, column in mapping.columns.items():
        if column.map is not None and column.type != "text":
            yield ("columns", name, "map"), f"only text has a map; {name} is {column.type}"
        for field, types in _OF_TYPE.items():
            if field in column.model_fields_set and column.type not in types:
                yield ("columns", name, field), f"only {_list(types)} columns have {field}; {name} is {column.type}"
        yield from _origin(mapping, name, column.origin)
        yield from _dates(name, column)
        yield from _words(mapping, name, column)


def _origin(mapping: Mapping, name: str, origin: str) -> Iterator[tuple[Place, str]]:
    known = FETCH_ORIGINS if mapping.kind == "api" else FILE_ORIGINS
    if origin.startswith("file:") and origin not in known:
        yield (
            ("columns", name, "from"),
            f"of files there are {_list(FILE_ORIGINS)}; of an API only {_list(FETCH_ORIGINS)}, the day of the fetch",
        )
    elif mapping.kind == "api":
        yield from _path(("columns", name, "from"), origin)


def _path(place: Place, path: str) -> Iterator[tuple[Place, str]]:
    try:
        steps(path)
    except ValueError as error:
        yield place, str(error)


def _rows(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    repeated = [name for name, column in mapping.columns.items() if "{n}" in column.origin]
    if bool(repeated) != (mapping.rows.repeat is not None):
        yield ("rows", "repeat"), "repeat and `{n}` in the `from` of a column go together"
    if mapping.rows.several and mapping.choose is not None:
        yield ("choose",), "choose is among rows, and repeat or each makes several check-ins of one; use one of both"
    yield from _each(mapping)
    yield from _transposed(mapping)
    yield from _in_order(mapping)
    parent = mapping.rows.parent
    if parent is None:
        return
    for field, name in (("key", parent.key), ("of", parent.of)):
        if name in mapping.columns and mapping.columns[name].type != "text":
            yield ("rows", "parent", field), f"keys are compared as text; declare {name} as text"
    for field, name in (("key", parent.key), ("of", parent.of), *(("columns", one) for one in parent.columns.values())):
        if name is not None and name not in mapping.columns:
            yield ("rows", "parent", field), f'there is no column "{name}"; declare it under columns'
    for name in parent.columns:
        if name in mapping.columns:
            yield ("rows", "parent", "columns"), f'"{name}" is a column already; call the parent\'s otherwise'


def _each(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    each = mapping.rows.each
    if each is None:
        return
    if mapping.kind != "api":
        yield (
            ("rows", "each"),
            "only an API's objects hold lists; for key results side by side in a file there is repeat",
        )
        return
    wrong = list(_path(("rows", "each"), each))
    yield from wrong
    if not wrong and not any(_below(each, one.origin) for one in mapping.columns.values()):
        yield ("rows", "each"), f'no column reads an element of it; begin their `from` with "{each}."'


def _below(each: str, origin: str) -> bool:
    return origin == each or origin.startswith(f"{each}.")


def _transposed(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    if mapping.rows.transposed is None:
        return
    place: Place = ("rows", "transposed")
    if mapping.kind == "api":
        yield place, "an API's records have no header; only files are transposed"
    if mapping.rows.repeat is not None or mapping.choose is not None:
        yield place, "transposed goes with neither repeat nor choose"
    if mapping.rows.parent is not None:
        yield place, "transposed goes without parent: its columns stand beside each other, not below"
    if mapping.recognise is not None and mapping.recognise.path is None:
        yield ("recognise", "path"), "one cell is little to know a transposed file by; say a path, too"


def _in_order(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    rows = mapping.rows
    if rows.fill_down:
        yield from _carried(mapping, ("rows", "fill_down"), rows.fill_down, goes_without=("parent", "transposed"))
    if rows.indented is None:
        return
    named, without = (rows.indented.by, *rows.indented.above), ("parent", "transposed", "repeat")
    yield from _carried(mapping, ("rows", "indented"), named, goes_without=without)
    for name in set(named) & set(rows.fill_down):
        yield ("rows", "fill_down"), f"{name} is told by how rows are indented; it is not filled down, too"


def _carried(
    mapping: Mapping, place: Place, names: Sequence[str], *, goes_without: Sequence[str]
) -> Iterator[tuple[Place, str]]:
    if mapping.kind == "api":
        yield place, f"an API's objects stand in no order; only files have {place[-1]}"
    if len(set(names)) < len(names):
        yield place, "a column stands in it twice"
    for other in goes_without:
        if getattr(mapping.rows, other) is not None:
            yield place, f"{place[-1]} goes without {other}"
    for name in names:
        column = mapping.columns.get(name)
        if column is None:
            close = nearest(name, mapping.columns)
            yield place, f'there is no column "{name}"; ' + (f'did you mean "{close}"?' if close else _DECLARE)
        elif column.origin in FILE_ORIGINS or "{n}" in column.origin:
            yield place, f"{name} reads {column.origin}; name a column with one cell of its own in each row"


_DECLARE = "declare it under columns"
_OF_TYPE = {
    "markup": ("text",),
    "separator": ("text",),
    "person": ("text",),
    "lowest": ("number", "integer"),
    "highest": ("number", "integer"),
    "formats": ("date", "timestamp"),
    "time_zone": ("date", "timestamp"),
    "decimal": ("number", "integer"),
    "percent": ("number", "integer"),
    "multipliers": ("number", "integer"),
    "edge": ("date",),
    "year_starts": ("date",),
    "year_named_after": ("date",),
}


def _dates(name: str, column: Column) -> Iterator[tuple[Place, str]]:
    if ("period" in column.formats) != (column.edge is not None):
        yield ("columns", name, "formats"), "the format period and edge (start or end) go together"
    for written in column.formats:
        if written not in DATE_WORDS and "%" not in written:
            yield ("columns", name, "formats"), f'"{written}" is no strftime format and none of {_list(DATE_WORDS)}'
        if column.type == "timestamp" and written == "period":
            yield ("columns", name, "formats"), f'"{written}" gives a day; declare {name} as date'
    if column.time_zone is not None and column.time_zone not in available_timezones():
        close = nearest(column.time_zone, available_timezones())
        yield ("columns", name, "time_zone"), f'there is no time zone "{column.time_zone}"; did you mean "{close}"?'


def _words(mapping: Mapping, name: str, column: Column) -> Iterator[tuple[Place, str]]:
    for field in ("separator", "person"):
        if column.map is not None and getattr(column, field):
            yield ("columns", name, field), f"a map reads one word, as it is; {field} is for other columns"
    told = mapping.entities.check_in
    if column.unknown == "warn" and (column.map is None or told.status != name or told.status_raw is None):
        yield ("columns", name, "unknown"), "warn is for the map of the status, where status_raw keeps the word"
    open_ = [each for each, one in mapping.columns.items() if one.origin == column.origin and not one.person]
    if column.person and open_:
        yield ("columns", name, "person"), f"{_list(open_)} reads {column.origin}, too, and does not hide who it is"


def references(mapping: Mapping) -> Iterator[tuple[Place, str, str]]:
    """Each (place, field, name of a column) that the entities mention."""
    blocks: list[tuple[Place, Block]] = [
        (("entities", "objective"), mapping.entities.objective),
        (("entities", "key_result"), mapping.entities.key_result),
        (("entities", "check_in"), mapping.entities.check_in),
    ]
    if mapping.choose is not None:
        blocks.append((("choose",), mapping.choose))
    if mapping.entities.final is not None:
        blocks.append((("entities", "outcome", "source"), mapping.entities.final))
    for entity, aligned in mapping.entities.alignments.items():
        blocks.append((("entities", entity, "alignment"), aligned))
    if mapping.entities.objective.period is not None:
        blocks.append((("entities", "objective", "period"), mapping.entities.objective.period))
    for place, block in blocks:
        for field, value in block:
            if field in _LITERAL or value is None or isinstance(value, Block):
                continue
            for name in value if isinstance(value, tuple) else (value,):
                yield (*place, field), field, name


def _reference(mapping: Mapping, place: Place, field: str, name: str) -> Iterator[tuple[Place, str]]:
    if name in mapping.derived:
        return
    column = mapping.columns.get(mapping.inherited.get(name, name))
    if column is None:
        close = nearest(name, [*mapping.columns, *mapping.derived])
        cure = f'did you mean "{close}"?' if close else "declare it under columns or derived"
        yield place, f'there is no column "{name}"; {cure}'
        return
    yield from _type(place, field, name, column)


def _type(place: Place, field: str, name: str, column: Column) -> Iterator[tuple[Place, str]]:
    types = _TYPES.get(field)
    if types and column.type not in types:
        yield place, f"{field} is a {types[0]}, but column {name} is {column.type}"
    words = _WORDS.get(field)
    if words and (column.map is None or not set(column.map.values()) <= set(words)):
        yield place, f"column {name} needs a map whose words are among: {_list(words)}"


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
