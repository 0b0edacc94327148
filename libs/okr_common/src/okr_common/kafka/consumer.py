"""A feed: one polling thread takes messages from Kafka and hands them over a queue, partition by partition.

Offsets are either plain (committed to Kafka after handling) or the owner's (kept in PostgreSQL): then `assigned` says
where each partition starts. Where they are plain, `gained` hears which partitions came.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from okr_common import codec, metrics
from okr_common.events import Event
from okr_common.kafka.original import HasHeaders, headers_of, pairs
from okr_common.logs import logger

log = logger(__name__)
Answer = TypeVar("Answer")
Partition = tuple[str, int]
Assigned = Callable[[Sequence[Partition]], Awaitable[Mapping[Partition, int]]]
"""Takes partitions over and says at which offset each starts."""
Gained = Callable[[Sequence[Partition]], Awaitable[None]]
"""Hears of partitions that came."""
Revoked = Callable[[Sequence[Partition]], Awaitable[None]]
QUEUE = 4
"""Batches that may wait; while so many do, the thread takes no more (heartbeats go on without it)."""
MESSAGES = 5_000
STALLED_SECONDS = 60
HANDOVER_SECONDS = 30
BEREFT_SECONDS = 20
"""A client that had partitions, and none for so long, is given up for another one."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one partition, in order, never empty."""

    topic: str
    partition: int
    messages: Sequence[Message]

    @property
    def next_offset(self) -> int:
        """The offset after the last message."""
        return int(self.messages[-1].offset() or 0) + 1


class HasContent(HasHeaders, Protocol):
    """A message as confluent-kafka or Faust has it."""

    def value(self) -> bytes | str | None:
        """Its bytes."""


def event_of(message: HasContent) -> Event:
    """The event this message carries. Raises PermanentError: bad_headers, or see `codec.decode_event`."""
    headers, value = headers_of(message), message.value()
    return codec.decode_event(pairs(headers), value.encode() if isinstance(value, str) else value)


class Feed:
    """Messages of some topics for one consumer group."""

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        *,
        assigned: Assigned | None = None,
        gained: Gained | None = None,
        revoked: Revoked | None = None,
    ) -> None:
        self._config = {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "client.id": group,
            "group.protocol": "consumer",
            "enable.auto.commit": True,  # of what was stored, and that is what was handled
            "enable.auto.offset.store": False,
            "auto.commit.interval.ms": 500,
            "auto.offset.reset": "earliest" if assigned is None else "error",
            "fetch.queue.backoff.ms": 5,
            "fetch.wait.max.ms": 100,
            "log_level": 3,
        }
        self._topics = list(topics)
        self._assigned = assigned
        self._gained = gained
        self._revoked = revoked
        self._queue: asyncio.Queue[Batch] = asyncio.Queue()
        self._handled: deque[TopicPartition] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name=f"feed-{group}", daemon=True)
        self._polled = time.monotonic()
        self._held: set[Partition] = set()
        self._bereft_at: float | None = None
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Joins the group."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Leaves the group. What is still queued is read again by the next owner."""
        self._closing.set()
        await asyncio.to_thread(self._thread.join, HANDOVER_SECONDS)

    def trouble(self) -> str | None:
        """A liveness check: what is wrong with the polling thread, or None."""
        if self.failure is not None:
            return f"the polling thread ended: {self.failure!r}"
        if not self._thread.is_alive():
            return "the polling thread is dead"
        idle = time.monotonic() - self._polled
        return f"the polling thread has not polled for {idle:.0f} s" if idle > STALLED_SECONDS else None

    async def next(self, wait_seconds: float) -> Batch | None:
        """The next batch, or None when there is none within the time. Raises what ended the polling thread."""
        if self.failure is not None:
            raise self.failure
        try:
            return await asyncio.wait_for(self._queue.get(), wait_seconds)
        except TimeoutError:
            return None

    def handled(self, batch: Batch) -> None:
        """These messages are done; the group's offset follows within half a second (an owner's for lag tools only)."""
        self._handled.append(TopicPartition(batch.topic, batch.partition, batch.next_offset))

    def _guarded(self) -> None:
        try:
            self._poll_until_closed()
        except BaseException as error:
            self.failure = error
            log.exception("feed_died", topics=self._topics)

    def _poll_until_closed(self) -> None:
        self._join()
        try:
            while not self._closing.is_set():
                self._polled = time.monotonic()
                self._rejoin()
                self._store_handled()
                if self._queue.qsize() >= QUEUE:
                    self._closing.wait(0.005)
                else:
                    self._hand_over(self._good(self._take()))
            self._store_handled()
        finally:
            self._consumer.close()

    def _join(self) -> None:
        self._consumer = Consumer(self._config)
        self._consumer.subscribe(
            self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def _rejoin(self) -> None:
        """With another client, where this one had partitions, has none, and gets none.

        Seen where a broker stood still for longer than the session: the client had lost its place, polled on, and never
        asked for another one. A member that is one too many joins anew each time, which moves nobody's partitions.
        """
        if self._bereft_at is not None and time.monotonic() - self._bereft_at > BEREFT_SECONDS:
            log.warning("feed_rejoins", topics=self._topics, seconds_without_partitions=BEREFT_SECONDS)
            self._bereft_at = time.monotonic()
            self._consumer.close()
            self._join()

    def _hold(self, held: set[Partition]) -> None:
        if self._held and not held:
            self._bereft_at = time.monotonic()
        elif held:
            self._bereft_at = None
        self._held = held

    def _store_handled(self) -> None:
        """In the polling thread, because the client lets only one thread in, and that one hardly ever leaves."""
        while self._handled:
            offset = self._handled.popleft()
            try:
                self._consumer.store_offsets(offsets=[offset])
            except KafkaException as error:
                log.info("offset_not_stored", topic=offset.topic, partition=offset.partition, error=str(error))

    def _take(self) -> list[Message]:
        """Whatever is there; waits only while there is nothing (a bare `consume` waits for its full number)."""
        first = self._consumer.poll(0.1)
        return [] if first is None else [first, *self._consumer.consume(MESSAGES, timeout=0)]

    def _good(self, messages: Sequence[Message]) -> list[Message]:
        good = []
        for message in messages:
            error = message.error()
            if error is None:
                good.append(message)
            elif error.fatal() or error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001 - librdkafka's own names
                raise KafkaException(error)
            else:
                log.warning("consumer_error", error=str(error))
        return good

    def _hand_over(self, messages: list[Message]) -> None:
        for (topic, partition), group in groupby(messages, key=lambda message: (message.topic(), message.partition())):
            batch = Batch(str(topic), int(partition or 0), list(group))
            metrics.MESSAGES_CONSUMED.labels(batch.topic).inc(len(batch.messages))
            self._loop.call_soon_threadsafe(self._queue.put_nowait, batch)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        came = [(part.topic, part.partition) for part in partitions]
        self._hold(self._held | {*came})
        if self._assigned is None:
            consumer.incremental_assign(partitions)
            if self._gained is not None:
                self._call(self._gained(came))
            return
        starts = self._call(self._assigned(came))
        consumer.incremental_assign(
            [TopicPartition(topic, partition, offset) for (topic, partition), offset in starts.items()]
        )

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        gone = [(part.topic, part.partition) for part in partitions]
        self._hold(self._held - {*gone})
        self._call(self._give_up(gone))
        consumer.incremental_unassign(partitions)

    async def _give_up(self, partitions: Sequence[Partition]) -> None:
        """What is queued of these partitions is the next owner's, which may be this process again."""
        queued = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        for batch in queued:
            if (batch.topic, batch.partition) not in partitions:
                self._queue.put_nowait(batch)
        if self._revoked is not None:
            await self._revoked(partitions)

    def _call(self, coroutine: Awaitable[Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(HANDOVER_SECONDS)  # type: ignore[arg-type]
