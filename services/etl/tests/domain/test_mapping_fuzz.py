"""Mappings as nobody would write them: each loads or says what is wrong with it, and none breaks down over any row.

A mapping is made of the shipped ones: blocks of one in another, keys gone or misspelt, values of every kind,
expressions put together by chance. What a seed makes is always the same.
"""

import random
from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from okr_common.errors import OkrError
from okr_common.paths import repository
from okr_common.sources import Column, Mapping, load_mapping, missing_columns
from okr_etl.domain.check import trouble
from okr_etl.testing import MemorySource
from okr_etl.testing.grouped import GROUPED, INDENTED

SHIPPED = sorted((repository() / "configs" / "sources").glob("*.yaml"))
TEXTS = [*(file.read_text(encoding="utf-8") for file in SHIPPED), GROUPED, INDENTED]
DOCUMENTS: list[Any] = [yaml.load(text, yaml.BaseLoader) for text in TEXTS]  # noqa: S506
ODD: list[Any] = [
    None,
    "",
    " ",
    "0",
    "-1",
    "1e400",
    ".nan",
    "true",
    "1,5",
    "%",
    "%Y",
    "period",
    "{n}",
    "file:name",
    "a" * 600,
]
ODD += [
    "\u0000",
    "\U0001f600",
    "'",
    "data",
    "text",
    "date",
    "increase",
    [],
    {},
    ["x", "x"],
    {"x": {"x": ["x"]}},
    [[[]]],
]
CELLS = ["", " ", "n/a", "NaN", "inf", "-0", "1e400", "9" * 30, "12 %", "(5)", "1.234,5", "5k", "=1+1", "yes", "\u2713"]
CELLS += [
    "2017-02-30",
    "0000-01-01",
    "9999-12-31",
    "45000",
    "Q3 2025",
    "FY24 H2",
    "a\nb",
    "1.2.3",
    "\u200b",
    "x" * 5000,
]
LITERALS = ["'a'", "''", "0", "-1.5", "NULL", "TRUE", "1 / 0", "DATE('2017-01-31')", "INTERVAL '1 day'"]
FORMS = [
    *(
        "UPPER({0})",
        "LENGTH({0})",
        "ABS({0})",
        "ROUND({0}, 1)",
        "CAST({0} AS DOUBLE)",
        "CAST({0} AS DATE)",
        "DATE({0})",
    ),
    *("{0} + {1}", "{0} / {1}", "{0} || {1}", "{0} = {1}", "{0} > {1} AND {1} IS NOT NULL", "COALESCE({0}, {1})"),
    *("CASE WHEN {0} > {1} THEN {0} ELSE {1} END", "SUBSTR({0}, 2, 3)", "REPLACE({0}, 'a', 'b')", "{0} LIKE '%a_'"),
    *(
        "STRFTIME({0}, '%Y')",
        "{0} IN ({1}, {1})",
        "EXTRACT(YEAR FROM {0})",
        "MAX({0})",
        "{0} OVER ()",
        "({0}",
        "{0} -- x",
    ),
]
FEW = settings(max_examples=100, deadline=None)
MANY = settings(FEW, max_examples=3_000)


class Author:
    """Writes a mapping by chance."""

    def __init__(self, seed: int) -> None:
        self._by = random.Random(seed)  # noqa: S311 - a seed, so that it can be seen again
        self.document = deepcopy(self._by.choice(DOCUMENTS))

    def write(self) -> Any:  # noqa: ANN401 - YAML
        ways = [self._spoil, self._lose, self._misspell, self._borrow, self._borrow, *[self._derive] * 4]
        ways += [self._stand_below] * 2
        for _ in range(self._by.choice([0, 1, 1, 1, 2, 4])):
            self._by.choice(ways)()
        return self.document

    def _places(self) -> list[tuple[Any, Any]]:
        return list(_places(self.document)) or [({"": ""}, "")]

    def _spoil(self) -> None:
        holder, key = self._by.choice(self._places())
        holder[key] = deepcopy(self._by.choice(ODD))

    def _lose(self) -> None:
        holder, key = self._by.choice(self._places())
        del holder[key]

    def _misspell(self) -> None:
        holder, key = self._by.choice(self._places())
        if isinstance(holder, dict):
            holder[self._by.choice([str(key)[1:], f"{key}s", "x", "", "row_num", "from"])] = holder.pop(key)

    def _borrow(self) -> None:
        """What another mapping, or another place, has under a key of this name."""
        holder, key = self._by.choice(self._places())
        others = [there[name] for document in DOCUMENTS for there, name in _places(document) if name == key]
        holder[key] = deepcopy(self._by.choice(others or ODD))

    def _derive(self) -> None:
        """Another expression for a derived column, the rows that are meant, or the end of a key result."""
        document = self.document
        names = [*self._block("columns"), *self._block("derived")] or ["x"]
        derived, text = self._block("derived"), self._expression(names, 3)
        match self._by.randrange(4):
            case 0 if isinstance(document, dict):
                document["rows"] = {"only": text}
            case 1 if isinstance(document.get("entities"), dict):
                document["entities"]["outcome"] = {"source": {"when": text, "known_at": self._by.choice(names)}}
            case _ if derived:
                derived[self._by.choice(list(derived))] = text

    def _stand_below(self) -> None:
        """Cells that rows have from the rows above them, or a level that is kept between two marks."""
        columns, derived, rows = (self._block(name) for name in ("columns", "derived", "rows"))
        names = self._by.sample([*columns, "x"], min(3, len(columns) + 1))
        match self._by.randrange(3):
            case 0 if isinstance(self.document, dict):
                self.document["rows"] = {**rows, "fill_down": names}
            case 1 if isinstance(self.document, dict):
                self.document["rows"] = {**rows, "indented": {"by": names[0], "above": names[1:]}}
            case _ if "direction" in derived:
                derived["direction"] = "'stay_between'"

    def _block(self, name: str) -> dict[str, Any]:
        block = self.document.get(name) if isinstance(self.document, dict) else None
        return block if isinstance(block, dict) else {}

    def _expression(self, names: Sequence[str], depth: int) -> str:
        if depth == 0 or self._by.random() < 0.3:
            return self._by.choice([*names, *LITERALS])
        parts = [self._expression(names, depth - 1) for _ in range(2)]
        return self._by.choice(FORMS).format(*parts)

    def rows(self, mapping: Mapping) -> tuple[list[str], list[object]]:
        """A header and rows: cells that fit, cells that do not, and rows of other lengths."""
        columns = list(mapping.columns.items())
        header = [column.origin.replace("{n}", "1") for _, column in columns]
        rows = [[self._cell(name, column, odd) for name, column in columns] for odd in [0.0, 0.0, 0.1, 0.5] * 3]
        cut = [row[: self._by.choice([len(row)] * 8 + [1])] for row in rows]
        if mapping.kind == "csv":
            return header, [*cut, [*rows[0], "more"], rows[0], []]
        return [], [_nested(zip(header, row, strict=False)) for row in cut]

    def _cell(self, name: str, column: Column, odd: float) -> str:
        if self._by.random() < odd:
            return self._by.choice(CELLS)
        if column.map:
            return self._by.choice(list(column.map))
        day = date(2016 + 4 * (name in {"due", "end", "due_on", "ends"}), 1, 1) + timedelta(self._by.randint(0, 1400))
        written = [form for form in column.formats if "%" in form]
        fitting = {
            "date": day.strftime(self._by.choice(written)) if written else str(day),
            "timestamp": f"{day}T10:00:00Z",
            "boolean": self._by.choice(["yes", "no"]),
            "text": f"{' ' * self._by.choice([0, 0, 2, 4])}{name} {self._by.randint(1, 5)}",
        }
        return fitting.get(column.type, str(self._by.randint(0, 100)))


def _places(node: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - YAML
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield node, key
        yield from _places(value)


def _nested(cells: Iterator[tuple[str, str]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for origin, cell in cells:
        *parents, last = origin.split(".")
        holder = told
        for parent in parents:
            holder = holder.setdefault(parent, {}) if isinstance(holder.get(parent, {}), dict) else {}
        holder[last] = cell
    return told


def a_mapping_loads_or_is_told_and_accounts_for_every_row(folder: Path, seed: int) -> None:
    author = Author(seed)
    file = folder / "fuzz.yaml"
    file.write_text(yaml.safe_dump(author.write(), allow_unicode=True, sort_keys=False), encoding="utf-8")
    mapping = load_mapping(file)
    if not isinstance(mapping, Mapping):
        assert mapping
        assert all(str(problem).startswith(f"{file}:{problem.line}: ") and problem.message for problem in mapping)
        assert not [problem for problem in mapping if " should " in problem.message or "Field " in problem.message]
        event("does not load")
        return
    wrong = trouble(mapping)
    event("cannot be carried out" if wrong else "is carried out")
    assert all(wrong)
    if not wrong:
        is_carried_out(author, mapping)
        for key in keys_of(mapping):
            event(f"is carried out with {key}")


def keys_of(mapping: Mapping) -> set[str]:
    """Of the keys that change what rows are made of those that it has."""
    rows = mapping.rows
    told = {
        "fill_down": rows.fill_down,
        "indented": rows.indented,
        "repeat": rows.repeat,
        "transposed": rows.transposed,
    }
    between = {"stay_between"} if "stay_between" in str(mapping.derived) else set()
    return between | {key for key, said in told.items() if said}


def is_carried_out(author: Author, mapping: Mapping) -> None:
    header, rows = author.rows(mapping)
    source = MemorySource(mapping, header)
    if missing_columns(mapping, header) and mapping.kind == "csv":
        return
    for part in (rows, rows[:5], rows[::-1]):
        try:
            applied = source.load(part)
        except OkrError as error:
            event(type(error).__name__)
            continue
        assert sum(applied.counts.values()) == len(part), orjson.dumps(part)
        rejected = source.proposed[-1].rejected
        event("with goals" if source.proposed[-1].wide.height else "without goals")
        assert all(one.reasons and set(one.reasons) == set(one.detail) for one in rejected)


@FEW
@given(seed=st.integers(0, 2**32))
def test_whatever_a_mapping_says_it_is_told_or_accounts_for_every_row(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    a_mapping_loads_or_is_told_and_accounts_for_every_row(tmp_path_factory.getbasetemp(), seed)


@pytest.mark.faults
@pytest.mark.long
@MANY
@given(seed=st.integers(0, 2**32))
def test_the_same_of_very_many_mappings(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    a_mapping_loads_or_is_told_and_accounts_for_every_row(tmp_path_factory.getbasetemp(), seed)


def test_all_ways_to_make_rows_are_among_the_mappings_that_are_carried_out(tmp_path: Path) -> None:
    """Such as each of them were found by the first seeds."""
    wanted, changed = {"fill_down", "indented", "stay_between", "repeat", "transposed"}, set[str]()
    for seed in range(400):
        author = Author(seed)
        before = deepcopy(author.document)
        (tmp_path / "fuzz.yaml").write_text(yaml.safe_dump(author.write(), sort_keys=False), encoding="utf-8")
        mapping = load_mapping(tmp_path / "fuzz.yaml")
        if author.document != before and isinstance(mapping, Mapping) and not trouble(mapping):
            changed |= keys_of(mapping)
        if changed == wanted:
            return
    assert changed == wanted
