"""Files in every encoding that exports come in, and in some that nobody can tell."""

import codecs

from okr_common.testing.hostile.case import Hostile, loaded, refused
from okr_common.testing.hostile.goals import goals, table, titled

GUESSED = frozenset({"guessed_encoding"})
WORDS = ("Zufriedenheit erhöhen", "Coût réduit de moitié", "Größe: 12 m² für 5 €")


def encodings() -> list[Hostile]:
    """All of them."""
    return [*_proved(), *_wide(), *_one_byte(), *_late()]


def _in(
    name: str,
    wrong: str,
    encoding: str,
    *,
    mark: bytes = b"",
    titles: tuple[str, ...] = WORDS,
    odd: frozenset[str] = frozenset(),
) -> Hostile:
    """A file of goals with these titles."""
    rows = titled(name.removesuffix(".csv"), titles)
    content = mark + table(rows, end="\r\n").encode(encoding)
    return loaded(name, wrong, content, rows, encoding=encoding, odd=odd)


def _proved() -> list[Hostile]:
    rows = goals("bom-in-quotes")
    twice = goals("bom-of-two-files", 2)
    joined = table(twice[:1]).encode() + codecs.BOM_UTF8 + table(twice[1:]).split("\n", 1)[1].encode()
    read = [twice[0], ("\ufeff" + twice[1][0], *twice[1][1:])]
    again = goals("bom-twice")
    return [
        _in("utf-8.csv", "nothing but letters beyond ASCII", "utf-8"),
        _in("utf-8-bom.csv", "a byte order mark before the first name", "utf-8", mark=codecs.BOM_UTF8),
        _in(
            "emoji.csv",
            "characters beyond the 16 bits of old readers",
            "utf-8",
            titles=("Ship it \U0001f680", "\U00020bb7野家"),
        ),
        loaded(
            "bom-in-quotes.csv",
            "a byte order mark before a quoted name",
            codecs.BOM_UTF8 + table(rows, quoting=1).encode(),
            rows,
        ),
        loaded("bom-twice.csv", "two byte order marks", codecs.BOM_UTF8 * 2 + table(again).encode(), again),
        loaded("bom-of-two-files.csv", "a second byte order mark where two files were joined", joined, read),
    ]


def _wide() -> list[Hostile]:
    rows = goals("utf-16-tabs")
    cut = goals("utf-16-cut")
    lone = goals("utf-16-lone-half")
    lone_bytes = table(lone).replace("Goal 2", "Goal \ud800").encode("utf-16-le", "surrogatepass")
    utf_16 = {"encoding": "utf-16-le"}
    return [
        _in("utf-16-le-bom.csv", "UTF-16, the little end first", "utf-16-le", mark=codecs.BOM_UTF16_LE),
        _in("utf-16-be-bom.csv", "UTF-16, the big end first", "utf-16-be", mark=codecs.BOM_UTF16_BE),
        _in(
            "utf-16-false-ends.csv",
            "characters half of which look like line ends, quotes and commas",
            "utf-16-le",
            mark=codecs.BOM_UTF16_LE,
            titles=("\u0a0a\u0d0d\u0a0d\u0d0a", "\u2200\u0022\u2c2c", "\u220a\u0a22"),
        ),
        _in("utf-16-le.csv", "UTF-16 without a mark", "utf-16-le", odd=GUESSED),
        _in("utf-16-be.csv", "UTF-16 without a mark", "utf-16-be", odd=GUESSED),
        loaded(
            "utf-16-tabs.csv",
            'what Excel calls "Unicode text"',
            codecs.BOM_UTF16_LE + table(rows, "\t", "\r\n").encode("utf-16-le"),
            rows,
            delimiter="\t",
            **utf_16,
        ),
        loaded(
            "utf-16-cut.csv",
            "half a character at its end",
            codecs.BOM_UTF16_LE + table(cut).encode("utf-16-le")[:-3],
            cut[:2],
            unreadable={"bad_encoding": 1},
            state="quarantined",
            reason="unreadable_records",
            **utf_16,
        ),
        loaded(
            "utf-16-lone-half.csv",
            "half of a character of two",
            codecs.BOM_UTF16_LE + lone_bytes,
            [lone[0], lone[2]],
            unreadable={"bad_encoding": 1},
            state="quarantined",
            reason="unreadable_records",
            **utf_16,
        ),
        refused(
            "utf-32-le.csv", "UTF-32", codecs.BOM_UTF32_LE + table(goals("utf-32")).encode("utf-32-le"), "bad_encoding"
        ),
        refused(
            "utf-32-be.csv", "UTF-32", codecs.BOM_UTF32_BE + table(goals("utf-32")).encode("utf-32-be"), "bad_encoding"
        ),
        refused(
            "utf-16-no-latin.csv",
            "UTF-16 without a mark and nearly without Latin letters",
            table(titled("utf-16-no-latin", ["目標を達成する" * 20] * 20)).encode("utf-16-le"),
            "binary",
        ),
        refused("utf-32-bare.csv", "UTF-32 without a mark", table(goals("utf-32")).encode("utf-32-le"), "binary"),
    ]


def _one_byte() -> list[Hostile]:
    return [
        _in(
            "cp1252.csv",
            "pounds and dashes as Excel writes them",
            "cp1252",
            titles=("Save £1,234.56", "Café \u2013 neu", "5 €"),
            odd=GUESSED,
        ),
        _in(
            "latin-1.csv",
            "a byte without a character in cp1252",
            "latin-1",
            titles=("Menü", "x\x81y\x85z"),
            odd=GUESSED,
        ),
        _misread("cp1250.csv", "Polish, which nothing tells from western Europe", "cp1250", "Łódź", "cp1252"),
        _misread("cp1251.csv", "Russian in one byte a letter", "cp1251", "Цель года", "cp1252"),
        _misread("shift-jis.csv", "Japanese in two bytes a letter", "shift_jis", "目標を達成", "latin-1"),
        _in(
            "mojibake.csv",
            "pounds that were broken before they came here",
            "utf-8",
            titles=("Ĺ\x81 5m", "Ł 3m", "Â£ 2m"),
        ),
    ]


def _misread(name: str, wrong: str, written: str, title: str, read: str) -> Hostile:
    """In an encoding that is not known here: every byte is kept, and the guess is told."""
    of = name.removesuffix(".csv")
    content = table(titled(of, [title])).encode(written)
    return loaded(name, wrong, content, titled(of, [title.encode(written).decode(read)]), encoding=read, odd=GUESSED)


def _late() -> list[Hostile]:
    return [_late_byte("late-byte.csv", "cp1252", 500_000), _late_byte("late-letter.csv", "utf-8", 1_200_000)]


def _late_byte(name: str, encoding: str, before: int) -> Hostile:
    of = name.removesuffix(".csv")
    rows = titled(of, ["plain " * (before // 600)] * 100 + ["on\u00a0time"])
    odd = GUESSED if encoding == "cp1252" else frozenset()
    wrong = f"its first byte beyond ASCII stands behind {before:,} others"
    return loaded(name, wrong, table(rows).encode(encoding), rows, encoding=encoding, odd=odd)
