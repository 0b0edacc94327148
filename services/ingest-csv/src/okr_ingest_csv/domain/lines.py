"""Physical lines of bytes: LF, CRLF or CR, as the csv module counts them, in one-byte and in two-byte encodings."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

WIDE = {"utf-16-le", "utf-16-be"}
_HALF_A_CHARACTER = "\udc80"
"""Stands for an odd byte at the end of a UTF-16 file: no text holds it, so the record is told as badly encoded."""


@dataclass(frozen=True, slots=True)
class Text:
    """Lines as text, the length of each in bytes, and whether something in them may be no character."""

    lines: list[str]
    lengths: list[int]
    suspect: bool


class Lines:
    """Cuts bytes that begin at a line's beginning. Encodings in which a line end is one byte."""

    unit = 1
    """Bytes that belong together."""

    def __init__(self, codec: str) -> None:
        self._codec = codec

    def whole(self, data: bytes) -> int:
        """Where the last complete line ends. A CR at the very end is open: its LF may come."""
        return max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1

    def first(self, data: bytes) -> int:
        """Where the first complete line ends, 0 if none does."""
        feed, ret = data.find(b"\n"), data.find(b"\r", 0, len(data) - 1)
        if ret < 0 or 0 <= feed < ret:
            return feed + 1
        return ret + 2 if data[ret + 1 : ret + 2] == b"\n" else ret + 1

    def open_from(self, data: bytes) -> int:
        """How much of a line without an end need not be looked at again."""
        return max(0, len(data) - 1)

    def last(self, data: bytes) -> int:
        """Where a line ends that no complete one follows, at the end of the file."""
        return len(data)

    def text(self, block: bytes) -> Text:
        """The block's lines; bytes that stand for no character become lone surrogates."""
        try:
            text, suspect = block.decode(self._codec), b"\0" in block
        except UnicodeDecodeError:
            text, suspect = block.decode(self._codec, "surrogateescape"), True
        lines = _lines(text)
        alike = len(text) == len(block)  # each character is a byte
        return Text(lines, list(map(len, lines if alike else block.splitlines(keepends=True))), suspect)


class WideLines(Lines):
    """UTF-16: a line end is two bytes at an even place."""

    unit = 2

    def __init__(self, codec: str) -> None:
        super().__init__(codec)
        self._feed, self._return = "\n".encode(codec), "\r".encode(codec)

    def whole(self, data: bytes) -> int:
        """See `Lines`."""
        even = len(data) & ~1
        return max(_last(data, self._feed, even), _last(data, self._return, even - 2)) + 2 & ~1

    def first(self, data: bytes) -> int:
        """See `Lines`."""
        even = len(data) & ~1
        feed, ret = _first(data, self._feed, even), _first(data, self._return, even - 2)
        if ret < 0 or 0 <= feed < ret:
            return feed + 2 if feed >= 0 else 0
        return ret + 4 if data[ret + 2 : ret + 4] == self._feed else ret + 2

    def open_from(self, data: bytes) -> int:
        """See `Lines`. A CR before half a character is looked at again: it may be the end."""
        return max(0, (len(data) & ~1) - 2)

    def last(self, data: bytes) -> int:
        """See `Lines`. Half a character behind a CR is a line of its own."""
        even = len(data) & ~1
        return even if data[even - 2 : even] == self._return else len(data)

    def text(self, block: bytes) -> Text:
        """See `Lines`."""
        even = len(block) & ~1
        try:
            text, suspect = block[:even].decode(self._codec), False
        except UnicodeDecodeError:
            text, suspect = block[:even].decode(self._codec, "surrogatepass"), True
        lines = _lines(text + _HALF_A_CHARACTER * (len(block) - even))
        lengths = [len(line.encode(self._codec, "surrogatepass")) for line in lines]
        if even < len(block):
            lengths[-1] -= 1
        return Text(lines, lengths, suspect or even < len(block) or "\0" in text)


def lines_in(encoding: str) -> Lines:
    """How bytes of this encoding are cut."""
    return WideLines(encoding) if encoding in WIDE else Lines(encoding)


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline=""))


def _at(data: bytes, mark: bytes, end: int) -> Iterator[int]:
    """Every even place of this mark."""
    place = data.find(mark, 0, max(0, end))
    while place >= 0:
        if place % 2 == 0:
            yield place
        place = data.find(mark, place + 1, end)


def _first(data: bytes, mark: bytes, end: int) -> int:
    return next(chain(_at(data, mark, end), (-1,)))


def _last(data: bytes, mark: bytes, end: int) -> int:
    """The last even place of this mark, -2 where there is none."""
    place = data.rfind(mark, 0, max(0, end))
    while place >= 0 and place % 2:
        place = data.rfind(mark, 0, place + 1)
    return place if place >= 0 else -2
