"""The live watch: a file that is closed after writing, or moved in, is offered at once.

inotify tells both apart from a file that is still open. Where there is no inotify (not Linux, some network and
container mounts) the sweep finds the files a little later.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver, ObservedWatch

from okr_common.logs import logger
from okr_ingest_csv.announced import DONE, Announced
from okr_ingest_csv.domain.discovery import Look, complete, hidden, wanted
from okr_ingest_csv.settings import Folder, IngestCsvSettings
from okr_ingest_csv.waiting import pause
from okr_ingest_csv.walk import MANIFEST

log = logger(__name__)
LOOK_AFTER_SECONDS = 5.0
"""How often the watch looks whether its folders are still the ones it watches."""


class Takes(Protocol):
    """Whoever takes complete files."""

    def offer(self, path: Path, folder: Path, hint: str | None = None, /) -> "asyncio.Future[bool]":
        """Take this file in its turn."""
        ...


class Watch:
    """Watches the folders; one that is missing is made, one that was replaced is watched anew.

    `sweep` is asked to look where a folder came in, for files may have come with it.
    """

    def __init__(self, intake: Takes, settings: IngestCsvSettings, sweep: Callable[[], None] = lambda: None) -> None:
        self._intake = intake
        self._settings = settings
        self._sweep = sweep
        self._watched: dict[Path, tuple[ObservedWatch, int]] = {}
        self._trouble: dict[Path, str] = {}
        self._observer = _observer()

    def begin(self) -> None:
        """Watch from now on; what was there before is the sweep's. Call it on the event loop."""
        loop = asyncio.get_running_loop()
        for folder in self._settings.watched:
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

    def _ensure(self, folder: Folder, loop: asyncio.AbstractEventLoop) -> None:
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            inode = folder.path.stat().st_ino
            if self._observer is None or self._is_watched(self._observer, folder.path, inode):
                return
            if folder.path in self._watched:
                self._observer.unschedule(self._watched.pop(folder.path)[0])
            self._watched[folder.path] = (self._schedule(self._observer, folder, loop), inode)
            self._trouble.pop(folder.path, None)
            log.info("watching", folder=str(folder.path), recursive=folder.recursive)
        except OSError as error:
            self._cannot_watch(folder, error)

    def _schedule(self, observer: BaseObserver, folder: Folder, loop: asyncio.AbstractEventLoop) -> ObservedWatch:
        def sweep() -> None:
            loop.call_soon_threadsafe(self._sweep)

        seen = _Seen(loop, lambda path: self._intake.offer(path, folder.path, folder.source))
        handler = _Handler(folder, self._settings.stable_seconds, seen.add, sweep)
        folders = [DirCreatedEvent, DirMovedEvent] if folder.recursive else []
        events = [FileClosedEvent, FileMovedEvent, *folders]
        return observer.schedule(handler, str(folder.path), recursive=folder.recursive, event_filter=events)

    def _cannot_watch(self, folder: Folder, error: OSError) -> None:
        """Said once, not at each look."""
        if self._trouble.get(folder.path) != str(error):
            self._trouble[folder.path] = str(error)
            log.warning("folder_cannot_be_watched", folder=str(folder.path), error=str(error))

    def _is_watched(self, observer: BaseObserver, folder: Path, inode: int) -> bool:
        """A folder that was deleted ends its emitter; one that was moved away leaves another in its place."""
        watched, known = self._watched.get(folder, (None, None))
        return known == inode and any(one.watch == watched and one.is_alive() for one in observer.emitters)


class _Seen:
    """Paths seen in the observer's thread, taken on the event loop: it is woken once for all that wait for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[Path], object]) -> None:
        self._loop = loop
        self._take = take
        self._paths: list[Path] = []
        self._lock = threading.Lock()

    def add(self, path: Path) -> None:
        """Have it taken soon."""
        with self._lock:
            self._paths.append(path)
            first = len(self._paths) == 1
        if first:
            self._loop.call_soon_threadsafe(self._take_all)

    def _take_all(self) -> None:
        with self._lock:
            paths, self._paths = self._paths, []
        for path in paths:
            self._take(path)


class _Handler(FileSystemEventHandler):
    """Called in the observer's thread."""

    def __init__(
        self, folder: Folder, stable_seconds: float, offer: Callable[[Path], None], sweep: Callable[[], None]
    ) -> None:
        self._folder = folder
        self._stable_seconds = stable_seconds
        self._offer = offer
        self._sweep = sweep

    def on_closed(self, event: FileSystemEvent) -> None:
        """A file that was open for writing was closed."""
        self._seen(event.src_path)

    def on_moved(self, event: FileSystemEvent) -> None:
        """Something was renamed, or moved in or out; of what was moved out there is no new path."""
        if event.dest_path and event.is_directory:
            self._sweep()
        elif event.dest_path:
            self._seen(event.dest_path)

    def on_created(self, event: FileSystemEvent) -> None:
        """A folder was made; what was put into it before it was watched, the sweep sees."""
        if event.is_directory:
            self._sweep()

    def _seen(self, name: bytes | str) -> None:
        path = Path(name if isinstance(name, str) else name.decode("utf-8", "surrogateescape"))
        folder = self._folder.path
        if path.parent == folder or (self._folder.recursive and path.is_relative_to(folder)):
            for one in self._complete_now(path):
                if wanted(str(one.relative_to(folder)), self._folder.include, self._folder.exclude):
                    self._offer(one)

    def _complete_now(self, path: Path) -> Iterator[Path]:
        """The files that are complete because this one is."""
        if self._folder.complete == "rest":
            yield path
        elif self._folder.complete == "done_file" and path.name.endswith(DONE):
            yield path.with_name(path.name.removesuffix(DONE))
        elif self._folder.complete == "manifest" and path.name.endswith(MANIFEST) and not hidden(path.name):
            announced = Announced(self._folder, lambda other, _: other == str(path))
            yield from sorted(announced.named_in(path.parent))
        elif Announced(self._folder, self._rests).has(path):
            yield path

    def _rests(self, _: str, look: Look) -> bool:
        return complete(look, None, time.time(), self._stable_seconds)


def _observer() -> BaseObserver | None:
    if sys.platform != "linux":
        log.warning("no_live_watch", detail="only Linux tells when a file is closed; files are found by the sweep")
        return None
    from watchdog.observers.inotify import InotifyObserver  # noqa: PLC0415 - exists on Linux only

    observer = InotifyObserver(generate_full_events=True)
    observer.start()
    return observer
