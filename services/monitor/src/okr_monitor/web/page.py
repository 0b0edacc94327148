"""Renders boards as HTML."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from okr_monitor.web.board import Board

CONTENT_TYPES = {".js": "text/javascript", ".css": "text/css", ".txt": "text/plain; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file. `tag` changes with its content."""

    content: bytes
    media_type: str
    tag: str


def assets() -> Mapping[str, Asset]:
    """All static files by name."""
    found = {}
    for file in files(__package__).joinpath("static").iterdir():
        kind = "." + file.name.rpartition(".")[2]
        if kind in CONTENT_TYPES:
            content = file.read_bytes()
            found[file.name] = Asset(content, CONTENT_TYPES[kind], hashlib.sha256(content).hexdigest()[:12])
    return found


class Pages:
    """The page and its changing part."""

    def __init__(self, static: Mapping[str, Asset]) -> None:
        self._environment = Environment(
            loader=PackageLoader("okr_monitor.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"clock": clock, "moment": moment, "day": day, "amount": amount, "took": took}
        self._environment.globals["tags"] = {name: asset.tag for name, asset in static.items()}

    def board(self, board: Board) -> str:
        """The part that changes."""
        return self._environment.get_template("board.html").render(board=board)

    def page(self, board: Board) -> str:
        """The whole page."""
        return self._environment.get_template("page.html").render(board=board)


def clock(at: datetime | None) -> str:
    """The time of day, in UTC.

    >>> clock(datetime(2026, 11, 24, 2, 3, 4)), clock(None)
    ('02:03:04', '-')
    """
    return "-" if at is None else f"{at:%H:%M:%S}"


def moment(at: datetime | None) -> str:
    """Day and minute, in UTC.

    >>> moment(datetime(2026, 11, 24, 2, 3, 4))
    '24 Nov 02:03'
    """
    return "-" if at is None else f"{at.day} {at:%b %H:%M}"


def day(on: date) -> str:
    """A date as people write it.

    >>> day(date(2026, 12, 1))
    '1 Dec 2026'
    """
    return f"{on.day} {on:%b %Y}"


def amount(number: float | None, digits: int = 3) -> str:
    """A number short enough for a table: thousands set apart, no noise behind the point.

    >>> amount(12345), amount(0.12345), amount(98.0), amount(None), amount(123456.78)
    ('12,345', '0.123', '98', '-', '123,457')
    """
    if number is None:
        return "-"
    if isinstance(number, int) or abs(number) >= 10_000:  # noqa: PLR2004 - more digits say nothing to a reader
        return f"{number:,.0f}"
    return f"{number:,.{digits}f}".rstrip("0").rstrip(".")


def took(began: datetime | None, ended: datetime | None) -> str:
    """How long it took.

    >>> start = datetime(2026, 1, 1)
    >>> took(start, start + timedelta(seconds=1.25)), took(start, start + timedelta(seconds=75)), took(start, None)
    ('1.2 s', '1 min 15 s', '-')
    """
    if began is None or ended is None:
        return "-"
    seconds = (ended - began) / timedelta(seconds=1)
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"  # noqa: PLR2004
