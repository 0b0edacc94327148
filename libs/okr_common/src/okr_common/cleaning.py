r"""What is taken out of a text before anybody reads a meaning into it, as rules with names.

The raw cells stay as they were read. ingest-csv counts what these rules will change, etl applies them; docs/cleaning.md
tells users.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

_NO_BREAK_SPACES = re.compile("[\u00a0\u2007\u202f]")
# The zero-width joiner and non-joiner (U+200D, U+200C) stay: they tell words apart in Persian and in Indic scripts, and
# hold emoji together. The soft hyphen and the marks of direction stay, too: they say how a text is to be shown.
_ZERO_WIDTH = re.compile("[\u200b\u2060\ufeff]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_RULES: dict[str, Callable[[str], str]] = {
    "no_break_spaces": lambda text: _NO_BREAK_SPACES.sub(" ", text),
    "zero_width": lambda text: _ZERO_WIDTH.sub("", text),
    "control_characters": lambda text: _CONTROLS.sub("", text),
    # composes also what stood apart until now, and never makes a character that the rules before take out
    "unicode_nfc": lambda text: unicodedata.normalize("NFC", text),
    # last: white space may have stood inside of what was taken out
    "outer_white_space": str.strip,
}
RULES: tuple[str, ...] = tuple(_RULES)
"""The names of the rules, in the order they are applied."""

_PLAIN = (
    r"\t\n\r -~"
    r"\u00a1-\u02ff\u1e00-\u1eff"  # Latin letters
    r"\u0384-\u0386\u0388-\u0482\u048a-\u052f"  # Greek, Cyrillic
    r"\u05d0-\u05ea\u0621-\u064a\u0660-\u066f\u0671-\u06d3\u06f0-\u06f9\u200c-\u200f"  # Hebrew, Arabic, Persian
    r"\u3001-\u3029\u3030-\u303f\u3041-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uffbe"
    r"\u2010-\u2027\u2030-\u205e\u20a0-\u20c0"  # punctuation and money
    r"\u2100-\u2125\u2127-\u2129\u212c-\u218b\u2190-\u2328\u232b-\u2426\u2460-\u27bf"  # signs and arrows
    r"\ufe0f\U0001f300-\U0001faff"  # emoji
)
ODD_CHARACTER = f"[^{_PLAIN}]"
r"""A pattern, the same for Python and for polars: a text where it finds nothing is at most stripped of " \t\n\r".

It is a short cut for most texts and no rule: it finds more than the rules change, and never less.
"""
_ODD = re.compile(ODD_CHARACTER)
_LATIN = bytes([*range(0xC0), *range(0xC3, 0xCC)])
"""The bytes that UTF-8 makes of ASCII and of U+00C0 to U+02FF, none of which is odd but the controls of ASCII."""
_ESCAPED = re.compile(rb'\\[ubf]|"\\[nrt]|\\[nrt]"')
"""In a row as JSON: a control, or a line end or TAB at the edge of a cell. Those within a cell stay."""
_BACKSLASH, _DEL, _SPACE = b"\\\x7f "


class Cleaned(NamedTuple):
    """A text as it is read, and the names of the rules that changed it, in their order."""

    text: str
    changed: tuple[str, ...] = ()


def clean(text: str) -> Cleaned:
    r"""The text without what cannot be seen or only looks different; cleaned again it stays the same.

    >>> clean("On\u00a0time \x1a")
    Cleaned(text='On time', changed=('no_break_spaces', 'control_characters', 'outer_white_space'))
    """
    if not _ODD.search(text) and text == text.strip():
        return Cleaned(text)
    changed = []
    for name, rule in _RULES.items():
        before, text = text, rule(text)
        if before != text:
            changed.append(name)
    return Cleaned(text, tuple(changed))


def count_changes(cells: Sequence[str]) -> Iterator[tuple[int, str]]:
    r"""Of the cells of a row: the place (from 0) and the rule of each change, for a Counter.

    >>> list(count_changes(["7", " Gru\u0308n"]))
    [(1, 'unicode_nfc'), (1, 'outer_white_space')]
    """
    for place, text in enumerate(cells):
        for rule in clean(text).changed:
            yield place, rule


def needs_cleaning(cells_json: bytes) -> bool:
    r"""Whether `count_changes` may find something in a row; `cells_json` is what orjson.dumps makes of a list of texts.

    False is certain; True costs only a look.

    >>> needs_cleaning(b'["7","On time"]'), needs_cleaning(b'["7","On time "]')
    (False, True)
    """
    return (_BACKSLASH in cells_json and _ESCAPED.search(cells_json) is not None) or _odd_but_for_escapes(cells_json)


def rows_to_clean(rows: Sequence[bytes], together: bytes) -> list[int]:
    """The places (from 0) of the rows that need cleaning, asked of many at once: far cheaper where there are few.

    `together` holds all of them; between them stands what is ASCII and no space.

    >>> rows_to_clean([b'["7","On time"]', b'["7"," On time"]'], b'["7","On time"],["7"," On time"]')
    [1]
    """
    if _odd_but_for_escapes(together):
        return [place for place, row in enumerate(rows) if needs_cleaning(row)]
    return [place for place, row in enumerate(rows) if _BACKSLASH in row and _ESCAPED.search(row)]


def _odd_but_for_escapes(cells_json: bytes) -> bool:
    """DEL, a blank at the edge of a cell, or an odd character; JSON writes all other controls with a backslash."""
    # A number is looked for far faster than a byte string of one, and rfind is twice as fast as find.
    # orjson puts no space beside a quote.
    if _DEL in cells_json:
        return True
    if _SPACE in cells_json and (cells_json.rfind(b' "') >= 0 or cells_json.rfind(b'" ') >= 0):
        return True
    if cells_json.isascii() or not cells_json.translate(None, _LATIN):
        return False
    return _ODD.search(cells_json.decode()) is not None
