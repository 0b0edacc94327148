"""The inner parts of the service, wired without its process: a test takes the steps itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from okr_common.clock import utc_now
from okr_common.events import BatchTransformed
from okr_common.postgres.pool import open_pool
from okr_common.sources import SourcesFolder
from okr_common.topology import STAGES
from okr_etl.absences import Absences
from okr_etl.applier import Applier
from okr_etl.decider import Decider
from okr_etl.mappings import Mappings
from okr_etl.replayer import Replayer
from okr_etl.store.absent import AbsentStore
from okr_etl.store.due import DueStore
from okr_etl.store.items import Items
from okr_etl.store.processed import ProcessedStore
from okr_etl.store.raw import RawStore
from okr_etl.store.replays import ReplayStore
from okr_etl.testing.released import SQL

ROLE = STAGES["etl"].role


@dataclass
class Inner:
    """The parts; `pool` is okr_processed's."""

    raw: RawStore
    processed: ProcessedStore
    replays: ReplayStore
    pool: asyncpg.Pool
    mappings: Mappings
    applier: Applier
    replayer: Replayer

    async def apply_all(self, source: str) -> None:
        """Applies every released batch of the source; it may not have to wait."""
        while await self.applier._next(source):  # noqa: SLF001 - the step itself
            pass
        assert source not in self.applier.waiting  # noqa: S101 - used by tests only

    async def transformed(self) -> list[BatchTransformed]:
        """What was told of every batch that was transformed, in order."""
        rows = await self.pool.fetch(SQL["told"], BatchTransformed.ce_type)
        return [BatchTransformed.model_validate_json(row["value"]) for row in rows]


def of_all(_: str) -> bool:
    """Of a replica that is alone, or does not care for what the others do: every source is its own."""
    return True


@asynccontextmanager
async def inner(
    dsn: Callable[[str, str], str], sources: Path, now: Callable[[], datetime] = utc_now, *, person_key: str = ""
) -> AsyncIterator[Inner]:
    """The parts on these databases; `dsn` gives the address of a role and database, `sources` holds the mappings."""
    async with (
        await open_pool(dsn(ROLE, "raw"), "test") as raw_pool,
        await open_pool(dsn(ROLE, "processed"), "test") as pool,
        await open_pool(dsn(ROLE, "ops"), "test") as ops,
    ):
        raw, processed, replays = RawStore(raw_pool), ProcessedStore(pool), ReplayStore(pool)
        mappings = Mappings(SourcesFolder(sources), person_key)
        absences = Absences(raw, AbsentStore(pool), mappings.key)
        decider = Decider(DueStore(pool), absences, mappings, now)
        applier = Applier(
            raw, processed, mappings, Items(ops), decider, holds=of_all, applied=lambda: None, sweep_seconds=5
        )
        replayer = Replayer(
            raw, processed, replays, mappings, decider, holds=of_all, told=lambda: None, every_seconds=5
        )
        yield Inner(raw, processed, replays, pool, mappings, applier, replayer)
