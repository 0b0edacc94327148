"""The fingerprint of a file's bytes, taken while they are read."""

import hashlib
from typing import Protocol

CHUNK_BYTES = 1_048_576
"""Read at once where only the fingerprint is wanted."""


class Readable(Protocol):
    """Bytes, read forwards."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


class Fingerprint:
    """SHA-256 and length of the bytes fed so far."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> bytes:
        """Of all bytes fed so far."""
        return self._hash.digest()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        self._hash.update(chunk)
        self.bytes += len(chunk)


class Fingerprinted:
    """A stream that takes the fingerprint of what is read from it."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.fingerprint = Fingerprint()

    def read(self, size: int, /) -> bytes:
        """Read, and remember."""
        chunk = self._stream.read(size)
        self.fingerprint.feed(chunk)
        return chunk

    def skip(self, length: int) -> None:
        """Read up to `length` bytes only for the fingerprint."""
        while length > 0 and (chunk := self.read(min(length, CHUNK_BYTES))):
            length -= len(chunk)
