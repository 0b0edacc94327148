"""Which paths are files to take, and when a file counts as complete."""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class Look:
    """What the file system says of a path, the content apart."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Found:
    """A path as a folder's listing gives it. `mode` is that of the path itself, `target` where a link leads."""

    path: str
    look: Look
    mode: int
    link_leaves: bool = False


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Why a path is not read: a reason code and a sentence."""

    reason: str
    detail: str


def wanted(name: str, patterns: Sequence[str]) -> bool:
    """Whether a file of this name is looked at, upper and lower case alike; hidden ones never are.

    >>> wanted("Goals.CSV", ["*.csv"]), wanted(".goals.csv.part", ["*"]), wanted("notes.txt", ["*.csv"])
    (True, False, False)
    """
    return not name.startswith(".") and any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def unfit(found: Found) -> LeftAlone | None:
    """Why this path must not be opened, or None."""
    name = PurePath(found.path).name
    if not name.isprintable():
        return LeftAlone(
            "bad_name", "its name holds line breaks, control characters or bytes that are no text; rename it"
        )
    if found.link_leaves:
        return LeftAlone("link_outside", "it is a link that leads out of the watched folder; copy the file instead")
    if stat.S_ISLNK(found.mode):
        return LeftAlone("broken_link", "it is a link that leads nowhere; it is tried again at each sweep")
    if not stat.S_ISREG(found.mode):
        return LeftAlone("not_a_file", f"it is a {_kind(found.mode)}, not a file")
    return None


def storable(path: str) -> str:
    r"""A path as text that any program takes: bytes that are no UTF-8 are written out.

    >>> storable("goals\udcff.csv") == r"goals\udcff.csv"
    True
    """
    return path.encode("utf-8", "backslashreplace").decode()


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "named pipe", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device")


def complete(look: Look, former: tuple[Look, float] | None, now: float, stable_seconds: float) -> bool:
    """Whether nobody writes to the file any more, as far as one can tell without having seen it closed.

    `former` is an earlier look and when it was taken; times in seconds since 1970. A file last written that long ago
    is complete at first sight; one with a time in the future must be seen unchanged for that long.

    >>> old = Look(10, 5_000_000_000, 1)
    >>> complete(old, None, now=7.0, stable_seconds=2), complete(old, None, now=6.9, stable_seconds=2)
    (True, False)
    """
    if former is not None and former[0] == look and now - former[1] >= stable_seconds:
        return True
    return now - look.mtime_ns / 1e9 >= stable_seconds


def in_order(found: Mapping[str, Look]) -> list[str]:
    """The order in which the files of one sweep are claimed: oldest first, then by path."""
    return sorted(found, key=lambda path: (found[path].mtime_ns, path))
