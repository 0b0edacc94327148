"""The disk: looking at paths, and looking through files. Runs in threads."""

import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from okr_ingest_csv.domain.content import HEAD_BYTES, Inspection
from okr_ingest_csv.domain.discovery import Found, LeftAlone, Look, unfit


@dataclass(frozen=True, slots=True)
class Looked:
    """A path and, if it is to be read, what it holds: `inspected` is None where it changed meanwhile."""

    found: Found
    inspected: tuple[Look, Inspection] | LeftAlone | None


def look_of(status: os.stat_result) -> Look:
    """The part of a stat result that tells a changed file."""
    return Look(status.st_size, status.st_mtime_ns, status.st_ino)


def find(path: Path, folder: Path) -> Found | None:
    """What stands at this path, None where nothing does.

    A link counts as what it leads to, unless it leads out of the folder or nowhere.
    """
    try:
        status = path.lstat()
    except OSError:
        return None
    found = Found(str(path), look_of(status), status.st_mode)
    if not stat.S_ISLNK(status.st_mode):
        return found
    try:
        target = path.resolve(strict=True)
        if not target.is_relative_to(folder.resolve()):
            return replace(found, link_leaves=True)
        status = target.stat()
    except (OSError, RuntimeError):  # broken, or a ring
        return found
    return Found(str(path), look_of(status), status.st_mode)


def look_through(path: Path, folder: Path, known: Callable[[str], Look | None]) -> Looked | None:
    """Look at the path and through the whole file; None where nothing stands there, or nothing else than is known."""
    found = find(path, folder)
    if found is None or found.look == known(found.path):
        return None
    return Looked(found, unfit(found) or _inspect(path))


def _inspect(path: Path) -> tuple[Look, Inspection] | LeftAlone | None:
    inspection = Inspection()
    try:
        with open_file(path) as stream:
            before = look_of(os.fstat(stream.fileno()))
            while chunk := stream.read(HEAD_BYTES):
                inspection.feed(chunk)
            after = look_of(os.fstat(stream.fileno()))
    except FileNotFoundError:
        return None
    except PermissionError:
        return LeftAlone("no_permission", "this user may not read it; give it read permission")
    except OSError as error:
        return LeftAlone("cannot_read", f"{error.strerror}; it is tried again at each sweep")
    return (before, inspection) if before == after and before.size == inspection.fingerprint.bytes else None


def open_file(path: Path) -> io.FileIO:
    """Open a regular file; a pipe put in its place meanwhile must not block the reader."""
    stream = io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise FileNotFoundError(f"{path} is no longer a file")
    return stream
