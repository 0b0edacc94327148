"""Reading stands back while a disk is nearly full, and says so: what is read fills the database's disk."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from okr_common import metrics
from okr_common.logs import logger
from okr_ingest_csv.waiting import pause

log = logger(__name__)
LOOK_SECONDS = 2.0


def free_bytes(folder: Path) -> int | None:
    """Free bytes of the disk this folder lies on; None where that cannot be told."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


class Pressure:
    """Whoever reads asks here before each batch."""

    def __init__(
        self, folders: Sequence[Path], min_free_bytes: int, free: Callable[[Path], int | None] = free_bytes
    ) -> None:
        self._folders = folders
        self._min_free_bytes = min_free_bytes
        self._free = free
        self.reason: str | None = None

    async def eased(self, stop: asyncio.Event) -> None:
        """Returns when there is room, or it is time to stop."""
        while not stop.is_set():
            self._note(self._trouble())
            if self.reason is None:
                return
            await pause(stop, LOOK_SECONDS)

    def _trouble(self) -> str | None:
        for folder in self._folders:
            free = self._free(folder)
            if free is not None and free < self._min_free_bytes:
                return (
                    f"the disk of {folder} has {free:,} bytes free, and {self._min_free_bytes:,} are kept free "
                    "(ingest_csv.min_free_bytes): reading goes on by itself once there is room"
                )
        return None

    def _note(self, trouble: str | None) -> None:
        """Tells a change, once."""
        if (trouble is None) != (self.reason is None):
            log.warning("reading_paused" if trouble else "reading_resumed", reason=trouble or self.reason)
        self.reason = trouble
        metrics.READING_PAUSED.labels("disk").set(trouble is not None)
