"""The one producer of a process: idempotent, acks=all. A publish ends when the broker has acknowledged everything."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from confluent_kafka import KafkaError, Message
from confluent_kafka import Producer as KafkaProducer

from okr_common import metrics
from okr_common.counted import counted
from okr_common.delivery.outbox import Outgoing
from okr_common.errors import FatalError, RetryableError
from okr_common.kafka.original import Header
from okr_common.topics import TOPICS


@dataclass(frozen=True, slots=True)
class Exact:
    """A message byte for byte, and the partition it belongs to."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = field(default_factory=list)


class Producer:
    """Publishes in order per partition; `publish` runs in a thread, so the event loop stays free."""

    def __init__(self, bootstrap: str, client_id: str) -> None:
        self._kafka = _kafka(bootstrap, client_id, {"delivery.report.only.error": True})  # else one call per message

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Returns when all are acknowledged. Raises RetryableError when one is not; all may then be sent again."""
        await asyncio.to_thread(self._publish, messages)
        _count(message.topic for message in messages)

    def _publish(self, messages: Sequence[Outgoing]) -> None:
        failures: list[KafkaError] = []

        def failed(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        for message in messages:
            self._kafka.produce(
                message.topic,
                value=message.value,
                key=message.message_key,
                partition=TOPICS[message.topic].partition_of(message.partition_key),
                headers=message.headers,  # type: ignore[arg-type]  # it is only read, so texts alone will do
                on_delivery=failed,
            )
        self._kafka.flush()
        _raise(failures)


class ExactProducer:
    """The same for messages that are given byte for byte, and told where they stand."""

    def __init__(self, bootstrap: str, client_id: str) -> None:
        self._kafka = _kafka(bootstrap, client_id, {})

    async def publish(self, messages: Sequence[Exact]) -> list[int]:
        """Returns the offset of each; raises as `Producer.publish` does."""
        offsets = await asyncio.to_thread(self._publish, messages)
        _count(message.topic for message in messages)
        return offsets

    def _publish(self, messages: Sequence[Exact]) -> list[int]:
        failures: list[KafkaError] = []
        offsets = [-1] * len(messages)

        def delivered(number: int, error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failures.append(error)
            else:
                offsets[number] = int(message.offset() or 0)

        for number, message in enumerate(messages):
            self._kafka.produce(
                message.topic,
                value=message.value,
                key=message.key,
                partition=message.partition,
                headers=list(message.headers),
                on_delivery=partial(delivered, number),
            )
        self._kafka.flush()
        _raise(failures)
        return offsets


def _kafka(bootstrap: str, client_id: str, settings: dict[str, str | int | bool]) -> KafkaProducer:
    return KafkaProducer(
        {
            "bootstrap.servers": bootstrap,
            "client.id": client_id,
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "lz4",
            "linger.ms": 5,
            "queue.buffering.max.messages": 200_000,
            "message.max.bytes": 2_097_152,
            "delivery.timeout.ms": 30_000,
            "log_level": 2,  # a broker that is away shows in what `publish` raises, in our own logs
            **settings,
        }
    )


def _raise(failures: list[KafkaError]) -> None:
    fatal = next((error for error in failures if error.fatal()), None)
    if fatal is not None:
        raise FatalError(f"the producer cannot go on: {fatal}")
    if failures:
        lost = counted(len(failures), "message was", "messages were")
        raise RetryableError(f"{lost} not acknowledged, first: {failures[0]}; sent again")


def _count(topics: Iterable[str]) -> None:
    for topic, count in Counter(topics).items():
        metrics.MESSAGES_PUBLISHED.labels(topic).inc(count)
