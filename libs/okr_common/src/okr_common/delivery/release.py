"""Releasing batches of okr_raw (design §4): a dense position in the source, and the event that announces it.

Both happen in the caller's transaction, under the lock of the source's row.
"""

from collections.abc import Sequence

from okr_common.delivery.outbox import SQL, Connection
from okr_common.events import BatchIngested


async def lock_source(connection: Connection, source: str) -> None:
    """One claim or release at a time per source, until the transaction ends; a source nobody knows yet is added."""
    if await connection.execute(SQL["lock_source"], source) == "SELECT 0":
        await connection.execute(SQL["add_source"], source)
        await connection.execute(SQL["lock_source"], source)


async def release(connection: Connection, source: str, batch_ids: Sequence[int]) -> list[BatchIngested]:
    """Gives these batches the next positions, in this order, under the lock; the caller puts the events."""
    rows = await connection.fetch(SQL["release"], source, list(batch_ids))
    return [
        BatchIngested(
            source=source,
            batch_id=row["batch_id"],
            position=row["position"],
            rows=row["rows"],
            file_id=row["file_id"],
            request=row["request"],
        )
        for row in sorted(rows, key=lambda row: int(row["position"]))
    ]
