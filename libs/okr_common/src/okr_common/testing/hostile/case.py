"""One hostile file: what is wrong with it, its bytes, and what must become of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from okr_common.testing.hostile.goals import HEADER, Row

OWN_FINDINGS = frozenset(
    {
        "header_names",
        "title_lines",
        "guessed_encoding",
        "duplicate_records",
        "repaired_records",
        "unreadable_records",
    }
)
"""Findings that a file earns by itself; the others change with the files that its source had before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """A file by its `name`, `wrong` in words, and the state, reason and source it must end with.

    `rows` are the cells of its rows; `repaired` of them were put together again. `unreadable` counts by reason. Where
    the file ends before its bytes were looked at as a table, `encoding`, `delimiter`, `header` and `header_line` (from
    1; 0: it has no header) are None. `odd` are findings that do not follow from the rest. `goals` of its rows say
    something that etl can read.
    """

    name: str
    wrong: str
    content: bytes = field(repr=False)
    state: str = "done"
    reason: str | None = None
    source: str = "hostile_goals"
    rows: tuple[Row, ...] = field(default=(), repr=False)
    repaired: int = 0
    unreadable: Mapping[str, int] = field(default_factory=dict)
    encoding: str | None = "utf-8"
    delimiter: str | None = ","
    header: Row | None = field(default=HEADER, repr=False)
    header_line: int | None = 1
    odd: frozenset[str] = frozenset()
    goals: int = 0

    @property
    def was_read(self) -> bool:
        """Whether its records were read, all of them."""
        return self.state == "done" or (self.state == "quarantined" and self.reason != "missing_columns")

    @property
    def findings(self) -> frozenset[str]:
        """What validation finds in it where its source had no file before."""
        if not self.was_read:
            return frozenset()
        follow = {
            "unreadable_records": any(reason != "blank_line" for reason in self.unreadable),
            "repaired_records": self.repaired > 0,
            "title_lines": (self.header_line or 0) > 1,
            "header_names": _odd_names(self.header or ()),
            "duplicate_records": len(set(self.rows)) < len(self.rows),
        }
        return self.odd | {kind for kind, found in follow.items() if found}


def _odd_names(header: Row) -> bool:
    names = Counter(name.strip() for name in header)
    return "" in names or max(names.values(), default=0) > 1


def loaded(name: str, wrong: str, content: bytes, rows: list[Row], **more: object) -> Hostile:
    """A file whose rows go on; each of them is a goal unless `more` says otherwise."""
    told: dict[str, object] = {"goals": len(rows), **more}
    return Hostile(name=name, wrong=wrong, content=content, rows=tuple(rows), **told)  # type: ignore[arg-type]


def refused(name: str, wrong: str, content: bytes, reason: str) -> Hostile:
    """A file that is not even read as a table."""
    return Hostile(
        name=name,
        wrong=wrong,
        content=content,
        state="failed",
        reason=reason,
        source="unrecognised",
        encoding=None,
        delimiter=None,
        header=None,
        header_line=None,
    )


def stranger(name: str, wrong: str, content: bytes, header: Row, **more: object) -> Hostile:
    """A table that no source knows."""
    told: dict[str, object] = {"state": "failed", "reason": "unrecognised", "source": "unrecognised", **more}
    return Hostile(name=name, wrong=wrong, content=content, header=header, **told)  # type: ignore[arg-type]
