"""Hears of released batches. An event is only a wake-up: what it says stands in okr_raw."""

import asyncio
from collections.abc import Callable, Iterable

from okr_common.delivery.outbox import Outgoing
from okr_common.errors import PermanentError
from okr_common.events import BatchIngested, Event
from okr_common.kafka.consumer import Batch, Feed, event_of
from okr_common.kafka.dead_letters import dead_letter
from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_common.topology import STAGES
from okr_etl.store.processed import ProcessedStore

STAGE = STAGES["etl"]
WAIT_SECONDS = 0.5
log = logger(__name__)


class Listener:
    """Consumes okr_ingestion_events."""

    def __init__(
        self,
        feed: Feed,
        store: ProcessedStore,
        topic_id: str,
        *,
        wake: Callable[[Iterable[str]], None],
        told: Callable[[], None],
    ) -> None:
        self.feed = feed
        self._store = store
        self._topic_id = topic_id
        self._wake = wake
        self._told = told

    async def run(self, stop: asyncio.Event) -> None:
        """Listens until `stop`."""
        self.feed.start()
        try:
            while not stop.is_set():
                batch = await self.feed.next(WAIT_SECONDS)
                if batch is not None:
                    await self._take(batch, stop)
        finally:
            await self.feed.stop()

    async def _take(self, batch: Batch, stop: asyncio.Event) -> None:
        events, letters = self._read(batch)
        self._wake({event.source for event in events if isinstance(event, BatchIngested)})
        if letters:
            await until_done("dead_letters", lambda: self._store.put(letters), stop)
            self._told()
        self.feed.handled(batch)

    def _read(self, batch: Batch) -> tuple[list[Event], list[Outgoing]]:
        events: list[Event] = []
        letters: list[Outgoing] = []
        for message in batch.messages:
            try:
                events.append(event_of(message))
            except PermanentError as error:
                log.warning("dead_letter", reason=error.reason, offset=message.offset(), detail=str(error))
                letters.append(dead_letter(message, error, STAGE, self._topic_id))
        return events, letters
