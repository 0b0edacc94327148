"""The bytes of a file that was read: in the archive, or where it was."""

import gzip
import zlib
from pathlib import Path


def kept(path: str | None, archived_as: str | None) -> bytes | None:
    """All of them; None where they are in neither place. Whether they are still the same, the digest says."""
    if archived_as is not None and Path(archived_as).is_file():
        return _unpacked(Path(archived_as))
    return Path(path).read_bytes() if path is not None and Path(path).is_file() else None


def _unpacked(place: Path) -> bytes | None:
    content = place.read_bytes()
    try:
        return gzip.decompress(content) if place.suffix == ".gz" else content
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return None
