"""The disk side of the archive: moving or packing a file, and only if it still is the one that was read.

Each step leaves either the file where it was, or the whole of it in the archive, or both; so a crash anywhere is mended
by doing it again. Runs in threads.
"""

import errno
import gzip
import hashlib
import os
import stat
import time
from pathlib import Path
from typing import BinaryIO, Literal, cast
from uuid import uuid4
from zlib import error as ZlibError  # noqa: N812 - it is a class

from okr_common import crash
from okr_ingest_csv.domain.archiving import GZIP, Read, target
from okr_ingest_csv.domain.discovery import Look
from okr_ingest_csv.looking import look_of

CHUNK = 1024 * 1024
PART = ".part"
PARTS_KEPT_SECONDS = 86_400


def put_away(read: Read, folder: Path, after: Literal["move", "gzip"]) -> Path | None:
    """Where the file is now; None where its path holds something else, or nothing. Raises OSError."""
    place = target(folder, read, after)
    if os.path.lexists(place) and not _holds(place, read.sha256):
        place = target(folder, read, after, taken=True)
    there = os.path.lexists(place) and _holds(place, read.sha256)
    here = _look(read.path)
    if here is None:
        return place if there else None
    if here != read.look:
        return None
    if not there and not _put(read, place, after):
        return None
    crash.point("archived_before_removal")
    if _look(read.path) == read.look:
        read.path.unlink()
    crash.point("archived_before_told")
    return place


def sweep_parts(folder: Path) -> None:
    """Removes what was being packed when a process was killed."""
    for part in folder.glob(f"*/.*{PART}"):
        if time.time() - part.stat().st_mtime > PARTS_KEPT_SECONDS:
            part.unlink(missing_ok=True)


def _look(path: Path) -> Look | None:
    """Of the file itself; a link is none."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return look_of(status) if stat.S_ISREG(status.st_mode) else Look(-1, -1, -1)


def _put(read: Read, place: Path, after: Literal["move", "gzip"]) -> bool:
    place.parent.mkdir(parents=True, exist_ok=True)
    if after == "move":
        try:
            return _move(read, place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
    return _copy(read, place)


def _move(read: Read, place: Path) -> bool:
    """A rename; taken back where another file had come to the path meanwhile."""
    read.path.rename(place)
    if _look(place) == read.look:
        _keep_names(place.parent, read.path.parent)
        return True
    read.path.hardlink_to(place)  # fails, and keeps both, where yet another has come
    place.unlink()
    return False


def _copy(read: Read, place: Path) -> bool:
    """A packed or plain copy of the very bytes that were read; it appears as a whole."""
    part = place.with_name(f".{uuid4().hex}{PART}")
    try:
        with _open(read.path) as source, part.open("xb") as stream:
            same = look_of(os.fstat(source.fileno())) == read.look and _pump(source, stream, place) == read.sha256
            stream.flush()
            os.fsync(stream.fileno())
        if same:
            part.rename(place)
            _keep_names(place.parent)
        return same
    finally:
        part.unlink(missing_ok=True)


def _pump(source: BinaryIO, stream: BinaryIO, place: Path) -> bytes:
    """Writes it all; gives the digest of what was read."""
    digest = hashlib.sha256()
    packed = gzip.GzipFile("", "wb", 6, stream, mtime=0) if place.suffix == GZIP else None
    sink = packed or stream
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        sink.write(chunk)
    if packed is not None:
        packed.close()
    return digest.digest()


def _open(path: Path) -> BinaryIO:
    """Never a link, and never a pipe that would keep the reader waiting."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def _holds(place: Path, sha256: bytes) -> bool:
    """Whether these bytes stand there, whole."""
    digest = hashlib.sha256()
    try:
        with cast("BinaryIO", gzip.open(place) if place.suffix == GZIP else place.open("rb")) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except (EOFError, ZlibError, gzip.BadGzipFile, IsADirectoryError):
        return False
    return digest.digest() == sha256


def _keep_names(*folders: Path) -> None:
    """Safe against a loss of power."""
    for folder in folders:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(at)
        finally:
            os.close(at)
