"""Curates: writes the documents that are due. A second step: it stands back while batches wait, to delay no record."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_etl.domain.documents import Document, of_key_result, of_objective
from okr_etl.store.documents import DocumentStore, Due

log = logger(__name__)
STANDS_BACK_SECONDS = 300.0
"""Under a load that never ends, documents are this much behind: a file's next batch may change them all again."""


def stands_back(*, busy: bool, behind: float) -> bool:
    """Batches come first, but not for ever. `behind`: seconds since all that was due had been written, or none came.

    >>> [stands_back(busy=True, behind=seconds) for seconds in (0, 299, 300)], stands_back(busy=False, behind=0)
    ([True, True, False], False)
    """
    return busy and behind < STANDS_BACK_SECONDS


class Curator:
    """Takes due documents of `sources`, some at a time, builds and writes them. `busy`: batches are being applied."""

    def __init__(
        self,
        store: DocumentStore,
        *,
        sources: Callable[[], Sequence[str]],
        busy: Callable[[], bool],
        every_seconds: float,
        limit: int,
        written: Callable[[], None],
    ) -> None:
        self._store = store
        self._sources = sources
        self._busy = busy
        self._even_at = time.monotonic()
        self._every_seconds = every_seconds
        self._limit = limit
        self._written = written
        self.documents = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Looks every now and then, and goes on as long as something is due."""
        while not stop.is_set():
            if not self._stands_back():
                await until_done("curate", lambda: self.curate(stop), stop)
            try:
                await asyncio.wait_for(stop.wait(), self._every_seconds)
            except TimeoutError:
                continue

    def _stands_back(self) -> bool:
        now, busy = time.monotonic(), self._busy()
        if not busy:
            self._even_at = now
        return stands_back(busy=busy, behind=now - self._even_at)

    async def curate(self, stop: asyncio.Event) -> None:
        """What is due now, page after page, unless batches come: one is read, one made, and one written at a time."""
        began, (_, until) = time.monotonic(), await self._store.due_now()
        writing: asyncio.Task[None] | None = None
        async with aclosing(self._made(until)) as pages:
            try:
                async for due, documents in pages:
                    if writing is not None:
                        await writing
                    writing = asyncio.create_task(self._write(due, documents))
                    if stop.is_set() or self._stands_back():
                        return
            finally:
                if writing is not None:
                    await writing
        self._even_at = began

    async def _made(self, until: int) -> AsyncGenerator[tuple[Due, list[Document]], None]:
        """Pages and their documents up to this revision; the next one is read meanwhile."""
        reading = self._page(0)
        try:
            while (due := await reading) is not None:
                reading = self._page(due.up_to)
                yield due, await asyncio.to_thread(build, due)
                if due.up_to >= until:
                    return
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _page(self, after: int) -> "asyncio.Task[Due | None]":
        return asyncio.create_task(self._store.due(self._sources(), self._limit, after))

    async def _write(self, due: Due, documents: Sequence[Document]) -> None:
        changed = await self._store.write(due, documents)
        self.documents += changed
        self._written()
        log.info("documents_curated", source=due.source, documents=len(documents), changed=changed)


def build(due: Due) -> list[Document]:
    """The documents as they are now."""
    return [*map(of_objective, due.objectives), *map(of_key_result, due.key_results)]
