"""What a file holds, told from its bytes alone: its encoding, or why it is no text at all.

The whole file is looked at, not a sample: a file of 2 MB may hold its only non-UTF-8 byte near the end.
"""

import codecs
import re
from dataclasses import dataclass

from okr_common.errors import PermanentError
from okr_ingest_csv.domain.fingerprint import Fingerprint

HEAD_BYTES = 1_048_576
"""Kept of the file's beginning, to find its delimiter and header."""

SIGNATURES: tuple[tuple[re.Pattern[bytes], str, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), what, cure)
    for pattern, what, cure in (
        (rb"\x1f\x8b", "a gzip archive", "unpack it first"),
        (rb"PK(\x03\x04|\x05\x06)", "a zip archive or an Excel workbook (xlsx)", "unpack it, or save the sheet as CSV"),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (xls)", "save the sheet as CSV"),
        (rb"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it first"),
        (rb"BZh[1-9]1AY&SY", "a bzip2 archive", "unpack it first"),
        (rb"\xfd7zXZ\x00", "an xz archive", "unpack it first"),
        (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
        (rb"%PDF-", "a PDF document", "export the table as CSV"),
        (
            rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|II\*\x00|MM\x00\*|RIFF.{4}WEBP",
            "an image",
            "export the table as CSV",
        ),
        (rb"SQLite format 3\x00", "a SQLite database", "export the table as CSV"),
        (rb"PAR1\x15", "a Parquet file", "export the table as CSV"),
        (rb"\x7fELF", "a program", "take it out of the folder"),
    )
)
UTF16 = re.compile(rb"\xff\xfe|\xfe\xff")
UNDEFINED_IN_CP1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
CONTROLS = bytes(c for c in range(0x20) if c not in b"\t\n\v\f\r\x1a\x1b")
"""Text holds almost none of these: tab, line ends, form feed, Ctrl-Z and escape do occur in exports."""
BINARY_CONTROLS, BINARY_SHARE = 8, 0.05
"""More control bytes than both of these in the head: not text. One NUL in a cell is a bad row, not a bad file."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name` as users know it; `guessed` when the bytes do not prove it; `how` it was found, in words."""

    name: str
    guessed: bool
    how: str

    @property
    def codec(self) -> str:
        """The codec for a part of the file: a byte order mark is skipped once, at its beginning."""
        return codec_of(self.name)


def codec_of(encoding: str) -> str:
    """See `Encoding.codec`.

    >>> codec_of("utf-8-sig"), codec_of("cp1252")
    ('utf-8', 'cp1252')
    """
    return "utf-8" if encoding == "utf-8-sig" else encoding


class Inspection:
    """Feed it the whole file, chunk by chunk; then ask."""

    def __init__(self) -> None:
        self.fingerprint = Fingerprint()
        self.head = b""
        self._utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")("strict")
        self._not_utf8 = ""
        self._not_cp1252 = ""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        at = self.fingerprint.bytes
        self.fingerprint.feed(chunk)
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
        if not chunk.isascii():
            self._look_for_undefined(chunk, at)
            self._decode(chunk, at)
        elif self._utf8 is not None and self._utf8.getstate() != (b"", 0):
            self._decode(chunk, at)

    def encoding(self) -> Encoding:
        """The file's encoding; raises PermanentError("empty" | "binary" | "bad_encoding")."""
        self._refuse_what_is_no_text()
        if self._utf8 is not None and not self._not_utf8:
            self._decode(b"", self.fingerprint.bytes, final=True)
        if not self._not_utf8:
            if self.head.startswith(codecs.BOM_UTF8):
                return Encoding("utf-8-sig", guessed=False, how="byte order mark, and every byte is valid UTF-8")
            return Encoding("utf-8", guessed=False, how="every byte is valid UTF-8")
        if not self._not_cp1252:
            return Encoding(
                "cp1252", guessed=True, how=f"not UTF-8 ({self._not_utf8}); every byte is defined in cp1252"
            )
        raise PermanentError(
            "bad_encoding",
            f"neither UTF-8 ({self._not_utf8}) nor cp1252 ({self._not_cp1252}). Save it as UTF-8 and drop it again.",
        )

    def _refuse_what_is_no_text(self) -> None:
        if not self.head:
            raise PermanentError(
                "empty", "the file holds no bytes. If its writer was cut short, drop the whole file again."
            )
        for pattern, what, cure in SIGNATURES:
            if pattern.match(self.head):
                raise PermanentError("binary", f"its first bytes are those of {what}, not of a CSV file: {cure}.")
        if UTF16.match(self.head):
            raise PermanentError(
                "bad_encoding", "it begins with a UTF-16 byte order mark. Save the file as UTF-8 and drop it again."
            )
        sample = self.head[:65536]
        controls = len(sample) - len(sample.translate(None, CONTROLS))
        if controls >= BINARY_CONTROLS and controls > BINARY_SHARE * len(sample):
            raise PermanentError(
                "binary",
                f"{controls} of its first {len(sample)} bytes are controls, so this is no text. Export it as CSV.",
            )

    def _look_for_undefined(self, chunk: bytes, at: int) -> None:
        if not self._not_cp1252:
            found = [place for place in map(chunk.find, UNDEFINED_IN_CP1252) if place >= 0]
            if found:
                self._not_cp1252 = f"byte {chunk[min(found)]:#04x} at offset {at + min(found)} has no character"

    def _decode(self, chunk: bytes, at: int, *, final: bool = False) -> None:
        if self._utf8 is None:
            return
        held = len(self._utf8.getstate()[0])
        try:
            self._utf8.decode(chunk, final)
        except UnicodeDecodeError as error:
            self._not_utf8 = (
                f"byte {error.object[error.start]:#04x} at offset {at - held + error.start}: {error.reason}"
            )
            self._utf8 = None
