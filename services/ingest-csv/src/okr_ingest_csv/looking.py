"""The disk: looking at paths, and looking through files. Runs in threads."""

import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from okr_ingest_csv.domain.content import Encodings, Inspection
from okr_ingest_csv.domain.discovery import Found, LeftAlone, Look, unfit
from okr_ingest_csv.domain.fingerprint import CHUNK_BYTES
from okr_ingest_csv.opening import Stopped, UntilStopped, open_file

LARGE_BYTES = 16_777_216
"""From so many bytes on (the index file_large begins there) a file may be one of those of its size, which are asked
for."""
OfSize = Callable[[int], Encodings]
"""The encodings of the files read before that have so many bytes."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A path and, if it is to be read, what it holds: `inspected` is None where it changed meanwhile."""

    found: Found
    inspected: tuple[Look, Inspection] | LeftAlone | None


def look_of(status: os.stat_result) -> Look:
    """The part of a stat result that tells a changed file."""
    return Look(status.st_size, status.st_mtime_ns, status.st_ino)


def find(path: Path, folder: Path, *, follow: bool = True) -> Found | None:
    """What stands at this path, None where nothing does.

    A link counts as what it leads to, unless it leads out of the folder or nowhere, or is not to be followed. What is
    reached over a folder that is a link leading out is out, too.
    """
    try:
        status = path.lstat()
        found = Found(str(path), look_of(status), status.st_mode)
        if path.parent != folder and not _inside(path.parent, folder):
            return replace(found, link_leaves=True)
    except OSError:
        return None
    return _led(path, folder, found, follow=follow) if stat.S_ISLNK(status.st_mode) else found


def _led(path: Path, folder: Path, link: Found, *, follow: bool) -> Found:
    """Where a link leads."""
    try:
        if not _inside(path, folder):
            return replace(link, link_leaves=True)
        if not follow:
            return link
        status = path.stat()
    except OSError:  # broken, or a ring
        return link
    return Found(link.path, look_of(status), status.st_mode)


def _inside(path: Path, folder: Path) -> bool:
    """Whether it really lies below the folder. Raises OSError where it leads nowhere."""
    try:
        return path.resolve(strict=True).is_relative_to(folder.resolve())
    except RuntimeError as error:  # a ring, as older Pythons tell it
        raise OSError(str(error)) from error


def look_through(
    path: Path,
    folder: Path,
    known: Callable[[str], Look | None],
    of_size: OfSize,
    *,
    max_bytes: int,
    stopped: Stopped,
) -> Looked | None:
    """Look at the path and through the whole file; None where nothing stands there, or nothing else than is known.

    Raises RetryableError where the service stops meanwhile.
    """
    found = find(path, folder)
    if found is None or found.look == known(found.path):
        return None
    return Looked(found, unfit(found, max_bytes) or _inspect(path, found.look, of_size, stopped))


def _inspect(path: Path, seen: Look, of_size: OfSize, stopped: Stopped) -> tuple[Look, Inspection] | LeftAlone | None:
    twins = of_size(seen.size) if seen.size >= LARGE_BYTES else {}
    read = _read(path, seen, Inspection(twins), stopped)
    unforeseen = isinstance(read, tuple) and read[1].unforeseen
    return _read(path, seen, Inspection(), stopped) if unforeseen else read


def _read(
    path: Path, seen: Look, inspection: Inspection, stopped: Stopped
) -> tuple[Look, Inspection] | LeftAlone | None:
    try:
        with open_file(path) as stream:
            before = look_of(os.fstat(stream.fileno()))
            if before.inode != seen.inode:  # another file, or a link, was put in its place since it was found fit
                return None
            all_of_it = UntilStopped(stream, stopped)
            while chunk := all_of_it.read(CHUNK_BYTES):
                inspection.feed(chunk)
            after = look_of(os.fstat(stream.fileno()))
    except FileNotFoundError:
        return None
    except PermissionError:
        return LeftAlone("no_permission", "this user may not read it; give it read permission")
    except OSError as error:
        return LeftAlone("cannot_read", f"{error.strerror}; it is tried again at each sweep")
    return (before, inspection) if before == after and before.size == inspection.fingerprint.bytes else None


def content(path: Path, max_bytes: int) -> bytes:
    """A small file's bytes, at most so many."""
    with open_file(path) as stream:
        return io.BufferedReader(stream).read(max_bytes)
