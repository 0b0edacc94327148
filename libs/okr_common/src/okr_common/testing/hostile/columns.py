"""Files whose columns are not what a source asks for, are too many, or are none."""

import codecs
import csv

from okr_common.testing.hostile.case import Hostile, refused, stranger
from okr_common.testing.hostile.goals import HEADER, Row, goals, lines, table
from okr_common.testing.hostile.mappings import header_of

COLUMNS, CHARACTERS = 5_000, 65_536
"""What ingest-csv allows a header by default."""


def columns() -> list[Hostile]:
    """All of them."""
    return [*_other_columns(), *_too_large(), *_empty()]


def _other_columns() -> list[Hostile]:
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
