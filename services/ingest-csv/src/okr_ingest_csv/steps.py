"""The steps of a scheduled run: the same code as between the cadences, on whatever is still pending.

The run waits for what is there when its step begins; what arrives meanwhile is the live watch's.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from okr_common import polling
from okr_common.delivery.outbox import until_sent
from okr_common.run_steps import RunContext, Steps
from okr_common.sql import queries
from okr_common.topology import Stage
from okr_ingest_csv.loader import Loader
from okr_ingest_csv.store import Store
from okr_ingest_csv.sweep import Sweeper

SQL = queries(__package__)
SETTLE_SECONDS = 30.0
"""How long a run waits for files that are still being written; after that they are the next one's."""
LOOK_AGAIN_SECONDS = 0.5
NAMED = 20
"""So many files are named in the ledger; all of them stand in okr_raw."""
Detail = Mapping[str, Any]


class CsvSteps:
    """What a run of ingest-csv does."""

    def __init__(self, stage: Stage, sweeper: Sweeper, loader: Loader, store: Store) -> None:
        self._stage = stage
        self._sweeper = sweeper
        self._loader = loader
        self._store = store
        self._pool = store.pool

    def as_steps(self) -> Steps:
        """By their names in the ledger."""
        return {
            "scan": self.scan,
            "validate": self.validate,
            "load": self.load,
            "clean": self.clean,
            "publish": self.publish,
            "track": self.track,
        }

    async def scan(self, _: RunContext) -> Detail:
        """Every complete file in the folders is claimed, or left alone with a reason."""
        swept = await self._sweeper.sweep()
        offered = swept.offered
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while swept.unsettled:
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
                    swept = await self._sweeper.sweep()
                    offered += swept.offered
        except TimeoutError:
            pass
        return asdict(replace(swept, offered=offered))

    async def validate(self, context: RunContext) -> Detail:
        """Each file claimed by this run was judged by its bytes and its header; some are set aside with a reason."""
        files = orjson.loads(await self._pool.fetchval(SQL["claimed_since"], _began(context)))
        aside = [file for file in files if file["state"] in {"quarantined", "failed"}]
        return {"claimed": len(files), "set_aside": len(aside), "named": aside[:NAMED]}

    async def load(self, context: RunContext) -> Detail:
        """Every file that was on its way is at its end: its rows are in okr_raw and judged, or it says why not."""
        for source in await self._store.unfinished_sources():
            self._loader.wake(source)
        unfinished = [row["file_id"] for row in await self._pool.fetch(SQL["unfinished_ids"])]
        await polling.until(partial(self._finished, unfinished))
        loaded = dict(await self._pool.fetchrow(SQL["loaded_since"], _began(context)) or {})
        findings = await self._pool.fetch(SQL["found_since"], _began(context))
        return {**loaded, "findings": {f"{row['kind']} ({row['severity']})": row["files"] for row in findings}}

    async def _finished(self, files: list[int]) -> bool:
        return not await self._pool.fetchval(SQL["still_unfinished"], files)

    async def clean(self, context: RunContext) -> Detail:
        """What is no row was kept apart, with its reason; what cleaning will change in the others was counted."""
        began = _began(context)
        unreadable = await self._pool.fetch(SQL["set_aside_since"], began)
        cells = await self._pool.fetch(SQL["to_clean_since"], began)
        return {
            "unreadable": {row["reason"]: row["records"] for row in unreadable},
            "cells_to_clean": {row["rule"]: row["cells"] for row in cells},
        }

    async def publish(self, _: RunContext) -> Detail:
        """Kafka has acknowledged everything that was to be said."""
        return {"messages": await until_sent(self._pool, self._stage.service)}

    async def track(self, _: RunContext) -> Detail:
        """Where each source stands now."""
        rows = await self._pool.fetch(SQL["sources_now"])
        return {"sources": {row["source"]: {k: v for k, v in row.items() if k != "source"} for row in rows}}


def _began(context: RunContext) -> datetime:
    assert context.run.started_at is not None  # noqa: S101 - a step runs in a run that was started
    return context.run.started_at
