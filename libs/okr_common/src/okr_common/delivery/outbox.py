"""The transactional outbox: what is to be said, written in the transaction of what happened."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg

from okr_common import codec, polling
from okr_common.clock import utc_now
from okr_common.events import Event
from okr_common.sql import queries
from okr_common.topology import Stage

SQL = queries(__package__)
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


class Outgoing(NamedTuple):
    """One message to publish, or (with `unit`) a bulk stream of them. A tuple, since millions are made.

    Messages of one `order_key` go out in order; `partition_key` chooses the partition; `value` None is a tombstone.
    """

    order_key: str
    topic: str
    partition_key: str
    message_key: bytes | None = None
    value: bytes | None = None
    headers: dict[str, str] | None = None
    unit: dict[str, Any] | None = None


def announce(event: Event, stage: Stage) -> Outgoing:
    """The message that carries this event."""
    attributes = codec.envelope(
        ce_id=event.event_id, ce_type=event.ce_type, source=stage.event_source, subject=event.subject, time=utc_now()
    )
    return Outgoing(
        order_key=event.order_key,
        topic=event.topic.name,
        partition_key=event.order_key,
        message_key=event.order_key.encode(),
        value=codec.to_json(event),
        headers=attributes,
    )


async def put(connection: Connection, service: str, outgoing: Sequence[Outgoing]) -> None:
    """Adds these messages, in this order, to the outbox. Call it inside the transaction that made them true."""
    await connection.execute(
        SQL["put"],
        service,
        [one.order_key for one in outgoing],
        [one.topic for one in outgoing],
        [one.message_key for one in outgoing],
        [one.partition_key for one in outgoing],
        [one.value for one in outgoing],
        [codec.to_json(one.headers or {}).decode() for one in outgoing],
        [None if one.unit is None else codec.to_json(one.unit).decode() for one in outgoing],
    )


async def until_sent(pool: asyncpg.Pool, service: str) -> int:
    """Returns when Kafka has acknowledged everything that stands in the outbox now; how much that was."""
    unsent = [row["id"] for row in await pool.fetch(SQL["unsent_ids"], service)]

    async def all_sent() -> bool:
        return not await pool.fetchval(SQL["still_unsent"], unsent)

    await polling.until(all_sent)
    return len(unsent)
