"""The owner's loop: messages become predictions, outcomes become learning, in one transaction with the offset.

First what is needed for a batch is read, then the learner goes through it in a thread, while what it predicts is
written, then the rest of the result. After any failure the memory is dropped, and the same batch is done again from
what was committed.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from okr_common import crash, metrics
from okr_common.delivery import offsets, outbox
from okr_common.delivery.offsets import Held
from okr_common.delivery.outbox import Outgoing, announce
from okr_common.errors import FatalError, FencedError
from okr_common.events import ModelDrifted
from okr_common.kafka.consumer import Batch, Feed, Partition
from okr_common.kafka.dead_letters import dead_letter
from okr_common.logs import logger
from okr_common.postgres.pool import RETRYABLE, until_done
from okr_common.topology import Stage
from okr_trainer import deciding, store
from okr_trainer.ageing import Ageing
from okr_trainer.deciding import Asked, Work, decided
from okr_trainer.domain.learner import Drifted, Learner
from okr_trainer.fresh import Fresh
from okr_trainer.memory import Memory
from okr_trainer.messages import read_values
from okr_trainer.ownership import TOPIC, Ownership
from okr_trainer.settings import Settings
from okr_trainer.store import Owning
from okr_trainer.trainings import Due, Trainings

log = logger(__name__)
WAIT_SECONDS = 0.25
AT_ONCE = 0.01
"""While pages follow each other: a batch that is there already goes first."""
ITEMS_SECONDS = 1.0


class Owner:
    """Owns the partitions the group gives it."""

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        ownership: Ownership,
        trainings: Trainings,
        *,
        ageing: Ageing,
        fresh: Fresh,
        wake: Callable[[], None],
    ) -> None:
        self._stage = stage
        self._settings = settings.trainer
        self._ownership = ownership
        self._trainings = trainings
        self._ageing = ageing
        self._fresh = fresh
        self._wake = wake
        self._memory = Memory(settings.trainer)
        self._items_at = 0.0
        self.feed = Feed(
            settings.kafka.bootstrap, stage.group, [TOPIC], assigned=ownership.assigned, revoked=self._revoked
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; finishes the batch it has begun."""
        self.feed.start()
        try:
            while not stop.is_set():
                await self._turn(stop)
        finally:
            await self.feed.stop()
            await self._ownership.close()

    def look(self) -> None:
        """There is something to do besides the stream: it does not wait for its second to be over."""
        self._items_at = 0.0

    async def _turn(self, stop: asyncio.Event) -> None:
        batch = await self.feed.next(AT_ONCE if self._ageing.under_way else WAIT_SECONDS)
        if batch is not None:
            await until_done("learn", partial(self._learn, batch), stop)
            self.feed.handled(batch)
        if self._ageing.under_way or time.monotonic() - self._items_at > ITEMS_SECONDS:
            await until_done("train", self._train, stop)
            await until_done("age", self._age, stop)
            self._items_at = time.monotonic()

    @asynccontextmanager
    async def _owning(self) -> AsyncIterator[Owning]:
        """The connection, for one batch or one look. After a failure nothing in memory is trusted."""
        async with self._ownership.lock:
            try:
                yield await self._ownership.connection()
            except RETRYABLE:
                self._memory.forget()
                self._fresh.forget()
                self._ownership.give_up()
                raise

    async def _learn(self, batch: Batch) -> None:
        async with self._owning() as connection:
            handled = await self._handle(connection, batch)
        if handled:
            self._wake()

    async def _train(self) -> None:
        """Whatever is due, one after another: each finds what the one before it left."""
        while (due := await self._due()) is not None:
            try:
                trained = await self._trainings.execute(due)
            except FencedError as error:
                log.warning("training_given_up", model=due.learner.model, error=str(error))
                await self._forget(due.learner.model)
                return
            except BaseException:
                await self._forget(due.learner.model)  # it may have been committed all the same
                raise
            await self._trained(due, trained)

    async def _age(self) -> None:
        """A page of silent key results; the stream goes on before the next one."""
        async with self._owning() as connection:
            page = await self._ageing.next(connection, self._ownership.held, self._memory)
            if page is None:
                return
            model = page.remembered.learner.model
            async with connection.transaction():
                writing = await store.begin_writing(connection, model)
                await writing.write(await asyncio.to_thread(writing.said, page.step.drafts))
                work = Work(page.remembered, page.step, writing)
                await self._put(connection, [work], [])
                await self._ageing.close(connection, page)
                await offsets.commit(connection, page.held, page.held.next_offset)
                crash.point("before_ageing_commit")
            crash.point("after_ageing_commit")
            self._ageing.committed(page)
            self._keep([work])
        self._count([work])
        self._wake()

    async def _due(self) -> Due | None:
        async with self._owning() as connection:
            return await self._trainings.due(connection, self._ownership.held, self._memory)

    async def _trained(self, due: Due, trained: Learner | None) -> None:
        async with self._ownership.lock:
            if trained is not None and self._ownership.held.get(due.held.partition) == due.held:
                self._memory.replace(trained, due.held)
        self._wake()

    async def _forget(self, model: str) -> None:
        async with self._ownership.lock:
            self._memory.forget(lambda one: one.learner.model == model)

    async def _revoked(self, partitions: Sequence[Partition]) -> None:
        await self._ownership.revoked(partitions)
        gone = {partition for _, partition in partitions}
        async with self._ownership.lock:
            self._memory.forget(lambda one: one.partition in gone)

    async def _handle(self, connection: Owning, batch: Batch) -> bool:
        held = self._ownership.held.get(batch.partition)
        messages = [] if held is None else [one for one in batch.messages if (one.offset() or 0) >= held.next_offset]
        if held is None or not messages:
            return False
        _in_turn(held, messages[0].offset())
        with metrics.BATCH_SECONDS.labels(self._stage.service).time():
            values = [message.value() for message in messages]
            reading = await asyncio.to_thread(read_values, values, self._settings.model_of)
            asked = [
                await deciding.asked(connection, self._memory, model, held, heard)
                for model, heard in reading.by_model.items()
            ]
            letters = [
                dead_letter(messages[number], why, self._stage, self._ownership.topic_id)
                for number, why in reading.unreadable
            ]
            works = await self._commit(connection, asked, letters, held, batch.next_offset)
        self._count(works)
        return True

    async def _commit(
        self,
        connection: Owning,
        asked: Sequence[Asked],
        letters: Sequence[Outgoing],
        held: Held,
        next_offset: int,
    ) -> list[Work]:
        async with connection.transaction():
            works = [await decided(connection, one) for one in asked]
            crash.point("after_copy")
            await self._put(connection, works, letters)
            moved = await offsets.commit(connection, held, next_offset)
            crash.point("before_commit")
        crash.point("after_commit")
        self._ownership.held[held.partition] = moved
        self._keep(works)
        return works

    def _keep(self, works: Sequence[Work]) -> None:
        """What is committed may be published from memory."""
        for work in works:
            if work.writing.number is not None and work.writing.published:
                self._fresh.keep(work.writing.number, work.writing.published)

    async def _put(self, connection: Owning, works: Sequence[Work], letters: Sequence[Outgoing]) -> None:
        outgoing = [unit for work in works for unit in await self._write(connection, work)] + list(letters)
        if outgoing:
            await outbox.put(connection, self._stage.service, outgoing)

    async def _write(self, connection: Owning, work: Work) -> list[Outgoing]:
        learner, step = work.remembered.learner, work.step
        await store.put_step(connection, learner, step)
        work.remembered.saved = await store.put_checkpoint(connection, learner, work.remembered.saved)
        gone = store.withdrawal(learner.model, step.gone) if step.gone else None
        drifts = [announce(_drifted(learner, one), self._stage) for one in step.drifts]
        return [*(one for one in (work.writing.unit, gone) if one is not None), *drifts]

    def _count(self, works: Sequence[Work]) -> None:
        for work in works:
            learner, step = work.remembered.learner, work.step
            for kind, count in Counter(draft.kind for draft in step.drafts).items():
                metrics.PREDICTIONS.labels(learner.model, kind).inc(count)
            metrics.OUTCOMES_LEARNED.labels(learner.model).inc(sum(one.learned > 0 for one in step.closed))
            for drift in step.drifts:
                metrics.MODEL_DRIFTS.labels(learner.model, drift.kind).inc()
                log.warning("model_drifted", model=learner.model, kind=drift.kind, learned=drift.learned)
            learner.forget_closed()

    def status(self) -> dict[str, Any]:
        """For /status."""
        return {
            "partitions": {held.partition: held.next_offset for held in self._ownership.held.values()},
            "models": {
                one.learner.model: {
                    "version": one.learner.predictor.version,
                    "learned": one.saved,
                    "open_key_results": len(one.learner.states),
                }
                for one in self._memory
            },
        }


def _in_turn(held: Held, first: int | None) -> None:
    """Raises FatalError where messages are missing before this batch: a new process reads from what was committed."""
    if first != held.next_offset:
        raise FatalError(
            f"{held.topic}/{held.partition}: offset {held.next_offset} was to come and {first} came; the process ends, "
            "and reads again from there"
        )


def _drifted(learner: Learner, drift: Drifted) -> ModelDrifted:
    return ModelDrifted(
        model=learner.model,
        version=learner.predictor.version,
        kind=drift.kind,
        outcomes=drift.outcomes,
        learned=drift.learned,
    )
