"""A block of physical lines, as bytes and as text, and what is wrong with a record made of them."""

import csv
import io
from collections.abc import Sequence
from itertools import accumulate

from okr_ingest_csv.domain.record import Unreadable


class Page:
    """A block of whole physical lines: as text, and where each begins in the file."""

    def __init__(self, block: bytes, byte: int, line: int, codec: str, limit: int) -> None:
        self.block = block
        self.limit = limit
        self.line = line
        self.starts = [*accumulate(map(len, block.splitlines(keepends=True)), initial=byte)]
        self.text, undecoded = _decoded(block, codec)
        self.count = len(self.text)
        self.suspect = undecoded or b"\0" in block

    def length(self, first: int, last: int) -> int:
        """Bytes of the lines from index `first` up to, not including, `last`."""
        return self.starts[last] - self.starts[first]

    def unreadable(self, first: int, last: int, reason: str, detail: str) -> Unreadable:
        """These lines as a record that is no row."""
        start, end = self.starts[first], self.starts[last]
        raw = self.block[start - self.starts[0] : end - self.starts[0]][: self.limit]
        return Unreadable(self.line + first, self.line + last - 1, start, end - start, reason, detail, raw)

    def overlong(self, first: int) -> Unreadable:
        """The first line of a record beyond the limit: alone, so that the lines after it get their chance."""
        length = self.length(first, first + 1)
        if length > self.limit:
            return self.unreadable(first, first + 1, "cell_too_large", too_large(length, self.limit))
        detail = f"a quote opened here is not closed within {self.limit:,} bytes; reading went on with the next line"
        return self.unreadable(first, first + 1, "unclosed_quote", detail)


def _decoded(block: bytes, codec: str) -> tuple[list[str], bool]:
    """The block's lines as text, and whether some bytes stand for no character (they become lone surrogates)."""
    try:
        text, undecoded = block.decode(codec), False
    except UnicodeDecodeError:
        text, undecoded = block.decode(codec, "surrogateescape"), True
    return list(io.StringIO(text, newline="")), undecoded


def whole_lines(data: bytes) -> int:
    """Where the last complete line ends. A CR at the very end is open: its LF may come."""
    return max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1


def first_line_end(data: bytes) -> int:
    """Where the first complete line ends, 0 if none does."""
    feed, ret = data.find(b"\n"), data.find(b"\r", 0, len(data) - 1)
    if ret < 0 or 0 <= feed < ret:
        return feed + 1
    return ret + 2 if data[ret + 1 : ret + 2] == b"\n" else ret + 1


def flaw_of(cells: Sequence[str], width: int) -> tuple[str, str] | None:
    """Reason and detail, if these cells are no row."""
    if not cells:
        return "blank_line", "the line is empty"
    if len(cells) != width:
        reason = "too_few_cells" if len(cells) < width else "too_many_cells"
        return reason, f"{len(cells)} cells, the header has {width}"
    for number, cell in enumerate(cells, 1):
        if "\0" in cell:
            return "nul", f"cell {number} holds a NUL character"
        if not cell.isascii() and any("\udc80" <= character <= "\udcff" for character in cell):
            return "bad_encoding", f"cell {number} holds bytes that stand for no character in the file's encoding"
    return None


def why_not_parsed(error: csv.Error | None, line: int) -> tuple[str, str]:
    """Reason and detail of a record that csv.reader refused."""
    message = str(error)
    if "unexpected end" in message:
        told = f"a quote opened in the record that begins on line {line} is not closed before the file ends"
        return "unclosed_quote", f"{told}, so all lines from there on are kept as this one record"
    if "expected after" in message:
        return (
            "bad_quote",
            f"in the record that begins on line {line} neither a delimiter nor a line end follows a closing quote",
        )
    return "cell_too_large", message


def too_large(length: int, limit: int) -> str:
    """The detail of `cell_too_large`."""
    return f"a line of {length:,} bytes, longer than a record may be ({limit:,})"
