"""What asks for a training: outcomes of a source whose last batch was published, decided outcomes, and replays."""

import asyncio
from functools import partial
from typing import TypeGuard

import orjson

from okr_common.clock import utc_now
from okr_common.delivery import outbox
from okr_common.delivery.outbox import Connection
from okr_common.errors import PermanentError
from okr_common.events import BatchPublished, Event, OutcomesDecided, SourceReplayed
from okr_common.kafka.admin import identities
from okr_common.kafka.consumer import Batch, Feed, event_of
from okr_common.kafka.dead_letters import dead_letter
from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_common.topics import PROCESSING_EVENTS
from okr_common.topology import Stage
from okr_trainer.domain.failing import Failing
from okr_trainer.settings import Settings
from okr_trainer.store import SQL, Pool

log = logger(__name__)
WAIT_SECONDS = 0.5


class Triggers:
    """Listens to okr_processing_events; any replica may, because a work item is written once."""

    def __init__(self, stage: Stage, settings: Settings, ops: Pool, topic_id: str) -> None:
        self._stage = stage
        self._settings = settings
        self._ops = ops
        self.feed = Feed(settings.kafka.bootstrap, f"{stage.group}-events", [PROCESSING_EVENTS.name])
        self._topic_id = topic_id

    @classmethod
    async def on(cls, stage: Stage, settings: Settings, ops: Pool) -> "Triggers":
        """The listener, once the broker has said which topic that is."""
        ask = partial(asyncio.to_thread, identities, settings.kafka.bootstrap, [PROCESSING_EVENTS.name])
        _, topics = await until_done("listen", ask, asyncio.Event())
        return cls(stage, settings, ops, topics[PROCESSING_EVENTS.name])

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        self.feed.start()
        try:
            while not stop.is_set():
                batch = await self.feed.next(WAIT_SECONDS)
                if batch is not None:
                    await until_done("listen", lambda: self._handle(batch), stop)  # noqa: B023 - awaited at once
                    self.feed.handled(batch)
        finally:
            await self.feed.stop()

    async def _handle(self, batch: Batch) -> None:
        async with self._ops.acquire() as connection, connection.transaction():
            for message in batch.messages:
                try:
                    event = event_of(message)
                except PermanentError as why:
                    letter = dead_letter(message, why, self._stage, self._topic_id)
                    await outbox.put(connection, self._stage.service, [letter])
                    continue
                if _asks(event):
                    await self._ask(connection, event)

    async def _ask(self, connection: Connection, event: BatchPublished | OutcomesDecided | SourceReplayed) -> None:
        """After a replay of the source: what was learned from versions that hold no longer is learned anew."""
        parameters = {"source": event.source, "position": event.position}
        model = self._settings.trainer.model_of(event.source)
        said = orjson.dumps(parameters).decode()
        if isinstance(event, SourceReplayed):
            await connection.execute(SQL["ask_for_another_training"], model, said)
        elif await _fails_again_and_again(connection, model):
            log.warning("training_postponed", model=model)
        else:
            await connection.execute(SQL["ask_for_training"], model, said, event.outcomes)


async def _fails_again_and_again(connection: Connection, model: str) -> bool:
    """Whether it waits for the daily run, or a person: each batch would bring the same failure."""
    failing = [Failing(**row) for row in await connection.fetch(SQL["failing"])]
    return any(one.model == model and one.waits(utc_now()) for one in failing)


def _asks(event: Event) -> TypeGuard[BatchPublished | OutcomesDecided | SourceReplayed]:
    """All outcomes of a batch are there, or decided ones, or a replay that took something back."""
    if isinstance(event, BatchPublished):
        return event.behind == 0 and event.outcomes > 0
    return isinstance(event, OutcomesDecided) or (isinstance(event, SourceReplayed) and event.withdrawn > 0)
