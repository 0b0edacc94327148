"""Messages nobody can handle: their bytes, why, and where from, under Kafka Connect's header names."""

import hashlib
from typing import Protocol
from uuid import uuid5

from okr_common import codec, metrics
from okr_common.clock import utc_now
from okr_common.delivery.outbox import Outgoing
from okr_common.errors import PermanentError
from okr_common.events import NAMESPACE
from okr_common.kafka import original
from okr_common.kafka.original import Headers, headers_of
from okr_common.topics import DEAD_LETTERS, TOPICS
from okr_common.topology import Stage

CE_TYPE = "okr.dead_letter.v1"
PREFIX = "__connect.errors."
TOO_LARGE = "too_large"
HEADROOM_BYTES = 16_384
"""Of a message, for its key and headers."""
MOST_BYTES = 1_900_000
"""Of a value that a dead letter carries: the topic takes 2 MiB, headers included. The rest stays where it stood."""
LEFT_OUT = ("value.bytes", "key.bytes", "headers.left_out")
"""One of these tells of a dead letter that it does not carry its message whole."""


class Received(Protocol):
    """A message as confluent-kafka has it."""

    def topic(self) -> str | None:
        """Where it stood."""

    def partition(self) -> int | None:
        """In which partition."""

    def offset(self) -> int | None:
        """At which place."""

    def key(self) -> bytes | str | None:
        """Its key."""

    def value(self) -> bytes | str | None:
        """Its bytes."""

    def headers(self) -> Headers:
        """Its headers."""


def fitting(outgoing: Outgoing, stage: Stage) -> Outgoing:
    """The message itself; or, where its topic would not take it, a dead letter that stands for it.

    A message that is always refused would stop everything behind it.
    """
    limit = TOPICS[outgoing.topic].max_message_bytes - HEADROOM_BYTES
    if outgoing.value is None or len(outgoing.value) <= limit or outgoing.topic == DEAD_LETTERS.name:
        return outgoing
    metrics.DEAD_LETTERS.labels(outgoing.topic, TOO_LARGE).inc()
    own = outgoing.headers or {}
    told = (
        f"it is {len(outgoing.value):,} bytes; {outgoing.topic} takes {limit:,}. What it tells stands in the database"
    )
    context = {
        "topic": outgoing.topic,
        "partition": outgoing.partition_key,
        "offset": f"never sent: {own.get('ce_id')}",
        "exception.class.name": TOO_LARGE,
        "exception.message": told,
        "stage": stage.service,
        **_cut(outgoing.value),
    }
    headers = own | {PREFIX + name: text for name, text in context.items()}
    return outgoing._replace(topic=DEAD_LETTERS.name, value=outgoing.value[:MOST_BYTES], headers=headers)


def dead_letter(message: Received, why: PermanentError, stage: Stage, topic_id: str) -> Outgoing:
    """The dead letter of this message, under an id made of (topic id, partition, offset): a repeat is recognised.

    One that had been sent again says how often, and where it came first.
    """
    where = f"{topic_id}/{message.partition()}/{message.offset()}"
    metrics.DEAD_LETTERS.labels(message.topic(), why.reason).inc()
    attributes = codec.envelope(
        ce_id=uuid5(NAMESPACE, f"{CE_TYPE}|{where}|{stage.service}"),
        ce_type=CE_TYPE,
        source=stage.event_source,
        subject=where,
        time=utc_now(),
    )
    key, value, own = _bytes(message.key()), _bytes(message.value()), _own_headers(message)
    headers = None if own is None else original.kept(own)
    context = _cut(value) | {
        "topic": str(message.topic()),
        "partition": str(message.partition()),
        "offset": str(message.offset()),
        "exception.class.name": why.reason,
        "exception.message": str(why)[:2000],
        "stage": stage.service,
        **_left_out(key, headers),
    }
    return Outgoing(
        order_key=f"dead/{message.topic()}/{message.partition()}",
        topic=DEAD_LETTERS.name,
        partition_key=f"{message.topic()}/{message.partition()}",
        message_key=key if key is None or len(key) <= original.MOST_BYTES else None,
        value=value if value is None else value[:MOST_BYTES],
        headers=attributes | _history(message, own, headers) | {PREFIX + name: text for name, text in context.items()},
    )


def _own_headers(message: Received) -> Headers:
    """None where they cannot be read."""
    try:
        return headers_of(message) or []
    except PermanentError:
        return None


def _history(message: Received, own: Headers, headers: str | None) -> dict[str, str]:
    """What lets the message be sent again, and tells how often it was."""
    place = f"{message.topic()}/{message.partition()}@{message.offset()}"
    chain = original.chain_of(own, place)
    said = {original.ORIGIN: chain.origin, original.ATTEMPT: str(chain.attempt), original.KEPT: headers}
    return {name: text for name, text in said.items() if text is not None}


def _left_out(key: bytes | None, headers: str | None) -> dict[str, str]:
    too_long = {} if key is None or len(key) <= original.MOST_BYTES else {"key.bytes": str(len(key))}
    return too_long if headers is not None else {**too_long, "headers.left_out": "true"}


def _cut(value: bytes | None) -> dict[str, str]:
    """What tells a value that is not carried whole."""
    if value is None or len(value) <= MOST_BYTES:
        return {}
    return {"value.bytes": str(len(value)), "value.sha256": hashlib.sha256(value).hexdigest()}


def _bytes(part: bytes | str | None) -> bytes | None:
    return part.encode() if isinstance(part, str) else part
