"""Paths become claimed files in the order of their arrival, which their sequences follow."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from okr_common import metrics
from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_common.postgres.pool import RETRYABLE, until_done
from okr_common.sources import Sources, SourcesFolder
from okr_ingest_csv import looking
from okr_ingest_csv.domain.content import Encodings
from okr_ingest_csv.domain.discovery import Found, LeftAlone, Look
from okr_ingest_csv.domain.verdict import Candidate, Limits, broken, judge, wordless
from okr_ingest_csv.looking import OfSize
from okr_ingest_csv.opening import Stopped
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


class _Fate(Enum):
    NOTHING_NEW = auto()
    STILL_WRITTEN = auto()


NOTHING_NEW, STILL_WRITTEN = _Fate.NOTHING_NEW, _Fate.STILL_WRITTEN
Judged = Candidate | tuple[Found, LeftAlone] | _Fate
Looks = Sequence[tuple[Offer, Judged]]


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
        looks: Looks = ()
        ahead: asyncio.Task[Looks] | None = None
        try:
            while not stop.is_set():
                ahead = asyncio.create_task(self._look_ahead(stop))
                await self._settle(looks, stop)  # while the next ones are looked through
                looks = await ahead
        finally:
            self._closed = True
            looked = [*looks, *(await _given_up(ahead))]
            queued = [self._offers.get_nowait() for _ in range(self._offers.qsize())]
            _unanswered([*(offer for offer, _ in looked), *queued])

    async def _look_ahead(self, stop: asyncio.Event) -> Looks:
        """The next offers, looked through; none where it is time to stop."""
        offer = await unless_stopped(self._offers.get(), stop)
        offers = [offer, *self._more()] if offer is not None else []
        for each in offers:  # from now on a change needs a look of its own
            del self._waiting[each.path]
        sources, of_size = self._sources.current(), self._asked_of_size(stop)
        try:
            return await asyncio.to_thread(self._look_through, offers, sources, of_size, stop.is_set)
        except BaseException as error:
            _unanswered(offers)
            if not (isinstance(error, RETRYABLE) and stop.is_set()):
                raise
            log.info("not_looked_through", files=len(offers), reason=str(error))
            return ()

    def _asked_of_size(self, stop: asyncio.Event) -> OfSize:
        """To be called in a thread: it waits for what the event loop asks the database."""
        loop = asyncio.get_running_loop()

        def of_size(size: int) -> Encodings:
            asked = until_done("encodings_of_size", lambda: self._store.encodings(size), stop)
            return asyncio.run_coroutine_threadsafe(asked, loop).result()

        return of_size

    def _more(self) -> list[Offer]:
        """What else is offered by now, up to a group."""
        return [self._offers.get_nowait() for _ in range(min(self._offers.qsize(), GROUP - 1))]

    async def _settle(self, looks: Looks, stop: asyncio.Event) -> None:
        done: dict[Offer, bool] = {}
        with suppress(*RETRYABLE):  # raised only where it is time to stop
            done = await until_done("claim", lambda: self._take(looks), stop)
        for offer, _ in looks:
            offer.answer(dealt_with=done.get(offer, False))

    def _look_through(self, offers: Sequence[Offer], sources: Sources, of_size: OfSize, stopped: Stopped) -> Looks:
        """At each path, through its whole file, and what is to become of it; in a thread."""
        return [(offer, self._judged(offer, sources, of_size, stopped)) for offer in offers]

    def _judged(self, offer: Offer, sources: Sources, of_size: OfSize, stopped: Stopped) -> Judged:
        known, limit = self._dealt_with.get, self._limits.file_bytes
        looked = looking.look_through(offer.path, offer.folder, known, of_size, max_bytes=limit, stopped=stopped)
        if looked is None:
            return NOTHING_NEW
        if looked.inspected is None:
            return STILL_WRITTEN
        if isinstance(looked.inspected, LeftAlone):
            return looked.found, looked.inspected
        path, (look, inspection) = looked.found.path, looked.inspected
        try:
            return judge(path, look, inspection, sources, hint=offer.hint, limits=self._limits)
        except Exception as error:
            log.exception("internal_error", path=path)
            return broken(path, look, inspection, f"looking through it broke down ({error!r})")

    async def _take(self, looks: Looks) -> dict[Offer, bool]:
        """True where a path is dealt with; False where it is still being written."""
        for _, judged in looks:
            if isinstance(judged, tuple):
                await self.leave_alone(*judged)
        candidates = [judged for _, judged in looks if isinstance(judged, Candidate)]
        for of_one_source in _by_source(candidates):
            await self._claim(of_one_source)
        return {offer: judged is not STILL_WRITTEN for offer, judged in looks}

    async def _claim(self, candidates: Sequence[Candidate]) -> None:
        claims = await self._claimed_by_store(candidates)
        for candidate, claim in zip(candidates, claims, strict=True):
            if claim is not None and claim.new:
                self._tell(candidate, claim)
            self._remember(candidate.path, candidate.look)

    async def _claimed_by_store(self, candidates: Sequence[Candidate]) -> list[Claim | None]:
        """One by one where the database refuses them together; one that it refuses alone fails without its words."""
        try:
            return await self._store.claim_all(candidates)
        except PermanentError as error:
            if len(candidates) > 1:
                return [claim for one in candidates for claim in await self._claimed_by_store([one])]
            log.exception("internal_error", path=candidates[0].path)
            return await self._store.claim_all([wordless(candidates[0], str(error))])

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

    def forget_all(self) -> None:
        """A file was not read to its end: at its path, and at those of its copies, is to be looked again.

        What the database knows of the others still holds.
        """
        self._dealt_with.clear()

    def _remember(self, path: str, look: Look) -> None:
        """The sweep and the watch may see the same file: the second offer costs one look."""
        self._dealt_with[path] = look
        while len(self._dealt_with) > REMEMBERED:
            del self._dealt_with[next(iter(self._dealt_with))]


async def _given_up(ahead: "asyncio.Task[Looks] | None") -> Looks:
    """What was looked through ahead, if it was; else it is not any more, and has answered by itself."""
    if ahead is None:
        return ()
    ahead.cancel()
    (looks,) = await asyncio.gather(ahead, return_exceptions=True)
    return () if isinstance(looks, BaseException) else looks


def _unanswered(offers: Iterable[Offer]) -> None:
    """Nobody deals with them any more: whoever waits is told."""
    for offer in offers:
        offer.answer(dealt_with=False)


def _by_source(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """In the order of arrival within each source, and of the sources' first files."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.source, []).append(candidate)
    return list(groups.values())
