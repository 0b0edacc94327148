"""The sweep: finds in the folders what nobody announced. Right even if every notification was lost."""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_ingest_csv.announced import Announced
from okr_ingest_csv.domain.discovery import Found, LeftAlone, Look, complete, in_order, spellings, storable
from okr_ingest_csv.intake import Intake
from okr_ingest_csv.settings import Folder, IngestCsvSettings
from okr_ingest_csv.store import Store
from okr_ingest_csv.waiting import pause_unless
from okr_ingest_csv.walk import MANIFEST, Met, walk

log = logger(__name__)
LOOK_AGAIN_SECONDS = 0.5
CHUNK = 2_000
"""Paths compared with the database at once: all that a sweep with nothing new holds of a folder."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep saw: names that fit, how many of them are new or changed, and how many are still being written.

    `waiting` have no .done file or manifest yet, in folders that ask for one.
    """

    seen: int
    offered: int
    unsettled: int
    waiting: int = 0


@dataclass
class Sight:
    """What a sweep has seen so far: counts, and the paths that look other than they did."""

    seen: int = 0
    waiting: int = 0
    new: dict[str, tuple[Look, Folder]] = field(default_factory=dict)
    unsettled: dict[str, Look] = field(default_factory=dict)
    left: list[tuple[Found, LeftAlone]] = field(default_factory=list)


class Sweeper:
    """Looks into all folders; files still being written are looked at again until they rest."""

    def __init__(self, store: Store, intake: Intake, settings: IngestCsvSettings) -> None:
        self._store = store
        self._intake = intake
        self._settings = settings
        self._unsettled: dict[str, tuple[Look, float]] = {}
        self._unreadable: dict[Path, str] = {}
        self._one_at_a_time = asyncio.Lock()
        self._woken = asyncio.Event()
        self.last: Swept | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Sweeps at once, then every rescan_seconds or when woken, more often while a file is still being written."""
        while not stop.is_set():
            self._woken.clear()
            began = time.monotonic()
            await until_done("sweep", self.sweep, stop)
            soon = max(LOOK_AGAIN_SECONDS, 2 * (time.monotonic() - began))  # a large folder must not keep a core busy
            rescan = self._settings.rescan_seconds
            await pause_unless(self._woken, stop, min(soon, rescan) if self._unsettled else rescan)

    def wake(self) -> None:
        """Look soon: something happened that the live watch cannot tell file by file."""
        self._woken.set()

    async def sweep(self) -> Swept:
        """One pass. When it returns, every complete file in the folders is claimed or left alone with a reason."""
        async with self._one_at_a_time:
            sight = Sight()
            for folder in self._settings.watched:
                await self._look_into(folder, sight)
            for found, why in sight.left:
                await self._intake.leave_alone(found, why)
            offered = await self._offer(sight)
            self.last = Swept(sight.seen, offered, len(self._unsettled), sight.waiting)
            return self.last

    async def _look_into(self, folder: Folder, sight: Sight) -> None:
        await self._forget_what_passed(folder)
        announced = Announced(folder, partial(self._rests, time.time()))
        walking = walk(folder)
        try:
            while chunk := await asyncio.to_thread(_next, walking):
                known = await self._store.known([storable(met.found.path) for met in chunk])
                await asyncio.to_thread(_sort, chunk, known, folder, announced, sight)
            self._unreadable.pop(folder.path, None)
        except OSError as error:
            self._cannot_read(folder, error)
        sight.left += announced.left
        sight.unsettled |= announced.unsettled

    async def _forget_what_passed(self, folder: Folder) -> None:
        """Paths that were left alone and are gone, or mended without a look of their own changing."""
        after = ""
        while page := await self._store.left_alone_below(folder.path, after):
            passed = await asyncio.to_thread(_passed, page)
            if passed:
                await self._store.forget(passed)
            after = page[-1][0]

    def _rests(self, now: float, path: str, look: Look) -> bool:
        return complete(look, self._unsettled.get(path), now, self._settings.stable_seconds)

    def _cannot_read(self, folder: Folder, error: OSError) -> None:
        """Said once, not at each sweep."""
        if self._unreadable.get(folder.path) != str(error):
            self._unreadable[folder.path] = str(error)
            log.warning("folder_cannot_be_read", folder=str(folder.path), error=str(error))

    async def _offer(self, sight: Sight) -> int:
        """Offers what is complete and waits until it is dealt with; the rest is looked at again. Returns how many."""
        now = time.time()
        former, self._unsettled = self._unsettled, {}
        offers = []
        for path in in_order({path: look for path, (look, _) in sight.new.items()}):
            look, folder = sight.new[path]
            at_rest = folder.complete != "rest" or complete(look, former.get(path), now, self._settings.stable_seconds)
            if at_rest:
                offers.append((path, look, self._intake.offer(Path(path), folder.path, folder.source)))
            else:
                self._unsettled[path] = _since(former.get(path), look, now)
        for path, look in sight.unsettled.items():
            self._unsettled[path] = _since(former.get(path), look, now)
        for path, look, dealt_with in offers:
            if not await dealt_with:
                self._unsettled[path] = (look, now)
        return len(offers)


def _since(former: tuple[Look, float] | None, look: Look, now: float) -> tuple[Look, float]:
    """Since when the path looks as it does."""
    return former if former is not None and former[0] == look else (look, now)


def _next(walking: Iterator[Met]) -> list[Met]:
    return list(islice(walking, CHUNK))


def _sort(chunk: list[Met], known: Mapping[str, Look], folder: Folder, announced: Announced, sight: Sight) -> None:
    """What was met is seen, new, waiting, or left alone."""
    for met in chunk:
        path, look = met.found.path, met.found.look
        if met.left is not None:
            sight.left.append((met.found, met.left))
        elif folder.complete == "manifest" and path.endswith(MANIFEST):
            announced.named_in(Path(path).parent)
        else:
            sight.seen += 1
            if known.get(storable(path)) != look:
                if folder.complete == "rest" or announced.has(Path(path)):
                    sight.new[path] = (look, folder)
                else:
                    sight.waiting += 1


def _passed(page: list[tuple[str, Look, str]]) -> list[str]:
    return [path for path, look, reason in page if not any(_still(one, look, reason) for one in spellings(path))]


def _still(path: str, look: Look, reason: str) -> bool:
    """Whether what was left alone may still be so: it is there and, where the scan tells no change, unchanged."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    if os.path.isdir(path) and reason in {"no_permission", "cannot_read"}:  # noqa: PTH112 - a bare string
        return not os.access(path, os.R_OK | os.X_OK)
    return reason != "bad_manifest" or (status.st_size, status.st_mtime_ns) == (look.size, look.mtime_ns)
