"""Which paths are files to take, and when a file counts as complete."""

import re
import stat
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath

UNDECIDED = ("no_permission", "cannot_read", "broken_link", "file_too_large")
"""Left alone for a reason that may pass although the path looks the same: looked at again at each sweep."""
NO_TEXT = re.compile(r"\\udc([89a-f][0-9a-f])")


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


def wanted(relative: str, include: Sequence[str], exclude: Sequence[str] = ()) -> bool:
    """Whether a file is looked at, by its path below the folder, upper and lower case alike.

    A pattern with a slash is held against the whole path below the folder, one without against the name. Whatever is
    hidden, or lies in a hidden folder, never is.

    >>> wanted("Goals.CSV", ["*.csv"]), wanted(".goals.csv.part", ["*"]), wanted("notes.txt", ["*.csv"])
    (True, False, False)
    >>> wanted("2026/goals.csv", ["*.csv"]), wanted(".git/goals.csv", ["*.csv"]), wanted("old/a.csv", ["*"], ["old/*"])
    (True, False, False)
    """
    return not hidden(relative) and _fits(relative, include) and not _fits(relative, exclude)


def hidden(relative: str) -> bool:
    """Whether a name on the path below the folder begins with a dot."""
    return relative.startswith(".") or "/." in relative


def _fits(relative: str, patterns: Sequence[str]) -> bool:
    lower = relative.lower()
    name = lower.rpartition("/")[2]
    return any(fnmatchcase(lower if "/" in pattern else name, pattern.lower()) for pattern in patterns)


def unfit(found: Found, max_bytes: int) -> LeftAlone | None:
    """Why this path must not be opened, or None."""
    if not printable(found.path):
        return LeftAlone(
            "bad_name",
            "its name, or that of a folder on the way to it, holds line breaks, control characters or bytes that are "
            "no text; rename it",
        )
    if found.link_leaves:
        return LeftAlone("link_outside", "it is a link that leads out of the watched folder; copy the file instead")
    if stat.S_ISLNK(found.mode):
        return LeftAlone("broken_link", "it is a link that leads nowhere; it is tried again at each sweep")
    if not stat.S_ISREG(found.mode):
        return LeftAlone("not_a_file", f"it is a {_kind(found.mode)}, not a file")
    if found.look.size > max_bytes:
        return LeftAlone(
            "file_too_large",
            f"it has {found.look.size:,} bytes, more than ingest_csv.max_file_bytes = {max_bytes:,}; "
            "split it or raise the limit",
        )
    return None


def unfit_folder(found: Found) -> LeftAlone | None:
    """Why this folder below a watched one is not entered, or None. A link never is, so that no ring can be one."""
    if found.link_leaves:
        return LeftAlone("link_outside", "it is a link to a folder outside the watched one; watch that folder instead")
    if stat.S_ISLNK(found.mode):
        return LeftAlone("link_to_folder", "it is a link to a folder; files are taken where they really are")
    if not printable(found.path):
        return LeftAlone(
            "bad_name", "its name holds line breaks, control characters or bytes that are no text; rename it"
        )
    return None


def printable(path: str) -> bool:
    """Spaces of other widths are harmless, and some systems write them into names."""
    return all(one.isprintable() or unicodedata.category(one) == "Zs" for one in path)


def storable(path: str) -> str:
    r"""A path as text that any program takes: bytes that are no UTF-8 are written out.

    >>> storable("goals\udcff.csv") == r"goals\udcff.csv"
    True
    """
    return path.encode("utf-8", "backslashreplace").decode()


def spellings(stored: str) -> tuple[str, ...]:
    r"""The paths that `storable` may have written so.

    >>> spellings("goals.csv"), spellings(r"b\udcff.csv")
    (('goals.csv',), ('b\\udcff.csv', 'b\udcff.csv'))
    """
    decoded = NO_TEXT.sub(lambda found: chr(0xDC00 + int(found[1], 16)), stored)
    return (stored,) if decoded == stored else (stored, decoded)


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


def named_by(manifest: bytes) -> tuple[tuple[str, ...], LeftAlone | None]:
    r"""The relative names on the lines of a manifest, and what is wrong with the others.

    >>> named_by(b"a.csv\r\n\nsub/b.csv\n")
    (('a.csv', 'sub/b.csv'), None)
    >>> named_by(b"a.csv\n../b.csv\n")[1].detail[:39]
    "line 2 names '../b.csv', which is no na"
    """
    try:
        lines = manifest.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        return (), LeftAlone("bad_manifest", f"it is no UTF-8 from byte {error.start} on; write it as UTF-8")
    named = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    bad = next(((number, name) for number, name in named if not _below(name)), None)
    good = tuple(str(PurePath(name)) for _, name in named if _below(name))
    return good, bad and LeftAlone(
        "bad_manifest",
        f"line {bad[0]} names {bad[1]!r}, which is no name below this folder; write one relative name per line",
    )


def _below(name: str) -> bool:
    path = PurePath(name)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in name


def in_order(found: Mapping[str, Look]) -> list[str]:
    """The order in which the files of one sweep are claimed: oldest first, then by path."""
    return sorted(found, key=lambda path: (found[path].mtime_ns, path))
