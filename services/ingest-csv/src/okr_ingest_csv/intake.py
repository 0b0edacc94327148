"""Paths become claimed files in the order of their arrival, which their sequences follow."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from okr_common import metrics
from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_common.sources import SourcesFolder
from okr_ingest_csv import looking
from okr_ingest_csv.domain.content import Inspection
from okr_ingest_csv.domain.discovery import Found, LeftAlone, Look
from okr_ingest_csv.domain.verdict import Candidate, Limits, judge
from okr_ingest_csv.looking import Looked
from okr_ingest_csv.store import Claim, Store
from okr_ingest_csv.waiting import unless_stopped

log = logger(__name__)
REMEMBERED = 10_000
GROUP = 64
"""So many offers are dealt with at a time: more would bring little, and keep the first waiting."""
Claimed = Callable[[str], None]
"""Told the source in which a file now waits."""


@dataclass(frozen=True, slots=True, eq=False)
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


Looks = Sequence[tuple[Offer, Looked | None]]


class Intake:
    """One worker; whoever sees a complete file offers it here. What waits is dealt with many at a time."""

    def __init__(self, store: Store, sources: SourcesFolder, limits: Limits, claimed: Claimed) -> None:
        self._store = store
        self._sources = sources
        self._limits = limits
        self._claimed = claimed
        self._offers: asyncio.Queue[Offer] = asyncio.Queue()
        self._waiting: dict[Path, Offer] = {}
        self._dealt_with: dict[str, Look] = {}
        self._closed = False

    def offer(self, path: Path, folder: Path, hint: str | None = None) -> "asyncio.Future[bool]":
        """Take this file in its turn. The future tells whether it was dealt with; if not, it is worth another look."""
        if path in self._waiting:
            return self._waiting[path].future
        offer = Offer(path, folder, hint, asyncio.get_running_loop().create_future())
        if self._closed:
            offer.answer(dealt_with=False)
        else:
            self._waiting[path] = offer
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
                    await self._settle([offer, *self._more()], stop)
        finally:
            self._closed = True
            while not self._offers.empty():
                self._offers.get_nowait().answer(dealt_with=False)

    def _more(self) -> list[Offer]:
        """What else is offered by now, up to a group."""
        return [self._offers.get_nowait() for _ in range(min(self._offers.qsize(), GROUP - 1))]

    async def _settle(self, offers: Sequence[Offer], stop: asyncio.Event) -> None:
        for offer in offers:  # from now on a change needs a look of its own
            del self._waiting[offer.path]
        done = dict.fromkeys(offers, False)
        try:
            looked = await asyncio.to_thread(self._look_through, offers)
            done = await until_done("claim", lambda: self._take(looked), stop)
        finally:
            for offer in offers:
                offer.answer(dealt_with=done[offer])

    def _look_through(self, offers: Sequence[Offer]) -> Looks:
        """At each path, and through its whole file; in a thread."""
        known, largest = self._dealt_with.get, self._limits.file_bytes
        return [(offer, looking.look_through(offer.path, offer.folder, known, largest)) for offer in offers]

    async def _take(self, looks: Looks) -> dict[Offer, bool]:
        """True where a path is dealt with; False where it is still being written."""
        candidates: list[Candidate] = []
        for offer, looked in looks:
            if looked is None or looked.inspected is None:
                continue
            if isinstance(looked.inspected, LeftAlone):
                await self.leave_alone(looked.found, looked.inspected)
            else:
                candidates.append(self._judge(looked.found.path, *looked.inspected, offer.hint))
        for of_one_source in _by_source(candidates):
            await self._claim(of_one_source)
        return {offer: looked is None or looked.inspected is not None for offer, looked in looks}

    def _judge(self, path: str, look: Look, inspection: Inspection, hint: str | None) -> Candidate:
        return judge(path, look, inspection, self._sources.current(), hint=hint, limits=self._limits)

    async def _claim(self, candidates: Sequence[Candidate]) -> None:
        claims = await self._store.claim_all(candidates)
        for candidate, claim in zip(candidates, claims, strict=True):
            if claim is not None and claim.new:
                self._tell(candidate, claim)
            self._remember(candidate.path, candidate.look)

    def _tell(self, candidate: Candidate, claim: Claim) -> None:
        source, state = candidate.source, candidate.state
        log.info("claimed", path=candidate.path, source=source, file_id=claim.file_id, state=state)
        if state == "waiting":
            self._claimed(source)
        else:
            metrics.FILES.labels(source, state, candidate.reason).inc()

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


def _by_source(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """In the order of arrival within each source, and of the sources' first files."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.source, []).append(candidate)
    return list(groups.values())
