"""The live watch: a file that is closed after writing, or moved in, is offered at once.

inotify tells both apart from a file that is still open. Where there is no inotify (not Linux, some network and
container mounts) the sweep finds the files a little later.
"""

import asyncio
import sys
from pathlib import Path
from typing import Protocol

from watchdog.events import FileClosedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers.api import BaseObserver, ObservedWatch

from okr_common.logs import logger
from okr_ingest_csv.domain.discovery import wanted
from okr_ingest_csv.settings import IngestCsvSettings
from okr_ingest_csv.waiting import pause

log = logger(__name__)
LOOK_AFTER_SECONDS = 5.0
"""How often the watch looks whether its folders are still the ones it watches."""


class Takes(Protocol):
    """Whoever takes complete files."""

    def offer(self, path: Path, folder: Path) -> "asyncio.Future[bool]":
        """Take this file in its turn."""
        ...


class Watch:
    """Watches the folders; one that is missing is made, one that was replaced is watched anew."""

    def __init__(self, intake: Takes, settings: IngestCsvSettings) -> None:
        self._intake = intake
        self._patterns = settings.patterns
        self._folders = [folder.absolute() for folder in settings.folders]
        self._watched: dict[Path, tuple[ObservedWatch, int]] = {}
        self._observer = _observer()

    def begin(self) -> None:
        """Watch from now on; what was there before is the sweep's. Call it on the event loop."""
        loop = asyncio.get_running_loop()
        for folder in self._folders:
            self._ensure(folder, loop)

    async def run(self, stop: asyncio.Event) -> None:
        """Watches until stopped."""
        try:
            while not stop.is_set():
                self.begin()
                await pause(stop, LOOK_AFTER_SECONDS)
        finally:
            if self._observer is not None:
                self._observer.stop()
                await asyncio.to_thread(self._observer.join)

    def _ensure(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            inode = folder.stat().st_ino
            if self._observer is None or self._is_watched(self._observer, folder, inode):
                return
            if folder in self._watched:
                self._observer.unschedule(self._watched.pop(folder)[0])
            handler = _Handler(self._intake, self._patterns, folder, loop)
            watched = self._observer.schedule(handler, str(folder), event_filter=[FileClosedEvent, FileMovedEvent])
            self._watched[folder] = (watched, inode)
            log.info("watching", folder=str(folder))
        except OSError as error:
            log.warning("folder_cannot_be_watched", folder=str(folder), error=str(error))

    def _is_watched(self, observer: BaseObserver, folder: Path, inode: int) -> bool:
        """A folder that was deleted ends its emitter; one that was moved away leaves another in its place."""
        watched, known = self._watched.get(folder, (None, None))
        return known == inode and any(one.watch == watched and one.is_alive() for one in observer.emitters)


class _Handler(FileSystemEventHandler):
    """Called in the observer's thread; speaks to the event loop."""

    def __init__(self, intake: Takes, patterns: tuple[str, ...], folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._intake = intake
        self._patterns = patterns
        self._folder = folder
        self._loop = loop

    def on_closed(self, event: FileSystemEvent) -> None:
        """A file that was open for writing was closed."""
        self._offer(event.src_path)

    def on_moved(self, event: FileSystemEvent) -> None:
        """A file was renamed, or moved in or out; of one moved out there is no new path."""
        self._offer(event.dest_path)

    def _offer(self, name: bytes | str) -> None:
        path = Path(name if isinstance(name, str) else name.decode("utf-8", "surrogateescape"))
        if wanted(path.name, self._patterns) and path.parent == self._folder:
            self._loop.call_soon_threadsafe(self._intake.offer, path, self._folder)


def _observer() -> BaseObserver | None:
    if sys.platform != "linux":
        log.warning("no_live_watch", detail="only Linux tells when a file is closed; files are found by the sweep")
        return None
    from watchdog.observers.inotify import InotifyObserver  # noqa: PLC0415 - exists on Linux only

    observer = InotifyObserver(generate_full_events=True)
    observer.start()
    return observer
