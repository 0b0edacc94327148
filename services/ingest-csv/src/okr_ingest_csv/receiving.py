"""The disk side of uploads: a hidden part file becomes, when it is whole and safe, a file in the upload folder."""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator
from io import FileIO
from pathlib import Path
from uuid import uuid4

from okr_common.errors import OkrError

PART = ".part"
PARTS_KEPT_SECONDS = 86_400
LOOK_AT_DISK_EVERY = 16 * 1024 * 1024


class TooLargeError(OkrError):
    """More bytes than are taken."""


class NoSpaceError(OkrError):
    """The disk of the upload folder has not enough free space."""


class Receiving:
    """Writes what comes in. `max_bytes` bounds one upload; the disk keeps `min_free_bytes` free."""

    def __init__(self, folder: Path, max_bytes: int, min_free_bytes: int) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._min_free_bytes = min_free_bytes

    def sweep_parts(self) -> None:
        """Removes what uploads of former days left behind: those whose process was killed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in self.folder.glob(f".*{PART}"):
            if time.time() - part.stat().st_mtime > PARTS_KEPT_SECONDS:
                part.unlink(missing_ok=True)

    def must_have_room(self, more_bytes: int) -> None:
        """Raises TooLargeError or NoSpaceError, with what to do."""
        if more_bytes > self._max_bytes:
            raise TooLargeError(
                f"an upload may have {self._max_bytes:,} bytes (ingest_csv.max_upload_bytes); split the file, or put "
                "it into a watched folder"
            )
        disk = os.statvfs(self.folder)
        free = disk.f_bavail * disk.f_frsize
        if free - more_bytes < self._min_free_bytes:
            raise NoSpaceError(
                f"the disk of {self.folder} has {free:,} bytes free, and {self._min_free_bytes:,} are kept free "
                "(ingest_csv.min_free_bytes); make room and send it again"
            )

    async def receive(self, chunks: AsyncIterator[bytes], path: Path) -> None:
        """Writes the chunks, one at a time, to the path; it is there only as a whole. What fails leaves nothing."""
        part = self.folder / f".{uuid4().hex}{PART}"
        try:
            await self._write(chunks, part)
            await asyncio.to_thread(_reveal, part, path)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise NoSpaceError(f"the disk of {self.folder} is full; make room and send it again") from error
            raise
        finally:
            part.unlink(missing_ok=True)

    async def _write(self, chunks: AsyncIterator[bytes], part: Path) -> None:
        written = looked = 0
        with part.open("xb", buffering=0) as stream:
            async for chunk in chunks:
                written += len(chunk)
                if written > self._max_bytes or written - looked >= LOOK_AT_DISK_EVERY:
                    self.must_have_room(written if written > self._max_bytes else 0)
                    looked = written
                await asyncio.to_thread(_write_all, stream, chunk)
            await asyncio.to_thread(os.fsync, stream.fileno())


def _write_all(stream: FileIO, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[stream.write(rest) :]


def _reveal(part: Path, path: Path) -> None:
    """The rename, safe against a loss of power: the names too are on disk."""
    path.parent.mkdir(exist_ok=True)
    part.rename(path)
    for folder in (path.parent, path.parent.parent):
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(at)
        finally:
            os.close(at)
