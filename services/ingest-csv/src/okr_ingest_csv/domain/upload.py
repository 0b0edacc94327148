"""Where an uploaded file is put, and under which names it is taken."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from okr_common.errors import PermanentError
from okr_common.uploaded import sent_as
from okr_ingest_csv.domain.discovery import printable, wanted

NAME_BYTES = 180
"""Of the 255 that file systems allow; the rest is for what is put before it."""
NO_SOURCE = "_"
NO_TEXT = "\ufffd"
"""What HTTP makes of bytes in a name that are no UTF-8."""


def checked_name(name: str, patterns: Sequence[str]) -> str:
    """The name, if a file may be called so. Raises PermanentError("bad_name").

    >>> checked_name("Ziele März.csv", ["*.csv"])
    'Ziele März.csv'
    """
    if "/" in name or "\\" in name:
        why = "it holds a slash; leave the folders away"
    elif not printable(name) or NO_TEXT in name:
        why = "it holds line breaks, control characters or bytes that are no text"
    elif len(name.encode()) > NAME_BYTES:
        why = f"it is longer than {NAME_BYTES} bytes; shorten it"
    elif not wanted(name, patterns):
        why = f"files are taken by the names {', '.join(patterns)} (ingest_csv.patterns), hidden ones never; rename it"
    else:
        return name
    raise PermanentError("bad_name", f"name {name[:NAME_BYTES]!r}: {why}")


def place(folder: Path, source: str | None, name: str, at: datetime, token: str) -> Path:
    """Where the file is put, so that two of one name never replace each other. `at` is UTC; `token` 8 hex digits.

    The source's folder makes it known as that source's, also to a sweep after a crash.

    >>> str(place(Path("up"), None, "a.csv", datetime(2026, 3, 1, 9), "0123abcd"))
    'up/_/20260301T090000Z-0123abcd-a.csv'
    """
    return folder / (source or NO_SOURCE) / f"{at:%Y%m%dT%H%M%SZ}-{token}-{name}"


def is_upload(name: str) -> bool:
    """Whether `place` named this file: others that lie beside it are not ours to remove."""
    return sent_as(name) is not None
