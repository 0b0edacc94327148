"""Files of which their source's read block decides what becomes: how much may be damaged, repeated or repaired."""

from okr_common.testing.hostile.case import Hostile, loaded
from okr_common.testing.hostile.goals import HEADER, Row, goal, goals, table, titled
from okr_common.testing.hostile.mappings import header_of


def rules() -> list[Hostile]:
    """All of them."""
    return [*_shares(), *_surplus(), *_repeated()]


def _shares() -> list[Hostile]:
    bad = "too,few\n"
    told = {"state": "quarantined", "reason": "unreadable_records"}
    strict, ends_on = header_of("due_strictly"), header_of("ends_on")
    edge, over, one, none = (
        goals("share-at-limit", 8),
        goals("share-over", 7),
        goals("share-strict", 20),
        goals("share-any", 1),
    )
    return [
        loaded(
            "share-at-limit.csv",
            "20 % are no rows, which is allowed",
            (table(edge) + bad * 2).encode(),
            edge,
            unreadable={"too_few_cells": 2},
        ),
        loaded(
            "share-over.csv",
            "more than 20 % are no rows",
            (table(over) + bad * 2).encode(),
            over,
            unreadable={"too_few_cells": 2},
            **told,
        ),
        loaded(
            "share-all.csv",
            "no record is a row",
            (table([]) + bad * 3).encode(),
            [],
            unreadable={"too_few_cells": 3},
            **told,
        ),
        loaded(
            "share-strict.csv",
            "one record that is no row, in a source that allows none",
            (table(one, header=strict) + bad).encode(),
            one,
            unreadable={"too_few_cells": 1},
            source="hostile_strict",
            header=strict,
            **told,
        ),
        loaded(
            "share-any.csv",
            "nearly nothing is a row, in a source that does not mind",
            (table(none, header=ends_on) + bad * 9).encode("cp1252"),
            none,
            unreadable={"too_few_cells": 9},
            source="hostile_old",
            header=ends_on,
            encoding="cp1252",
        ),
    ]


def _surplus() -> list[Hostile]:
    names = ["Rel 5.0.0.Alpha2, 4.5.0.Alpha2", "a, b, c", "plain"]
    rows = titled("commas-repaired", [*names, *["more"] * 7])
    header = header_of("done_by")
    wrong_figures = ",".join(goal("commas-repaired", 99, "a, b", target="ten", value="x"))
    unquoted = _unquoted(titled("commas-unquoted", [*names, *["more"] * 7]))
    return [
        loaded(
            "commas-unquoted.csv",
            "commas in texts that nobody quoted",
            unquoted.encode(),
            titled("commas-unquoted", [*names, *["more"] * 7])[2:],
            unreadable={"too_many_cells": 2},
        ),
        loaded(
            "commas-repaired.csv",
            "the same in a source that allows repair, and one that cannot be repaired",
            (_unquoted(rows, header) + wrong_figures).encode(),
            rows,
            repaired=2,
            unreadable={"too_many_cells": 1},
            source="hostile_repaired",
            header=header,
        ),
    ]


def _unquoted(rows: list[Row], header: Row = HEADER) -> str:
    return "".join(",".join(row) + "\n" for row in [header, *rows])


def _repeated() -> list[Hostile]:
    once = goals("rows-repeated")
    strict = header_of("due_strictly")
    mine = goals("rows-repeated-strictly")
    return [
        loaded(
            "rows-repeated.csv",
            "rows that stand there twice",
            table([*once, once[0], once[0]]).encode(),
            [*once, once[0], once[0]],
        ),
        loaded(
            "rows-repeated-strictly.csv",
            "a row that stands there twice, in a source that forbids it",
            table([*mine, mine[0]], header=strict).encode(),
            [*mine, mine[0]],
            source="hostile_strict",
            header=strict,
            state="quarantined",
            reason="duplicate_records",
        ),
    ]
