"""Files with bytes that are not of their encoding, or not of the one their source declares."""

from okr_common.testing.hostile.case import Hostile, loaded
from okr_common.testing.hostile.goals import HEADER, Row, goal, goals, lines, table, titled
from okr_common.testing.hostile.mappings import header_of

GUESSED = frozenset({"guessed_encoding"})
MANY = ["äöüß" * 30] * 2


def damaged() -> list[Hostile]:
    """All of them."""
    return [*_damaged(), *_declared()]


def _damaged() -> list[Hostile]:
    few = titled("utf-8-damaged", [*MANY, "damaged \udce9 here", *MANY, "whole"])
    more = titled("utf-8-half", ["é", "\udce9", "é"])
    cut = titled("utf-8-cut", [*["Größe"] * 9, "Café"])
    nearly = table(more).encode("utf-8", "surrogateescape")
    return [
        loaded(
            "utf-8-damaged.csv",
            "one byte that is no UTF-8 among many characters that are",
            table(few).encode("utf-8", "surrogateescape"),
            few[:2] + few[3:],
            unreadable={"bad_encoding": 1},
            odd=GUESSED,
        ),
        loaded(
            "utf-8-cut.csv",
            "it ends within a character",
            lines([(*HEADER[2:], *HEADER[:2]), *[(*row[2:], *row[:2]) for row in cut]]).encode()[:-2],
            [(*row[2:], *row[:2]) for row in cut[:-1]],
            header=(*HEADER[2:], *HEADER[:2]),
            unreadable={"bad_encoding": 1},
            odd=GUESSED,
        ),
        loaded(
            "utf-8-half.csv",
            "as much that speaks for UTF-8 as against it",
            nearly,
            titled("utf-8-half", ["Ã©", "é", "Ã©"]),
            encoding="cp1252",
            odd=GUESSED,
        ),
    ]


def _declared() -> list[Hostile]:
    declared, old = header_of("deadline"), header_of("ends_on")
    rows: list[Row] = goals("declared-utf-8", 9)
    bad = goal("declared-utf-8", 10, "Umsatz erh\udcf6hen")
    held = titled("declared-cp1252", ["Größe"])
    return [
        loaded(
            "declared-utf-8.csv",
            "a byte of cp1252, in a source that says it is UTF-8",
            table([*rows, bad], header=declared).encode("utf-8", "surrogateescape"),
            rows,
            unreadable={"bad_encoding": 1},
            source="hostile_declared",
            header=declared,
        ),
        loaded(
            "old-system.csv",
            "valid UTF-8 by its bytes, in a source that says it is cp1252",
            table(held, header=old).encode(),
            titled("declared-cp1252", ["Größe".encode().decode("cp1252")]),
            source="hostile_old",
            header=old,
            encoding="cp1252",
        ),
    ]
