"""What a file holds, told from its bytes alone: text of some encoding, or why it is no text at all."""

import re
from collections.abc import Mapping

from okr_common.errors import PermanentError
from okr_common.sources import EncodingName
from okr_ingest_csv.domain.encoding import Census, Encoding, declared_or_marked, without_mark
from okr_ingest_csv.domain.fingerprint import Fingerprint

HEAD_BYTES = 262_144
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
CONTROLS = bytes(c for c in range(0x20) if c not in b"\t\n\v\f\r\x1a\x1b")
"""Text holds almost none of these: tab, line ends, form feed, Ctrl-Z and escape do occur in exports."""
BINARY_CONTROLS, BINARY_SHARE = 8, 0.05
"""More control bytes than both of these in the head: not text. One NUL in a cell is a bad row, not a bad file."""


Encodings = Mapping[bytes, Encoding]
"""What was found for the bytes of files that were read before, by their sha256."""


class Inspection:
    """Feed it the whole file, chunk by chunk; then ask. A file of 2 MB may hold its only odd byte near the end.

    Where `known` holds any encodings the file is expected to be one of theirs, and its bytes are only fingerprinted,
    which takes half the time; `unforeseen` tells where it is none, and is to be fed once more without them.
    """

    def __init__(self, known: Encodings | None = None) -> None:
        self.fingerprint = Fingerprint()
        self.head = b""
        self._known = known or {}
        self._census = Census()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        if not self._known:
            self._census.feed(chunk, self.fingerprint.bytes)
        self.fingerprint.feed(chunk)
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]

    @property
    def unforeseen(self) -> bool:
        """Whether it was expected to be a known file and is none, once it is fed to its end."""
        return bool(self._known) and self.fingerprint.sha256 not in self._known

    def encoding(self, declared: EncodingName | None = None) -> Encoding:
        """The file's encoding; raises PermanentError("empty" | "binary" | "bad_encoding")."""
        self._refuse_what_is_no_csv()
        found = declared_or_marked(self.head, declared) or without_mark(self.head)
        if found is None:
            self._refuse_what_is_no_text()
            found = self._known.get(self.fingerprint.sha256) or self._census.encoding()
        return found

    def _refuse_what_is_no_csv(self) -> None:
        if not self.head:
            raise PermanentError(
                "empty", "the file holds no bytes. If its writer was cut short, drop the whole file again."
            )
        for pattern, what, cure in SIGNATURES:
            if pattern.match(self.head):
                raise PermanentError("binary", f"its first bytes are those of {what}, not of a CSV file: {cure}.")

    def _refuse_what_is_no_text(self) -> None:
        sample = self.head[:65536]
        controls = len(sample) - len(sample.translate(None, CONTROLS))
        if controls >= BINARY_CONTROLS and controls > BINARY_SHARE * len(sample):
            raise PermanentError(
                "binary",
                f"{controls} of its first {len(sample)} bytes are controls, so this is no text. Export it as CSV.",
            )
