"""Applies released batches of this replica's sources, each in its order.

A source that cannot go on does not hold up the others.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import replace

from okr_common import metrics
from okr_common.errors import FatalError, PermanentError
from okr_common.logs import logger
from okr_common.postgres.pool import RETRYABLE, until_done
from okr_common.sources import Mapping
from okr_etl.decider import Decider
from okr_etl.domain.head import Head
from okr_etl.domain.news import MoreNeeded
from okr_etl.domain.turn import Task, Turn
from okr_etl.mappings import Mappings
from okr_etl.parents import Parents
from okr_etl.preparer import Preparer
from okr_etl.said import Said
from okr_etl.share import Holds
from okr_etl.store.items import Items
from okr_etl.store.processed import ProcessedStore
from okr_etl.store.raw import RawStore, Released
from okr_etl.store.waits import Waiting

log = logger(__name__)


class Applier:
    """Takes the released batches of each source after its head, one after another, sources in turn."""

    def __init__(
        self,
        raw: RawStore,
        processed: ProcessedStore,
        mappings: Mappings,
        items: Items,
        decider: Decider,
        *,
        holds: Holds,
        applied: Callable[[], None],
        sweep_seconds: float,
    ) -> None:
        self._raw = raw
        self._processed = processed
        self._mappings = mappings
        self._items = items
        self._decider = decider
        self._preparer = Preparer(raw, processed, mappings.key)
        self._said = Said(raw, processed, mappings.key)
        self._parents = Parents(raw, processed.parents, mappings.key)
        self._holds = holds
        self._applied = applied
        self._sweep_seconds = sweep_seconds
        self._sweep_at = 0.0
        self._due: dict[str, None] = {}
        self._unended: set[str] = set()
        self._applying = False
        self._woken = asyncio.Event()
        self.heads: dict[str, int] = {}

    def wake(self, sources: Iterable[str]) -> None:
        """Batches of these sources were released."""
        self._due.update(dict.fromkeys(sources))
        self._woken.set()

    @property
    def busy(self) -> bool:
        """Batches are being applied, or wait for it."""
        return bool(self._due) or self._applying

    @property
    def waiting(self) -> MappingOf[str, Waiting]:
        """The sources whose batches cannot go on, of all replicas, as they stood at the last sweep."""
        return self._processed.waits.known

    @property
    def sources(self) -> list[str]:
        """This replica's, as far as anything of them was ever applied."""
        return [source for source in self.heads if self._holds(source)]

    def take_over(self) -> None:
        """Sources came: sweep now, and look at them as at the beginning of a day."""
        self._decider.look_again()
        self.look()

    def look(self) -> None:
        """A run asks for something: sweep now."""
        self._sweep_at = 0.0
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Sweeps at start and every few seconds, applies what is due, and ends between two batches."""
        while not stop.is_set():
            if time.monotonic() >= self._sweep_at:
                self._sweep_at = time.monotonic() + self._sweep_seconds
                await until_done("sweep", self._sweep, stop)
            await (self._turn(stop) if self._due else self._rest(stop))

    async def _rest(self, stop: asyncio.Event) -> None:
        stopping, woken = asyncio.create_task(stop.wait()), asyncio.create_task(self._woken.wait())
        _, pending = await asyncio.wait((stopping, woken), timeout=self._sweep_seconds, return_when="FIRST_COMPLETED")
        for task in pending:
            task.cancel()
        self._woken.clear()

    async def _sweep(self) -> None:
        """Sources that are behind what is released (events may be lost, positions are not), or that runs ask for.

        And those whose last request had not ended when they were looked at.
        """
        self.heads.update(await self._processed.heads())
        released = await self._raw.released_positions()
        due = [name for name, position in released.items() if position > self.heads.get(name, 0)]
        due += [*await self._items.look(), *sorted(self._unended)]
        due += [name for name in self._decider.of_a_new_day() if name in self.heads]
        due += await self._processed.waits.look()
        self._due.update(dict.fromkeys(filter(self._holds, due)))

    async def _turn(self, stop: asyncio.Event) -> None:
        """One batch of the source that waits longest; it queues again if there may be more."""
        source = next(iter(self._due))
        del self._due[source]
        if not self._holds(source):
            return
        self._applying = True
        try:
            if await until_done("apply", lambda: self._next(source), stop):
                self._due[source] = None
        finally:
            self._applying = False

    async def _next(self, source: str) -> bool:
        """Applies the source's next batch. False when there is none, or when it must wait."""
        head = await self._processed.head(source)
        self.heads[source] = head.position
        released = await self._raw.released(source, head.position + 1)
        try:
            if head.unit is not None and await self._is_whole(source, head.unit, released):
                await self._decide(source, head)
            if released is not None:
                await self._apply(released, head)
        except (FatalError, *RETRYABLE):
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one source must not stop the others
            waiting = await self._wait(source, head.position + 1, error)
            await self._items.settle(source, {"error": waiting.detail}, "failed")
            return False
        await self._processed.waits.clear(source)
        if released is None:
            await self._items.settle(source, {"position": head.position})
        return released is not None

    async def _is_whole(self, source: str, unit: str, following: Released | None) -> bool:
        """Whether this file, or request, is applied to its end. That a request has ended no batch may tell."""
        self._unended.discard(source)
        whole = await self._raw.is_whole(unit, following)
        if not whole and following is None:
            self._unended.add(source)
        return whole

    async def _decide(self, source: str, head: Head) -> None:
        """The file at the head is applied wholly: what has ended by its time is decided before the next one comes."""
        if await self._decider.decide(source, head):
            self._applied()

    async def _apply(self, released: Released, head: Head) -> None:
        started = time.monotonic()
        mapping = self._mappings.of(released.source, released.header)
        entered = head.entering(released.unit, mapping.hash, released.beside(mapping))
        try:
            counts = await self._written(released, mapping, entered, head.unit)
        except MoreNeeded:
            counts = await self._written(released, mapping, replace(entered, whole=True), head.unit)
        if counts is None:
            return
        self._applied()
        self.heads[released.source] = released.position
        if mapping.rows.parent:
            metrics.ROWS_PENDING.labels(released.source).set(await self._processed.parents.pending(released.source))
        metrics.BATCH_SECONDS.labels("etl").observe(time.monotonic() - started)
        for result, rows in counts.items():
            metrics.ROWS_PROCESSED.labels(released.source, result).inc(rows)
        log.info("batch_applied", source=released.source, position=released.position, batch=released.batch_id, **counts)

    async def _written(
        self, released: Released, mapping: Mapping, head: Head, former_unit: str | None
    ) -> dict[str, int] | None:
        await self._processed.keep(mapping)
        batch, proposed, foretold = await self._preparer.prepare(released, mapping, head)
        proposed, late = await self._parents.settled(batch, proposed, mapping, head.generation)
        said = await self._said.before(released, mapping, head, former_unit)
        task = Task(batch, proposed, mapping, head.generation, released.behind, released.beside(mapping), said, late)
        compared: asyncio.Future[Turn | None] = asyncio.get_running_loop().create_future()
        if released.behind and not self._due:
            self._preparer.look_ahead(released, mapping, head, compared)
        try:
            return await self._processed.apply(task, foretold, compared)
        finally:  # whoever waits for it must not wait for ever where this batch changes nothing, or fails
            if not compared.done():
                compared.set_result(None)

    async def _wait(self, source: str, position: int, error: Exception) -> Waiting:
        waiting = Waiting.after(error, position)
        if await self._processed.waits.put(source, waiting):
            log.error(
                "source_waits",
                source=source,
                position=position,
                reason=waiting.reason,
                detail=waiting.detail,
                exc_info=None if isinstance(error, PermanentError) else error,
            )
        return waiting
