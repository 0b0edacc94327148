"""Files with records that are no rows, and what is beside them."""

from okr_common.testing.hostile.case import Hostile, loaded
from okr_common.testing.hostile.goals import HEADER, goal, goals, lines, table, titled

ENOUGH = 9
"""So many good rows beside one bad record, or two, keep the bad share below the limit of 20 %."""


def records() -> list[Hostile]:
    """All of them."""
    return [*_one_bad(), *_quotes(), *_cut()]


def _among(name: str, wrong: str, bad: str, reason: str, times: int = 1, **more: object) -> Hostile:
    """Some good rows, the bad text, and some more good rows."""
    of = name.removesuffix(".csv")
    rows = goals(of, ENOUGH)
    text = table(rows[:3]) + bad + lines(rows[3:])
    return loaded(name, wrong, text.encode("utf-8", "surrogateescape"), rows, unreadable={reason: times}, **more)


def _one_bad() -> list[Hostile]:
    missing, surplus = ",".join(HEADER[:5]), ",".join((*HEADER, "more"))
    nul = ",".join(goal("nul-in-cell", 99, "a\0b"))
    return [
        _among("too-few-cells.csv", "a line that ends early", f"{missing}\n", "too_few_cells"),
        _among("too-many-cells.csv", "a cell too many", f"{surplus}\n", "too_many_cells"),
        _among(
            "trailing-delimiter.csv",
            "a delimiter too many at the end of a line",
            f"{','.join(HEADER)},\n",
            "too_many_cells",
        ),
        _among("blank-lines.csv", "blank lines between the rows", "\n\r\n\n", "blank_line", 3),
        _among("blank-characters.csv", "a line of blanks, which is one cell", "   \n", "too_few_cells"),
        _among("nul-in-cell.csv", "a NUL in a cell", f"{nul}\n", "nul"),
        _among("form-feed-line.csv", "a form feed between two pages", "\f\n", "too_few_cells"),
        _among("comment-line.csv", "a comment among the rows", "# so far, so good\n", "too_few_cells"),
        _among(
            "unquoted-line-end.csv",
            "a line end in a cell that nobody quoted",
            ",".join(goal("b", 99, "a\nb")) + "\n",
            "too_few_cells",
            2,
        ),
        _among(
            "short-and-long.csv",
            "a cell of three lines in a record that ends early",
            'x,"a\nb\nc",n\n',
            "too_few_cells",
        ),
        _hole(),
        _among("footnote.csv", "a note below the rows", '"* as reported, unaudited"\n', "too_few_cells"),
        _among("second-table.csv", "a second table in the same sheet", "team,lead\nGrowth,Ann\n", "too_few_cells", 2),
        _ended("ctrl-z-at-end.csv", "the end mark of DOS", "\x1a", "too_few_cells"),
        _ended("blank-lines-at-end.csv", "blank lines below the rows", "\n\n\r\n", "blank_line", 3),
        _ended("nuls-at-end.csv", "what a full disk leaves of the last line", "\0\0\0\0", "too_few_cells"),
    ]


def _hole() -> Hostile:
    """In a file so small that half of it is NULs, it would be no text at all."""
    rows = goals("nul-hole", 200)
    text = table(rows[:100]) + "\0" * 512 + lines(rows[100:])
    wrong = "512 NULs where a disk lost a sector"
    return loaded("nul-hole.csv", wrong, text.encode(), [*rows[:100], *rows[101:]], unreadable={"nul": 1})


def _ended(name: str, wrong: str, end: str, reason: str, times: int = 1) -> Hostile:
    rows = goals(name.removesuffix(".csv"), ENOUGH)
    return loaded(name, wrong, (table(rows) + end).encode(), rows, unreadable={reason: times})


def _quotes() -> list[Hostile]:
    closing = ",".join(goal("q", 99, '"a"b'))
    escaped = ",".join(goal("q", 99, r'"say \"yes\" now"'))
    stray = ",".join(goal("q", 99, '"stray'))
    country = ",".join(goal("q", 99, 'N,0"'))
    spaced = ",".join(goal("q", 99, ' "b, c"'))
    single = ",".join(goal("q", 99, "'b, c'"))
    return [
        _among("bad-quote.csv", "text behind a closing quote", f"{closing}\n", "bad_quote"),
        _among(
            "backslash-quote.csv", "quotes behind backslashes, as programmers write them", f"{escaped}\n", "bad_quote"
        ),
        _among(
            "stray-quote.csv", "a quote that is never closed, and whole rows behind it", f"{stray}\n", "unclosed_quote"
        ),
        _among(
            "single-quotes.csv", "single quotes around a comma, which quote nothing", f"{single}\n", "too_many_cells"
        ),
        _among(
            "spaced-quote.csv", "a blank before the quote, which then quotes nothing", f"{spaced}\n", "too_many_cells"
        ),
        _among("broken-country.csv", 'the N,0" of Kickstarter', f"{country}\n", "too_many_cells"),
        _swallowing(),
    ]


def _swallowing() -> Hostile:
    """The next quoted cell closes what the stray quote opened."""
    rows = titled("swallowing-quote", ["plain"] * 6 + ["quoted, with a comma", "plain"])
    stray = ",".join(goal("swallowing-quote", 99, '"stray')) + "\n"
    text = table(rows[:2]) + stray + lines(rows[2:])
    wrong = "a stray quote that a later quoted cell closes"
    return loaded("swallowing-quote.csv", wrong, text.encode(), rows, unreadable={"bad_quote": 1})


def _cut() -> list[Hostile]:
    prose = "We met,\nand then\nwe left, as usual"
    rows, quoted = goals("cut-in-a-row", ENOUGH), titled("cut-in-a-quote", ["plain"] * ENOUGH + [prose])
    return [
        loaded(
            "cut-in-a-row.csv",
            "its last line is half written",
            table([*rows, goal("cut", 1)]).encode()[:-20],
            rows,
            unreadable={"too_few_cells": 1},
        ),
        loaded(
            "cut-in-a-quote.csv",
            "it ends within a quoted text",
            table(quoted).encode()[:-50],
            quoted[:-1],
            unreadable={"unclosed_quote": 1},
        ),
    ]
