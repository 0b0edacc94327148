"""Walking a watched folder: every path that may be a file to take, one after another. Runs in threads."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from okr_ingest_csv import looking
from okr_ingest_csv.domain.discovery import Found, LeftAlone, hidden, unfit_folder, wanted
from okr_ingest_csv.settings import Folder

MANIFEST = ".manifest"


@dataclass(frozen=True, slots=True)
class Met:
    """A path on the walk; with `left`, a folder that is not entered, and why."""

    found: Found
    left: LeftAlone | None = None


def walk(folder: Folder) -> Iterator[Met]:
    """What the folder holds, in no order. Raises OSError where the watched folder itself cannot be read.

    Nothing is held but the folders still to be entered, so that a folder may hold any number of files.
    """
    root, to_enter = folder.path, [str(folder.path)]
    while to_enter:
        here = to_enter.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    yield from _met(entry, folder, to_enter)
        except OSError as error:
            if here == str(root):
                raise
            yield from _closed(here, root, error)


def _met(entry: "os.DirEntry[str]", folder: Folder, to_enter: list[str]) -> Iterator[Met]:
    relative = entry.path[len(str(folder.path)) + 1 :]
    if hidden(relative):
        return
    if folder.recursive and _is_folder(entry):
        at = looking.find(Path(entry.path), folder.path, follow=False)
        left = unfit_folder(at) if at is not None else None
        if at is not None and left is not None:
            yield Met(at, left)
        else:
            to_enter.append(entry.path)
    elif wanted(relative, folder.include, folder.exclude) or _is_manifest(relative, folder):
        at = _find(entry, folder.path)
        if at is not None:
            yield Met(at)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Also of a link that leads to one."""
    try:
        return entry.is_dir()
    except OSError:  # a ring of links
        return False


def _is_manifest(relative: str, folder: Folder) -> bool:
    return folder.complete == "manifest" and relative.endswith(MANIFEST)


def _find(entry: "os.DirEntry[str]", root: Path) -> Found | None:
    """As looking.find, but cheaper: that no folder on the way is a link is known here."""
    if entry.is_symlink():
        return looking.find(Path(entry.path), root)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return Found(entry.path, looking.look_of(status), status.st_mode)


def _closed(here: str, root: Path, error: OSError) -> Iterator[Met]:
    """A folder that cannot be read, or that went away meanwhile."""
    at = looking.find(Path(here), root)
    if at is None:
        return
    if isinstance(error, PermissionError):
        yield Met(at, LeftAlone("no_permission", "this user may not look into this folder; give it r and x"))
    else:
        yield Met(at, LeftAlone("cannot_read", f"{error.strerror}; it is tried again at each sweep"))
