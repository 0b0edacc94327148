"""The daily recount, one statement in each of two databases."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from okr_common.delivery import outbox
from okr_common.delivery.outbox import announce
from okr_common.events import BatchDrifted
from okr_common.topology import STAGES
from okr_etl.domain.reconcile import Drift, Result, Stored
from okr_etl.store import LONG_SECONDS, SQL

STAGE = STAGES["etl"]
TOLD_AT_MOST = 100
"""Events of one run: who needs all of them asks `okr verify`."""


class ReconcilingStore:
    """Reads okr_raw and okr_processed, and tells what differs."""

    def __init__(self, raw: asyncpg.Pool, processed: asyncpg.Pool) -> None:
        self._raw = raw
        self._processed = processed

    async def since(self, moment: datetime) -> dict[str, int]:
        """Of each source the first position that was released or applied since then."""
        applied = await self._processed.fetch(SQL["applied_from"], moment)
        first: dict[str, int] = {}
        for row in [*await self._raw.fetch(SQL["released_from"], moment), *applied]:
            first[row["source"]] = min(row["position"], first.get(row["source"], row["position"]))
        return first

    async def results(self, first: Mapping[str, int]) -> list[Result]:
        """Of each batch from these positions on its newest result, beside what is there."""
        places = (list(first), list(first.values()))
        rows = await self._processed.fetch(SQL["reconciled_results"], *places, timeout=LONG_SECONDS)
        return [Result(**row) for row in rows]

    async def batches(self, first: Mapping[str, int]) -> list[Stored]:
        """The released batches from these positions on, with their rows counted."""
        places = (list(first), list(first.values()))
        rows = await self._raw.fetch(SQL["reconciled_batches"], *places, timeout=LONG_SECONDS)
        return [Stored(**row) for row in rows]

    async def tell(self, found: Sequence[Drift], run_id: UUID) -> None:
        """Announces them, the first hundred of a run."""
        events = [
            BatchDrifted(
                source=one.source, position=one.position, batch_id=one.batch_id, run_id=run_id, wrong=one.wrong
            )
            for one in found[:TOLD_AT_MOST]
        ]
        async with self._processed.acquire() as connection, connection.transaction():
            await outbox.put(connection, STAGE.service, [announce(event, STAGE) for event in events])
