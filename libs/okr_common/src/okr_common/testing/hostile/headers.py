"""Files whose header is odd, late, missing, too large, or not what their source asks for."""

import codecs
import csv

from okr_common.testing.hostile.case import Hostile, loaded, refused, stranger
from okr_common.testing.hostile.goals import HEADER, Row, goals, lines, table
from okr_common.testing.hostile.mappings import header_of

COLUMNS, CHARACTERS = 5_000, 65_536
"""What ingest-csv allows a header by default."""


def headers() -> list[Hostile]:
    """All of them."""
    return [*_names(), *_titles(), *_missing(), *_columns(), *_too_large(), *_empty()]


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
        _below("titles-many.csv", "forty-nine lines before the header", "note\n" * 49, 50),
        stranger(
            "titles-too-many.csv",
            "more lines of title than anybody looks through",
            ("note\n" * 50 + table(goals("titles-too-many"))).encode(),
            ("note",),
        ),
        loaded(
            "report-titles.csv",
            "titles that hold the words of the header, and a source that says where it begins",
            ("id\nid,title\n\n" + table(report, header=finish)).encode(),
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


def _columns() -> list[Hostile]:
    plan, either = header_of("plan"), header_of("either")
    loud = tuple(name.upper() for name in HEADER)
    unseen = ("id\u200b", *HEADER[1:])
    renamed = tuple({"value": "current value"}.get(name, name) for name in HEADER)
    german = ("Kennung", "Titel", "Art", "Richtung", "Zielwert", "Wert", "Tag", "Frist")
    across = list(zip(HEADER, *goals("transposed", 4), strict=True))
    wide = ("email", "objective", "key_result_1_title", "key_result_1_completion", "key_result_2_title")
    return [
        _quarantined("columns-missing.csv", "columns that its source reads are not there", plan, "hostile_plans"),
        Hostile(
            name="columns-ambiguous.csv",
            wrong="two sources know these columns",
            content=table(goals("ambiguous"), header=either).encode(),
            state="failed",
            reason="ambiguous",
            source="unrecognised",
            header=either,
        ),
        stranger("columns-loud.csv", "names in capitals", table(goals("loud"), header=loud).encode(), loud),
        stranger(
            "columns-unseen.csv",
            "a character without width in a name",
            table(goals("unseen"), header=unseen).encode(),
            unseen,
        ),
        stranger(
            "columns-german.csv", "names in the user's language", table(goals("german"), header=german).encode(), german
        ),
        stranger("columns-transposed.csv", "columns where rows should be", lines(across).encode(), across[0]),
        stranger(
            "columns-wide.csv",
            "a pair of columns for each key result",
            lines([wide, ("a@b.c", "x", "y", "0.5", "")]).encode(),
            wide,
        ),
        _quarantined("columns-renamed.csv", "a column goes by another name", renamed, "hostile_goals"),
    ]


def _quarantined(name: str, wrong: str, header: Row, source: str) -> Hostile:
    return Hostile(
        name=name,
        wrong=wrong,
        content=table(goals(name.removesuffix(".csv")), header=header).encode(),
        state="quarantined",
        reason="missing_columns",
        source=source,
        header=header,
    )


def _too_large() -> list[Hostile]:
    wide = [f"column {number}" for number in range(COLUMNS + 1)]
    long = (*HEADER, "x" * CHARACTERS)
    open_quote = '"' + table(goals("header-open-quote", 2_000))
    return [
        refused("header-too-wide.csv", "one column too many", lines([wide]).encode(), "too_many_columns"),
        refused("header-too-long.csv", "a header longer than any", lines([long]).encode(), "header_too_long"),
        refused(
            "header-nul.csv",
            "a NUL in a name",
            table(goals("nul")).replace("title", "ti\0tle", 1).encode(),
            "bad_header",
        ),
        refused(
            "header-open-quote.csv", "a quote before the first name, never closed", open_quote.encode(), "bad_header"
        ),
        refused("header-bad-quote.csv", "text behind a closing quote", b'"id"x,title\n1,2\n', "bad_header"),
    ]


def _empty() -> list[Hostile]:
    blanks = lines([("",) * 8] * 3, quoting=csv.QUOTE_NONE)
    return [
        refused("empty.csv", "no byte", b"", "empty"),
        refused("empty-bom.csv", "a byte order mark and nothing else", codecs.BOM_UTF8, "empty"),
        refused("empty-lines.csv", "line ends and nothing else", b"\n\r\n\r\n", "empty"),
        refused("empty-blanks.csv", "white space and nothing else", " \t \n\u00a0\n".encode(), "empty"),
        refused("empty-cells.csv", "delimiters and nothing else", blanks.encode(), "empty"),
        refused("empty-sep.csv", "a sep= line and nothing else", b"sep=;\r\n", "empty"),
    ]
