"""The end of each transaction: whose turn it is gets a position, and what happened is announced in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from okr_common.delivery.outbox import Connection, announce, put
from okr_common.delivery.release import release
from okr_common.events import Event
from okr_common.sql import queries
from okr_common.topology import Stage
from okr_ingest_csv.domain.release import InLine, Loaded, releasable

SQL = queries("okr_ingest_csv")


@dataclass(frozen=True, slots=True)
class Turns:
    """Releases and announces for one service; `committed` is called after each commit."""

    stage: Stage
    committed: Callable[[], None]

    async def announce(self, connection: Connection, events: Sequence[Event]) -> None:
        """Put these events into the outbox."""
        if events:
            await put(connection, self.stage.service, [announce(event, self.stage) for event in events])

    async def release(self, connection: Connection, source: str) -> list[Event]:
        """Positions for all batches whose turn it is. The source is locked, and its files are as they will be."""
        rows = await connection.fetch(SQL["in_line"], source)
        files = {InLine(row["file_id"], row["place"], row["state"]) for row in rows}
        loaded = [Loaded(row["batch_id"], row["file_id"], row["number"]) for row in rows if row["batch_id"] is not None]
        released = releasable(list(files), loaded)
        return list(await release(connection, source, released)) if released else []
