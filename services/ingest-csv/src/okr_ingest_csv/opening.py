"""Opening a file to read it."""

import errno
import io
import os
import stat
from pathlib import Path


def open_file(path: Path) -> io.FileIO:
    """Open a regular file; a pipe put in its place meanwhile must not block the reader."""
    stream = io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise FileNotFoundError(errno.ENOENT, "no longer a file", str(path))
    return stream
