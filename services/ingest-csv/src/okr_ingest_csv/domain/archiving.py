"""Where a file goes that was read to its end."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from okr_ingest_csv.domain.discovery import Look

NAME_BYTES = 180
"""Of the 255 that file systems allow."""
GZIP = ".gz"


@dataclass(frozen=True, slots=True)
class Read:
    """A path, the look it had, and the file that was read from it."""

    path: Path
    look: Look
    file_id: int
    source: str
    sha256: bytes


def target(folder: Path, read: Read, after: Literal["move", "gzip"], *, taken: bool = False) -> Path:
    """The place in the archive; with `taken`, another one, for there stands something else, of another database say.

    >>> read = Read(Path("in/goals.csv"), Look(1, 1, 1), 7, "jira", bytes.fromhex("a1b2c3d4e5f6"))
    >>> str(target(Path("old"), read, "gzip")), str(target(Path("old"), read, "move", taken=True))
    ('old/jira/7-goals.csv.gz', 'old/jira/7-a1b2c3d4e5f6-goals.csv')
    """
    name = read.path.name.encode()[-NAME_BYTES:].decode(errors="ignore")
    apart = f"{read.sha256[:6].hex()}-" if taken else ""
    return folder / read.source / f"{read.file_id}-{apart}{name}{GZIP if after == 'gzip' else ''}"
