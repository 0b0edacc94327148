"""Files with records that are no rows, and what is beside them."""

from okr_common.testing.hostile.case import Hostile, loaded
from okr_common.testing.hostile.goals import HEADER, Row, goal, goals, lines, table, titled
from okr_common.testing.hostile.mappings import header_of

ENOUGH = 9
"""So many good rows beside one bad record, or two, keep the bad share below the limit of 20 %."""


def records() -> list[Hostile]:
    """All of them."""
    return [*_one_bad(), *_quotes(), *_cut(), *_shares(), *_surplus(), *_repeated()]


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
        _among("footnote.csv", "a note below the rows", '"* as reported, unaudited"\n', "too_few_cells"),
        _among("second-table.csv", "a second table in the same sheet", "team,lead\nGrowth,Ann\n", "too_few_cells", 2),
        _ended("ctrl-z-at-end.csv", "the end mark of DOS", "\x1a", "too_few_cells"),
        _ended("blank-lines-at-end.csv", "blank lines below the rows", "\n\n\r\n", "blank_line", 3),
        _ended("nuls-at-end.csv", "what a full disk leaves of the last line", "\0\0\0\0", "too_few_cells"),
    ]


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
