"""Consumer offsets that live in PostgreSQL, beside what was made of the messages (design §5.4).

Each assignment raises the epoch; the former owner's commit then matches no row.
"""

from dataclasses import dataclass, replace

from okr_common.delivery.outbox import SQL, Connection
from okr_common.errors import FencedError


@dataclass(frozen=True, slots=True)
class Held:
    """A partition that this process owns: under which epoch, and which message is next."""

    consumer: str
    topic: str
    partition: int
    epoch: int
    next_offset: int


async def acquire(
    connection: Connection, consumer: str, topic: str, partition: int, *, topic_id: str, cluster_id: str
) -> Held:
    """Takes over a partition. Another topic or cluster id than the stored one (a broker made anew) starts at 0."""
    row = await connection.fetchrow(SQL["acquire_offset"], consumer, topic, partition, topic_id, cluster_id)
    assert row is not None  # noqa: S101 - an upsert returns its row
    return Held(consumer, topic, partition, row["epoch"], row["next_offset"])


async def commit(connection: Connection, held: Held, next_offset: int) -> Held:
    """Moves the offset, in the caller's transaction. Raises FencedError where another owner has taken over."""
    tag = await connection.execute(
        SQL["commit_offset"], held.consumer, held.topic, held.partition, held.epoch, held.next_offset, next_offset
    )
    if tag != "UPDATE 1":
        raise FencedError(
            f"{held.topic}/{held.partition} at {held.next_offset}: another replica of {held.consumer} owns it now"
        )
    return replace(held, next_offset=next_offset)
