"""In which encoding a file is written: said by its source, marked by the file, proved by its bytes, or guessed."""

import codecs
import re
from dataclasses import dataclass

from okr_common.errors import PermanentError
from okr_common.sources import EncodingName

_MARKS: tuple[tuple[bytes, EncodingName], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DECLARED = "the source's read block says so"
_UTF32 = re.compile(rb"\xff\xfe\0\0|\0\0\xfe\xff")
_UNDEFINED_IN_CP1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
_ESCAPED = re.compile("[\udc80-\udcff]")
_SAMPLE_BYTES = 4096
_WIDE_SHARE = 0.3
"""Half of the bytes of Latin text in UTF-16 are NUL, all on the same side; of a text with other scripts fewer."""
_ODD_SHARE = 0.05
DAMAGED_SHARE = 0.2
"""So few bad bytes, as a share of the bytes that continue a character, are damage to a UTF-8 file: text in another
encoding hardly ever holds what reads as a character of UTF-8."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name`, `guessed` when nothing proves it, `how` it was found, in words; `mark_bytes`: the byte order mark's."""

    name: EncodingName
    guessed: bool
    how: str
    mark_bytes: int = 0


def declared_or_marked(head: bytes, declared: EncodingName | None) -> Encoding | None:
    """What the source says, else the byte order mark; None where neither speaks.

    Raises PermanentError("bad_encoding") for UTF-32.
    """
    if _UTF32.match(head):
        raise PermanentError("bad_encoding", "it is UTF-32 by its first bytes. Save it as UTF-8 and drop it again.")
    mark, marked = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", None))
    length = _repeated(mark, head)
    if declared is not None:
        return Encoding(declared, guessed=False, how=DECLARED, mark_bytes=length * (declared == marked))
    return marked and Encoding(marked, guessed=False, how="byte order mark", mark_bytes=length)


def _repeated(mark: bytes, head: bytes) -> int:
    """How many bytes of marks stand at the beginning: programs add one without looking whether one is there."""
    length = 0
    while mark and head.startswith(mark, length):
        length += len(mark)
    return length


def without_mark(head: bytes) -> Encoding | None:
    """UTF-16 that nobody marked: Latin text has its NUL bytes on one side only.

    >>> without_mark("id;title".encode("utf-16-be")).name
    'utf-16-be'
    """
    sample = head[: _SAMPLE_BYTES & ~1]
    half = len(sample) / 2
    first, second = sample[::2].count(0), sample[1::2].count(0)
    wide: tuple[tuple[int, int, EncodingName], ...] = ((second, first, "utf-16-le"), (first, second, "utf-16-be"))
    for many, few, name in wide:
        if many > _WIDE_SHARE * half and few < 0.1 * many and _is_text(sample, name):
            return Encoding(name, guessed=True, how="no mark, but every other byte of its beginning is NUL")
    return None


def _is_text(sample: bytes, encoding: EncodingName) -> bool:
    """Whether hardly anything but letters, figures and line ends comes out; a character may be cut at the end."""
    text = sample[: len(sample) & ~1].decode(encoding, "replace")
    odd = sum(not character.isprintable() and character not in "\t\r\n\f" for character in text)
    return odd + text.count("\ufffd") <= _ODD_SHARE * len(text)


class Census:
    """Counts, over the whole file, what speaks for UTF-8 and for cp1252."""

    def __init__(self) -> None:
        self._held = b""
        self._continued = 0
        self._bad = 0
        self._first_bad = ""
        self._undefined = ""
        self._end = 0

    def feed(self, chunk: bytes, at: int) -> None:
        """The next bytes, which stand at `at`."""
        self._end = at + len(chunk)
        if self._held or not chunk.isascii():
            self._look_for_undefined(chunk, at)
            self._decode(self._held + chunk, at - len(self._held))

    def _decode(self, undecoded: bytes, at: int, *, final: bool = False) -> None:
        """Count what it holds; the beginning of a character whose other bytes have not come is held back."""
        try:
            text, used = codecs.utf_8_decode(undecoded, "strict", final)
        except UnicodeDecodeError:  # only then is it worth to look for what is bad, which takes three times as long
            text, used = codecs.utf_8_decode(undecoded, "surrogateescape", final)
            self._look_for_bad(text, at)
        self._continued += used - len(text)  # of a valid character each byte but its first
        self._held = undecoded[used:]

    def encoding(self) -> Encoding:
        """UTF-8 where the bytes prove it, or all but prove it; else cp1252, else latin-1, as guesses."""
        if self._cut:
            told = f"every byte is valid UTF-8, but the file ends within a character, at offset {self._end:,}"
            return Encoding("utf-8", guessed=True, how=told)
        self._decode(self._held, self._end - len(self._held), final=True)
        if not self._bad:
            return Encoding("utf-8", guessed=False, how="every byte is valid UTF-8")
        if self._bad <= DAMAGED_SHARE * self._continued:
            told = f"all bytes are valid UTF-8 but {self._bad:,} ({self._first_bad})"
            return Encoding("utf-8", guessed=True, how=told)
        if not self._undefined:
            return Encoding(
                "cp1252", guessed=True, how=f"not UTF-8 ({self._first_bad}); every byte is defined in cp1252"
            )
        told = f"neither UTF-8 ({self._first_bad}) nor cp1252 ({self._undefined}), in which every byte is defined"
        return Encoding("latin-1", guessed=True, how=told)

    @property
    def _cut(self) -> bool:
        """Whether other characters speak for UTF-8, and nothing against it but the last one, which is half there."""
        return bool(self._held) and self._continued > 0 and not self._bad

    def _look_for_bad(self, text: str, at: int) -> None:
        bad = _ESCAPED.findall(text)
        if bad and not self._first_bad:
            before = text[: text.index(bad[0])]
            offset = at + len(before.encode())
            self._first_bad = f"byte {ord(bad[0]) - 0xDC00:#04x} at offset {offset:,}"
        self._bad += len(bad)

    def _look_for_undefined(self, chunk: bytes, at: int) -> None:
        if not self._undefined:
            found = [place for place in map(chunk.find, _UNDEFINED_IN_CP1252) if place >= 0]
            if found:
                self._undefined = f"byte {chunk[min(found)]:#04x} at offset {at + min(found):,} has no character"
