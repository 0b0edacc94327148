"""A plain reader: everything that stands on some topics now, from their beginning to their end. Belongs to no group."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from okr_common.errors import PermanentError, RetryableError
from okr_common.kafka.original import headers_of

MESSAGES = 10_000
SILENT_SECONDS = 20.0
WATERMARK_SECONDS = 10.0


class Read(NamedTuple):
    """A message as it was read; a header that is not UTF-8 is shown with replacement characters.

    There are no headers where the name of one is no UTF-8.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, str]
    at: datetime

    @property
    def where(self) -> str:
        """Its place, as people write it."""
        return f"{self.topic}/{self.partition}@{self.offset}"


def read_all(bootstrap: str, topics: Sequence[str]) -> Iterator[Read]:
    """Each message of these topics up to the ends they have now, partition by partition in order.

    Raises RetryableError where the broker does not answer or falls silent before an end is reached.
    """
    consumer = Consumer(_config(bootstrap))
    try:
        ends = _ends(consumer, topics)
        starts = [TopicPartition(topic, partition, low) for (topic, partition), (low, _) in ends.items()]
        consumer.assign(starts)
        yield from _until(consumer, {place: high for place, (_, high) in ends.items()})
    except KafkaException as error:
        raise RetryableError(f"the broker at {bootstrap} could not be read: {error}; is the stack up?") from error
    finally:
        consumer.close()


def _config(bootstrap: str) -> dict[str, str | int | bool]:
    return {
        "bootstrap.servers": bootstrap,
        "group.id": "okr-reader",  # never joined and never committed to: librdkafka wants a name
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "fetch.queue.backoff.ms": 5,
        "log_level": 2,
    }


def _ends(consumer: Consumer, topics: Sequence[str]) -> dict[tuple[str, int], tuple[int, int]]:
    """First and next offset of each partition that holds anything."""
    found = {}
    known = consumer.list_topics(timeout=WATERMARK_SECONDS).topics
    for topic in topics:
        for partition in known[topic].partitions if topic in known else ():
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=WATERMARK_SECONDS)
            if low < high:
                found[topic, partition] = (low, high)
    return found


def _until(consumer: Consumer, ends: dict[tuple[str, int], int]) -> Iterator[Read]:
    """Reads on until each partition is at its end; a compacted one may have nothing just before it."""
    while ends:
        messages = consumer.consume(1, timeout=SILENT_SECONDS)  # asked for more, it waits until it has them all
        messages += consumer.consume(MESSAGES, timeout=0)
        if not messages:
            raise RetryableError(f"the broker fell silent for {SILENT_SECONDS:.0f} s before {sorted(ends)} were read")
        for message in messages:
            yield from _taken(message, ends)


def _taken(message: Message, ends: dict[tuple[str, int], int]) -> Iterator[Read]:
    place, offset = (str(message.topic()), int(message.partition() or 0)), int(message.offset() or 0)
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
        raise KafkaException(error)
    if place not in ends:
        return
    if error is None and offset < ends[place]:
        yield _read(message, *place, offset)
    if offset + (error is None) >= ends[place]:
        del ends[place]


def _read(message: Message, topic: str, partition: int, offset: int) -> Read:
    headers = {name: _text(value) for name, value in _pairs(message)}
    _, milliseconds = message.timestamp()
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return Read(topic, partition, offset, _bytes(message.key()), _bytes(message.value()), headers, at)


def _pairs(message: Message) -> Iterable[tuple[str, bytes | str | None]]:
    try:
        headers = headers_of(message) or ()
    except PermanentError:
        return ()
    return headers.items() if isinstance(headers, Mapping) else headers


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def _bytes(part: bytes | str | None) -> bytes | None:
    return part.encode() if isinstance(part, str) else part
