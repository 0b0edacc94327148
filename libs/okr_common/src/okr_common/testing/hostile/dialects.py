"""Files with every delimiter, line end and way to quote."""

import codecs
import csv

from okr_common.testing.hostile.case import Hostile, loaded, stranger
from okr_common.testing.hostile.goals import HEADER, Row, goals, lines, table, titled
from okr_common.testing.hostile.mappings import header_of


def dialects() -> list[Hostile]:
    """All of them."""
    return [*_delimiters(), *_separator_lines(), *_line_ends(), *_quotes()]


def _delimiters() -> list[Hostile]:
    decimal = titled("decimal-commas", ["1,5 % more", "2,5 % more", "3,5 % more"])
    prose = titled("commas-in-prose", ["first, second, third, fourth, fifth, sixth, seventh, eighth, ninth"] * 3)
    carets = goals("carets")
    doubled, between = [_spread(row) for row in goals("pipes-doubled")], _spread(HEADER)
    return [
        *(_plain(f"{name}.csv", f"cells apart by {name}", delimiter) for name, delimiter in _NAMED.items()),
        loaded(
            "decimal-commas.csv",
            "commas in figures",
            lines([HEADER, *decimal], ";", quoting=csv.QUOTE_NONE).encode(),
            decimal,
            delimiter=";",
        ),
        loaded("commas-in-prose.csv", "more commas than semicolons", table(prose, ";").encode(), prose, delimiter=";"),
        loaded(
            "carets-declared.csv",
            "cells apart by ^, as its source says",
            table(carets, "^", header=header_of("until")).encode(),
            carets,
            delimiter="^",
            source="hostile_carets",
            header=header_of("until"),
        ),
        loaded(
            "pipes-doubled.csv",
            "two delimiters for one",
            table(doubled, "|", header=between).encode(),
            doubled,
            delimiter="|",
            header=between,
            odd=frozenset({"blank_cells"}),
        ),
        stranger(
            "circumflex.csv",
            "cells apart by ^, and no source says so",
            table(carets, "^").encode(),
            ("^".join(HEADER),),
        ),
    ]


_NAMED = {"semicolons": ";", "tabs": "\t", "pipes": "|"}


def _plain(name: str, wrong: str, delimiter: str) -> Hostile:
    rows = titled(name.removesuffix(".csv"), [f"one{delimiter}two", 'say "yes"', "plain"])
    return loaded(name, wrong, table(rows, delimiter, "\r\n").encode(), rows, delimiter=delimiter)


def _spread(row: Row) -> Row:
    """With a blank cell between each two."""
    return tuple(cell for each in row for cell in (each, ""))[:-1]


def _separator_lines() -> list[Hostile]:
    return [
        _separated("sep-semicolon.csv", "sep=;\r\n", ";"),
        _separated("sep-comma.csv", "sep=,\n", ","),
        _separated("sep-tab.csv", "sep=\t\r\n", "\t"),
        _separated("sep-caret.csv", "sep=^\r\n", "^"),
        _separated("sep-quoted.csv", '"sep=;"\r\n', ";"),
        _separated("sep-upper-case.csv", "SEP=|\r\n", "|"),
        _separated("sep-bom.csv", "sep=;\r\n", ";", codecs.BOM_UTF8),
        _separated("sep-wrong.csv", "sep=;\r\n", ","),
        _separated("sep-utf-16.csv", "sep=;\r\n", ";", codecs.BOM_UTF16_LE, "utf-16-le"),
    ]


def _separated(name: str, first: str, delimiter: str, mark: bytes = b"", encoding: str = "utf-8") -> Hostile:
    rows = goals(name.removesuffix(".csv"))
    content = mark + (first + table(rows, delimiter, "\r\n")).encode(encoding)
    wrong = f"a first line for Excel: {first.strip()!r}"
    return loaded(name, wrong, content, rows, delimiter=delimiter, encoding=encoding, header_line=2)


def _line_ends() -> list[Hostile]:
    turned = goals("lf-cr")
    mixed, doubled, open_end = goals("mixed-line-ends", 9), goals("cr-cr-lf"), goals("no-last-line-end")
    each = [HEADER, *mixed]
    texts = [lines([row], end=("\n", "\r\n", "\r")[number % 3]) for number, row in enumerate(each)]
    odd = titled("odd-breaks", ["a\u2028b", "a\x85b", "a\x0bb", "a\x0cb", "a\x1cb\x1dc\x1ed"])
    return [
        _ended("lf.csv", "\n"),
        _ended("crlf.csv", "\r\n"),
        _ended("cr.csv", "\r"),
        loaded("mixed-line-ends.csv", "LF, CRLF and CR by turns", "".join(texts).encode(), mixed),
        loaded(
            "cr-cr-lf.csv",
            "line ends that were converted twice",
            table(doubled, end="\r\r\n").encode(),
            doubled,
            unreadable={"blank_line": 4},
        ),
        loaded(
            "lf-cr.csv",
            "line ends the wrong way round",
            table(turned, end="\n\r").encode(),
            turned,
            unreadable={"blank_line": 4},
        ),
        loaded("no-last-line-end.csv", "no line end at its end", table(open_end).encode().rstrip(), open_end),
        loaded("odd-breaks.csv", "characters that only some readers take for line ends", table(odd).encode(), odd),
    ]


def _ended(name: str, end: str) -> Hostile:
    """Cells with each kind of line end in them."""
    rows = titled(name.removesuffix(".csv"), ["two\nlines", "two\r\nlines", "two\rlines", "\nthree\n\n", "plain"])
    return loaded(name, "line ends within cells", table(rows, end=end, quoting=csv.QUOTE_ALL).encode(), rows)


def _quotes() -> list[Hostile]:
    all_quoted = titled("all-quoted", ['"', '""', 'a "b" c', '"a"', ",", ""])
    inner = titled("inner-quotes", ['5" pipe', "it's", 'a"b"c', "'quoted'", '="007"'])
    spaced = titled("spaced-quotes", [' "spaced" '])
    header = ",".join(HEADER) + "\n"
    return [
        loaded(
            "all-quoted.csv",
            "quotes around everything, doubled within",
            table(all_quoted, quoting=csv.QUOTE_ALL).encode(),
            all_quoted,
            goals=5,
        ),
        loaded(
            "inner-quotes.csv",
            "quotes in the middle of cells that are not quoted",
            (header + "".join(",".join(row) + "\n" for row in inner)).encode(),
            inner,
        ),
        loaded(
            "spaced-quotes.csv",
            "blanks around quotes, which then are no quotes",
            (header + ",".join(spaced[0])).encode(),
            spaced,
        ),
    ]
