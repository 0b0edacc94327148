"""The sweep: finds in the folders what nobody announced. Right even if every notification was lost."""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_ingest_csv import looking
from okr_ingest_csv.domain.discovery import Look, complete, in_order, storable, wanted
from okr_ingest_csv.intake import Intake
from okr_ingest_csv.settings import IngestCsvSettings
from okr_ingest_csv.store import Store
from okr_ingest_csv.waiting import pause

log = logger(__name__)
LOOK_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep saw: names that fit, how many of them are new or changed, and how many are still being written."""

    seen: int
    offered: int
    unsettled: int


class Sweeper:
    """Looks into all folders; files still being written are looked at again until they rest."""

    def __init__(self, store: Store, intake: Intake, settings: IngestCsvSettings) -> None:
        self._store = store
        self._intake = intake
        self._settings = settings
        self._folders = [folder.absolute() for folder in settings.folders]
        self._unsettled: dict[str, tuple[Look, float]] = {}
        self._one_at_a_time = asyncio.Lock()
        self.last: Swept | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Sweeps at once, then every rescan_seconds, and more often while a file is still being written."""
        while not stop.is_set():
            await until_done("sweep", self.sweep, stop)
            wait = LOOK_AGAIN_SECONDS if self._unsettled else self._settings.rescan_seconds
            await pause(stop, wait)

    async def sweep(self) -> Swept:
        """One pass. When it returns, every complete file in the folders is claimed or left alone with a reason."""
        async with self._one_at_a_time:
            seen = 0
            found: dict[str, Look] = {}
            for folder in self._folders:
                count, changed = await self._look_into(folder)
                seen += count
                found.update(changed)
            self.last = Swept(seen, await self._offer(found), len(self._unsettled))
            return self.last

    async def _look_into(self, folder: Path) -> tuple[int, Mapping[str, Look]]:
        """How many names fit, and those that look other than they did."""
        known = await self._store.sightings_below(str(folder))
        return await asyncio.to_thread(_changed, folder, self._settings.patterns, known)

    async def _offer(self, found: Mapping[str, Look]) -> int:
        """Offers what is complete and waits until it is dealt with; the rest is looked at again. Returns how many."""
        now = time.time()
        former, self._unsettled = self._unsettled, {}
        offers = []
        for path in in_order(found):
            look = found[path]
            if complete(look, former.get(path), now, self._settings.stable_seconds):
                offers.append((path, look, self._intake.offer(Path(path), Path(path).parent)))
            else:
                self._unsettled[path] = _since(former.get(path), look, now)
        for path, look, dealt_with in offers:
            if not await dealt_with:
                self._unsettled[path] = (look, now)
        return len(offers)


def _since(former: tuple[Look, float] | None, look: Look, now: float) -> tuple[Look, float]:
    """Since when the path looks as it does."""
    return former if former is not None and former[0] == look else (look, now)


def _changed(folder: Path, patterns: tuple[str, ...], known: Mapping[str, Look]) -> tuple[int, Mapping[str, Look]]:
    seen, found = 0, {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if wanted(entry.name, patterns):
                    seen += 1
                    at = looking.find(Path(entry.path), folder)
                    if at is not None and known.get(storable(at.path)) != at.look:
                        found[at.path] = at.look
    except OSError as error:
        log.warning("folder_cannot_be_read", folder=str(folder), error=str(error))
    return seen, found
