"""One dead letter as `okr dead-letters show` prints it. Nothing in it reaches the terminal that could steer it."""

from collections.abc import Iterator
from typing import Any

import orjson
from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from okr_cli.dead_letters.cures import cure
from okr_cli.dead_letters.letters import Letter, Letters, State
from okr_cli.show import words
from okr_common.counted import counted

SHOWN = 4_000
"""Characters of a text that are printed; `--json` has all."""
HEX_SHOWN = 256
HEX_LINE = 16


def picture(letter: Letter, letters: Letters, refused: str | None) -> Group:
    """What is known of it, and what to do."""
    tree = Tree(Text(f"dead letter {letter.name}, {words(letter.read.at)} UTC", style="bold"))
    sections = {
        "why": [f"{letter.reason}: {letter.said('exception.message')}"],
        "where": list(_where(letter)),
        "state": list(_state(letter, letters)),
        "what to do": list(_to_do(letter, letters, refused)),
        "headers of the message": [f"{name}: {_header(value)}" for name, value in letter.headers or ()] or ["none"],
        "key": [_text(letter.read.key)],
        f"value, {counted(len(letter.read.value or b''), 'byte')}": [readable(letter.read.value)],
    }
    for heading, lines in sections.items():
        branch = tree.add(Text(heading, style="bold"))
        for line in lines:
            branch.add(Text(escaped(line)))
    return Group(tree)


def readable(value: bytes | None) -> str:
    """JSON indented, other text as it is, anything else in hexadecimal digits; the beginning of it where it is long."""
    if value is None:
        return "null: a tombstone"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "\n".join(_hex(value[:HEX_SHOWN])) + (_rest(len(value) - HEX_SHOWN))
    text = _indented(text)
    return text[:SHOWN] + _rest(len(text) - SHOWN)


def escaped(text: str) -> str:
    r"""What cannot be printed, by its escape.

    >>> escaped("a\x1b[31m"), escaped("Ziel 100 %")
    ('a\\x1b[31m', 'Ziel 100 %')
    """
    return "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in text)


def _where(letter: Letter) -> Iterator[str]:
    yield f"set aside by {letter.said('stage')}"
    yield f"came from {letter.place}"
    if letter.origin != letter.place:
        yield f"came first from {letter.origin}"


def _state(letter: Letter, letters: Letters) -> Iterator[str]:
    again = letters.again(letter)
    yield f"{letters.state(letter)} as {again.name}" if again else letters.state(letter).value
    yield f"replays: {letters.attempts(letter)}"
    for replay in letters.replays(letter):
        yield f"replay {replay.attempt}: {words(replay.at)} UTC, to {replay.place}"


def _to_do(letter: Letter, letters: Letters, refused: str | None) -> Iterator[str]:
    replayed = letters.state(letter) is State.REPLAYED
    yield "nothing, unless it dies again: then it is listed anew" if replayed else cure(letter.reason)
    if refused:
        yield f"a replay is refused: {refused}"
    else:
        yield f"okr dead-letters replay {letter.name}{' sends it once more all the same' if replayed else ''}"


def _header(value: bytes | None) -> str:
    return "null" if value is None else value.decode("utf-8", "backslashreplace")


def _text(key: bytes | None) -> str:
    return "none" if key is None else key.decode("utf-8", "backslashreplace")


def _indented(text: str) -> str:
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()


def _hex(value: bytes) -> Iterator[str]:
    """Lines as hexdump has them."""
    for first in range(0, len(value), HEX_LINE):
        line = value[first : first + HEX_LINE]
        shown = "".join(chr(one) if chr(one).isascii() and chr(one).isprintable() else "." for one in line)
        yield f"{first:06x}  {line.hex(' '):<47}  {shown}"


def _rest(left: int) -> str:
    return f"\n... and {left:,} more; --json has it all" if left > 0 else ""
