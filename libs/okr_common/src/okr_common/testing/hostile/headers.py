"""Files whose header is odd, stands late, or is missing."""

import codecs

from okr_common.testing.hostile.case import Hostile, loaded, refused, stranger
from okr_common.testing.hostile.goals import HEADER, Row, goals, lines, table
from okr_common.testing.hostile.mappings import header_of


def headers() -> list[Hostile]:
    """All of them."""
    return [*_names(), *_titles(), *_missing()]


def _with(name: str, wrong: str, header: Row, extra: tuple[str, ...] = (), **more: object) -> Hostile:
    """Goals under this header; `extra` cells follow those of HEADER."""
    rows = [(*row, *extra) for row in goals(name.removesuffix(".csv"))]
    return loaded(name, wrong, table(rows, header=header).encode(), rows, header=header, **more)


def _names() -> list[Hostile]:
    first = [("1", *row) for row in goals("header-unnamed-index")]
    return [
        _with("header-twice.csv", "a name that stands twice", (*HEADER, "colour", "colour"), ("red", "blue")),
        loaded(
            "header-unnamed-index.csv",
            "a first column without a name",
            table(first, header=("", *HEADER)).encode(),
            first,
            header=("", *HEADER),
        ),
        _with(
            "header-blank-names.csv",
            "a delimiter too many at the end of each line",
            (*HEADER, "", " "),
            ("", ""),
            odd=frozenset({"blank_cells"}),
        ),
        _with(
            "header-prose.csv", "line breaks and prose in a name", (*HEADER, 'Rating\n(a "Delivery"; see note)'), ("5",)
        ),
        _with("header-spaces.csv", "blanks around names", tuple(f" {name}\u00a0" for name in HEADER)),
        _with(
            "header-reordered.csv", "names in another case beside the right ones", (*HEADER, "ID", "Title"), ("1", "2")
        ),
        _with("header-long-name.csv", "a name of 60,000 characters", (*HEADER, "x" * 60_000), ("1",)),
    ]


def _titles() -> list[Hostile]:
    above = 'Goals of 2026\nmade by,"A. Person, Berlin"\n\n'
    blank = "\n\r\n   \n"
    report, stale = goals("report-titles"), goals("report-too-short", 1)
    finish = header_of("finish")
    return [
        _below("titles.csv", "three lines of title", above, 4),
        _below("titles-quoted.csv", "a title of two lines in one cell", '"Goals\nof 2026",,,\n', 3),
        _below("titles-blank.csv", "blank lines before the header", blank, 4),
        _below("titles-comments.csv", "comments above the header", "# made by us\n# on a Monday, late\n", 3),
        _below("titles-stray-quotes.csv", "quotes in a title that quote nothing", 'The "big" goals, of 2026\n', 2),
        refused(
            "titles-open-quote.csv",
            "a quote before a title, never closed",
            ('"Goals\n' + table(goals("open"))).encode(),
            "bad_header",
        ),
        _below("titles-many.csv", "forty-nine lines before the header", "note\n" * 49, 50),
        stranger(
            "titles-too-many.csv",
            "more lines of title than anybody looks through",
            ("note\n" * 50 + table(goals("titles-too-many"))).encode(),
            ("note",),
        ),
        loaded(
            "report-titles.csv",
            "titles that hold the words of the header and an open quote, and a source that says where it begins",
            ('id\n"id,title\n\n' + table(report, header=finish)).encode(),
            report,
            source="hostile_reports",
            header=finish,
            header_line=4,
        ),
        Hostile(
            name="report-too-short.csv",
            wrong="its source has the header on a line that is not there",
            content=lines(stale).encode(),
            state="failed",
            reason="bad_header",
            source="hostile_reports",
            encoding=None,
            delimiter=None,
            header=None,
            header_line=None,
        ),
    ]


def _below(name: str, wrong: str, above: str, line: int) -> Hostile:
    rows = goals(name.removesuffix(".csv"))
    return loaded(name, wrong, (above + table(rows)).encode(), rows, header_line=line)


def _missing() -> list[Hostile]:
    bare = goals("bare-goals")
    own = ("goal_id", *header_of("last_day")[1:])
    return [
        loaded(
            "bare-goals.csv",
            "no header, and a source that names the columns",
            lines(bare).encode(),
            bare,
            source="hostile_bare",
            header=own,
            header_line=0,
        ),
        _narrow(),
        stranger(
            "no-header.csv",
            "no header, and no source that names the columns",
            lines(goals("no-header")).encode(),
            goals("no-header", 1)[0],
        ),
        loaded("header-only.csv", "a header and no rows", table([]).encode(), [], reason="header_only"),
        loaded(
            "header-only-open.csv",
            "a header without a line end",
            codecs.BOM_UTF8 + table([]).strip().encode(),
            [],
            reason="header_only",
        ),
    ]


def _narrow() -> Hostile:
    """What R writes when it is asked for nothing else."""
    rows = [(str(number), *row) for number, row in enumerate(goals("header-too-narrow"), 1)]
    wrong = "a header with a name less than the rows have cells"
    told = {"state": "quarantined", "reason": "unreadable_records"}
    return loaded("header-too-narrow.csv", wrong, table(rows).encode(), [], unreadable={"too_many_cells": 3}, **told)
