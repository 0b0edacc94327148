"""Files whose rows are rows, and whose cells are what people and programs put there. Raw, each must stay as it is."""

from okr_common.testing.hostile.case import Hostile, loaded
from okr_common.testing.hostile.goals import HEADER, Row, goal, goals, table, titled

TITLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ctrl-z": ("0x1A within a cell, where readers in DOS mode stop", ("On time\x1a", "\x1ab", "a\x1ab")),
    "controls": ("control characters", ("bell \x07", "escape \x1b[31mred", "feed\fpage", "delete\x7f")),
    "no-width": ("characters that nobody sees", ("zero\u200bwidth", "\ufeffmark", "soft\u00adhyphen", "join\u200der")),
    "no-break-spaces": ("spaces that are none", ("12\u00a0000", "12\u202f000", "\u2007seven", "trailing\u00a0")),
    "two-ways-to-write": ("the same word composed and in parts", ("Gr\u00fcn", "Gru\u0308n", "\ufb01nish")),
    "right-to-left": (
        "marks of direction",
        ("\u202eabc\u202c", "\u200f\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627"),
    ),
    "outer-blanks": ("blanks around texts", ("  both  ", "\ttab\t", "trailing ")),
    "formulas": (
        "what a spreadsheet would carry out",
        ('=HYPERLINK("http://example.org","x")', "=cmd|' /C calc'!A0", "+1+1", "-1-1", "@SUM(A1)", "=1+1"),
    ),
    "figures-as-text": (
        "figures in every country's way",
        ("£1,234.56", "£12.50m", "1.234,56", "1 234,56", "1'234.56", "(500)", "500-", "0.00%", "12 %", "5k", "1.2M"),
    ),
    "no-figures": (
        "what stands where a figure should",
        ("Exempt under Section 43 of the FOI Act", "TBD", "Reset", "N/A", "∞", "NaN", "#DIV/0!", "#REF!", "null"),
    ),
    "identifiers": ("figures that are names", ("007", "1.23E+15", "1E+05", "12345678901234567890", "0x1F", "00:10")),
    "dates-as-text": (
        "days in every way",
        (
            "31/05/2010",
            "31.07.2020",
            "01/02/03",
            "45292",
            "Q3 Y2025",
            "GJ 24/25-Q1",
            "FY24 H2",
            "31-Sep-25",
            "1700000000",
        ),
    ),
    "booleans": ("yes and no in many words", ("ja", "nein", "x", "✓", "Done", "TRUE", "0")),
    "words-that-drift": (
        "one word in many spellings",
        ("Amber/Red", "Amber/red", "Amber/ Red", "not Started", "AT RISK"),
    ),
    "many-values": (
        "several values in one cell",
        (
            "a@example.org\nb@example.org",
            "Alpha;Beta",
            "Alpha, Beta",
            "@[Ann:ann@example.org:7]",
            "<p>One</p>\n<p>Two</p>",
        ),
    ),
    "indented": ("a hierarchy by indentation", ("Company", "  Team", "    Person", "\tOther")),
    "paths-and-code": (
        "what a program might take for its own",
        ("../../etc/passwd", "'; drop table file;--", "${x}", "%s%n", "\\N", "\\x41"),
    ),
    "looks-like-copy": (
        "what COPY and JSON take for their own",
        ("\x01a", "\x02b", "\\.", '{"a": "b"}', "\\u0000", "c\x02\x01"),
    ),
}
"""Titles by file; some are not worth a goal, all of them are rows."""


def texts() -> list[Hostile]:
    """All of them."""
    told = [_titled(name, wrong, titles) for name, (wrong, titles) in TITLES.items()]
    return [*told, *_tables(), *_typed()]


def _titled(name: str, wrong: str, titles: tuple[str, ...]) -> Hostile:
    rows = titled(name, titles)
    return loaded(f"{name}.csv", wrong, table(rows).encode(), rows)


def _tables() -> list[Hostile]:
    blank, total = ("",) * len(HEADER), ("Total", *[""] * 3, "30", "6", "", "")
    rows = {name: goals(name, 4) for name in ("trailing-blank-rows", "totals", "header-again", "merged-cells")}
    merged = [row if number % 2 == 0 else (row[0], "", *row[2:]) for number, row in enumerate(rows["merged-cells"])]
    return [
        _rows(
            "trailing-blank-rows.csv",
            "rows of blanks below the others",
            [*rows["trailing-blank-rows"], *[blank] * 3],
            4,
        ),
        _rows("totals.csv", "a row of totals among the others", [*rows["totals"][:2], total, *rows["totals"][2:]], 4),
        _rows(
            "header-again.csv",
            "the header again among the rows",
            [*rows["header-again"][:2], HEADER, *rows["header-again"][2:]],
            4,
        ),
        _rows("merged-cells.csv", "a title on the first row of its block only", merged, 2),
        _rows("same-goal-again.csv", "a goal again with another value", [goal("again"), goal("again", value="7")], 2),
        _rows(
            "blank-column.csv",
            "a column in which nothing stands",
            [goal("blank-column", number, value="") for number in (1, 2, 3)],
            3,
            odd=frozenset({"blank_cells"}),
        ),
    ]


def _typed() -> list[Hostile]:
    """Figures and days where etl reads them; it takes those it can be sure of."""
    figures = ("£5", "1.234,56", "12 %", "5k", "#REF!", "NaN", "(500)", "450.37", "1E+05")
    days = ("31/05/2010", "45292", "2026-02-30", "Q3 Y2025", "1700000000", "2026-05-01")
    return [
        _rows(
            "figures-to-read.csv",
            "figures as people write them, and three that are none",
            [goal("figures", n, value=told) for n, told in enumerate(figures)],
            6,
        ),
        _rows("days-to-read.csv", "days that are none", [goal("days", n, due=told) for n, told in enumerate(days)], 1),
    ]


def _rows(name: str, wrong: str, rows: list[Row], count: int, **more: object) -> Hostile:
    return loaded(name, wrong, table(rows).encode(), rows, goals=count, **more)
