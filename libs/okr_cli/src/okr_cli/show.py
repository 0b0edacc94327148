"""How commands answer: a table for people, JSON for programs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from okr_cli.context import out

Row = Mapping[str, Any]
ROOMY = 100
MILLION = 1_000_000


WHOLE = "*"
"""The field of a column that is told from the whole row."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: which field, under which heading, in which words."""

    field: str
    heading: str
    says: Callable[[Any], str | Text] | None = None
    right: bool = False
    width: int = 0


def show(title: str, rows: Iterable[Row], columns: Sequence[Column], *, as_json: bool) -> None:
    """A listing: all fields as JSON, or the columns as a table."""
    found = [dict(row) for row in rows]
    if as_json:
        print_json(found)
    elif found:
        out.print(table(title, found, columns))
    else:
        out.print(f"{title}: none")


def table(title: str, rows: Iterable[Row], columns: Sequence[Column]) -> Table:
    """These rows as a table."""
    made = plain_table(title)
    for column in columns:
        made.add_column(
            column.heading,
            justify="right" if column.right else "left",
            overflow="fold",
            min_width=column.width or len(column.heading),
        )
    for row in rows:
        made.add_row(*(_cell(column, row if column.field == WHOLE else row[column.field]) for column in columns))
    return made


def plain_table(title: str, left: Sequence[str] = (), right: Sequence[str] = ()) -> Table:
    """A table as all commands draw them, with these headings."""
    made = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for heading in left:
        made.add_column(heading, overflow="fold", min_width=len(heading))
    for heading in right:
        made.add_column(heading, justify="right", no_wrap=True)
    return made


def _cell(column: Column, value: object) -> Text:
    said = column.says(value) if column.says else words(value)
    return said if isinstance(said, Text) else Text(said)


def words(value: object) -> str:
    """A value as people read it.

    >>> words(None), words(9213), words(0.25), words(["a", "b"])
    ('', '9,213', '0.250', 'a, b')
    """
    for kind, say in _WORDS.items():
        if isinstance(value, kind):
            return say(value)
    return str(value)


_WORDS: dict[Any, Callable[[Any], str]] = {
    type(None): lambda _: "",
    bool: lambda value: "yes" if value else "no",
    int: lambda value: f"{value:,}",
    float: lambda value: f"{value:.3f}",
    datetime: lambda value: value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    list: lambda value: ", ".join(map(words, value)),
    tuple: lambda value: ", ".join(map(words, value)),
}
"""The first kind that fits: a bool is also an int."""


def key_in_words(key: str) -> str:
    """A natural key as a person writes it: where it has several parts, a `/` or `%` inside of one is stored escaped.

    >>> key_in_words("Quality/100%25 of builds/and%2For"), key_in_words("50% off")
    ('Quality/100% of builds/and/or', '50% off')
    """
    return key.replace("%2F", "/").replace("%25", "%") if "/" in key else key


def figure(value: float | None) -> str:
    """A measured value in its own unit: no needless digits.

    >>> figure(99.0), figure(0.0712), figure(188389775.0), figure(None)
    ('99', '0.0712', '188.4 M', '')
    """
    if value is None:
        return ""
    return f"{value / MILLION:,.1f} M" if abs(value) >= MILLION else f"{value:.6g}"


def within(row: Row) -> str:
    """The interval of a forecast; nothing where it has none.

    >>> within({"forecast_low": 95.234, "forecast_high": 104.0}), within({"forecast_low": None})
    ('95.23 to 104', '')
    """
    low, high = row.get("forecast_low"), row.get("forecast_high")
    return "" if low is None or high is None else f"{_rounded(low)} to {_rounded(high)}"


def _rounded(value: float) -> str:
    return figure(float(f"{value:.4g}"))


def measured(value: float | None, low: float | None = None, high: float | None = None) -> str:
    r"""A measure between 0 and 1 and, below it, its interval.

    >>> measured(0.9691, 0.93, 1.0), measured(None)
    ('0.969\n.93-1.0', '-')
    """
    if value is None:
        return "-"
    interval = "" if low is None or high is None else f"\n{_short(low)}-{_short(high)}"
    return f"{value:.3f}{interval}"


def _short(value: float) -> str:
    return "1.0" if value >= 0.995 else f"{value:.2f}".removeprefix("0")  # noqa: PLR2004 - what two digits round to 1


def percent(value: float) -> str:
    """A probability.

    >>> percent(0.034)
    '3 %'
    """
    return f"{value * 100:.0f} %"


def sure(row: Row) -> str:
    """The interval of a probability behind it; nothing where it has none, as by the pace rule.

    >>> sure({"probability_low": 0.21, "probability_high": 0.494}), sure({"probability_low": None})
    (' (21-49 %)', '')
    """
    low, high = row.get("probability_low"), row.get("probability_high")
    return "" if low is None or high is None else f" ({low * 100:.0f}-{high * 100:.0f} %)"


def roomy() -> bool:
    """Whether wide tables fit."""
    return out.width >= ROOMY


def print_json(content: object) -> None:
    """JSON on standard output, and nothing else."""
    typer.echo(to_json(content))


def to_json(content: object) -> str:
    """Indented JSON; bytes as text where they are text."""
    return orjson.dumps(content, default=_plain, option=orjson.OPT_INDENT_2).decode()


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, UUID | date):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
