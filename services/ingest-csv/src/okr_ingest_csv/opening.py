"""Opening a file to read it, and ceasing to read when the service stops."""

import errno
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

from okr_common.errors import RetryableError
from okr_ingest_csv.domain.fingerprint import Readable

Stopped = Callable[[], bool]
"""Whether the service stops; asked in threads."""


def open_file(path: Path) -> io.FileIO:
    """Open a regular file; a pipe put in its place meanwhile must not block the reader."""
    stream = io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise FileNotFoundError(errno.ENOENT, "no longer a file", str(path))
    return stream


class UntilStopped:
    """A stream that ends with an error when the service stops: looking through many GB must not keep it."""

    def __init__(self, stream: Readable, stopped: Stopped) -> None:
        self._stream = stream
        self._stopped = stopped

    def read(self, size: int, /) -> bytes:
        """Raises RetryableError."""
        if self._stopped():
            raise RetryableError("the service stops; the file is read by the next one to start")
        return self._stream.read(size)
