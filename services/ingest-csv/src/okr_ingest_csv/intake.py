"""Paths become claimed files, one after another, so that sequences follow the order of arrival."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from okr_common import metrics
from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_common.sources import SourcesFolder
from okr_ingest_csv import reading
from okr_ingest_csv.domain.content import Inspection
from okr_ingest_csv.domain.discovery import Found, LeftAlone, Look
from okr_ingest_csv.domain.verdict import judge
from okr_ingest_csv.store import Store
from okr_ingest_csv.waiting import unless_stopped

log = logger(__name__)
REMEMBERED = 1_000
Claimed = Callable[[str], None]
"""Told the source in which a file now waits."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A path that seems complete, the watched folder it stands in, and the source that folder is for, if any."""

    path: Path
    folder: Path
    hint: str | None
    future: "asyncio.Future[bool]"

    def answer(self, *, dealt_with: bool) -> None:
        """Tell whoever waits for it."""
        if not self.future.done():
            self.future.set_result(dealt_with)


class Intake:
    """One worker; whoever sees a complete file offers it here."""

    def __init__(
        self, store: Store, sources: SourcesFolder, claimed: Claimed, max_file_bytes: int = 50_000_000_000
    ) -> None:
        self._store = store
        self._sources = sources
        self._max_file_bytes = max_file_bytes
        self._claimed = claimed
        self._offers: asyncio.Queue[Offer] = asyncio.Queue()
        self._dealt_with: dict[str, Look] = {}
        self._closed = False

    def offer(self, path: Path, folder: Path, hint: str | None = None) -> "asyncio.Future[bool]":
        """Take this file in its turn. The future tells whether it was dealt with; if not, it is worth another look."""
        offer = Offer(path, folder, hint, asyncio.get_running_loop().create_future())
        if self._closed:
            offer.answer(dealt_with=False)
        else:
            self._offers.put_nowait(offer)
        return offer.future

    @property
    def waiting(self) -> int:
        """Offers not yet dealt with."""
        return self._offers.qsize()

    async def run(self, stop: asyncio.Event) -> None:
        """Deals with offers until stopped; what is left then is left to the next start's sweep."""
        try:
            while not stop.is_set():
                offer = await unless_stopped(self._offers.get(), stop)
                if offer is not None:
                    await self._settle(offer, stop)
        finally:
            self._closed = True
            while not self._offers.empty():
                self._offers.get_nowait().answer(dealt_with=False)

    async def _settle(self, offer: Offer, stop: asyncio.Event) -> None:
        done = False
        try:
            done = await until_done("claim", lambda: self._take(offer), stop)
        finally:
            offer.answer(dealt_with=done)

    async def _take(self, offer: Offer) -> bool:
        """True when the path is dealt with; False when it is still being written."""
        looked = await asyncio.to_thread(
            reading.look_through, offer.path, offer.folder, self._dealt_with.get, self._max_file_bytes
        )
        if looked is None:
            return True
        found, inspected = looked.found, looked.inspected
        if inspected is None:
            return False
        if isinstance(inspected, LeftAlone):
            await self.leave_alone(found, inspected)
        else:
            await self._claim(found.path, *inspected, offer.hint)
            self._remember(found.path, inspected[0])
        return True

    async def leave_alone(self, found: Found, why: LeftAlone) -> None:
        """Remembers that this path is not read; says so once, not at each sweep."""
        if await self._store.leave_alone(found.path, found.look, why):
            log.warning("left_alone", path=found.path, reason=why.reason, detail=why.detail)

    def forget(self, path: str) -> None:
        """The path stands free again: whatever comes to it, the same file perhaps, is to be looked at."""
        self._dealt_with.pop(path, None)

    def _remember(self, path: str, look: Look) -> None:
        """The sweep and the watch may see the same file: the second offer costs one look."""
        self._dealt_with[path] = look
        while len(self._dealt_with) > REMEMBERED:
            del self._dealt_with[next(iter(self._dealt_with))]

    async def _claim(self, path: str, look: Look, inspection: Inspection, hint: str | None) -> None:
        candidate = judge(path, look, inspection, self._sources.current(), hint=hint)
        claim = await self._store.claim(candidate)
        if claim is not None and claim.new:
            log.info("claimed", path=path, source=candidate.source, file_id=claim.file_id, state=candidate.state)
            if candidate.state == "waiting":
                self._claimed(candidate.source)
            else:
                metrics.FILES.labels(candidate.source, candidate.state, candidate.reason).inc()
