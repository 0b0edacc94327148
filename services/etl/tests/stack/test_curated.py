"""From due to written: okr_processed knows what is due until okr_curated holds it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import orjson
import pytest

from okr_common.events import DocumentsCurated
from okr_common.paths import repository
from okr_common.postgres.pool import open_pool
from okr_common.sources import SourcesFolder
from okr_common.topology import STAGES
from okr_etl.absences import Absences
from okr_etl.applier import Applier
from okr_etl.curator import Curator, build
from okr_etl.decider import Decider
from okr_etl.mappings import Mappings
from okr_etl.store.absent import AbsentStore
from okr_etl.store.documents import DocumentStore
from okr_etl.store.due import DueStore
from okr_etl.store.items import Items
from okr_etl.store.processed import ProcessedStore
from okr_etl.store.raw import RawStore
from okr_etl.testing import RawWriter
from okr_etl.testing.inner import of_all
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
STAGE = STAGES["etl"]
MINE = ["mta_nyct"]
Table = tuple[list[str], list[list[str]]]


@dataclass
class Curating:
    """The parts that make documents of rows."""

    applier: Applier
    store: DocumentStore
    processed: asyncpg.Pool
    curated: asyncpg.Pool

    async def apply(self) -> None:
        while await self.applier._next("mta_nyct"):
            pass

    async def curate(self, limit: int = 1000) -> None:
        curator = Curator(
            self.store, sources=lambda: MINE, busy=lambda: False, every_seconds=1, limit=limit, written=lambda: None
        )
        await curator.curate(asyncio.Event())

    async def due(self) -> int:
        return int(await self.processed.fetchval("select count(*) from document_due"))

    async def told(self) -> list[DocumentsCurated]:
        rows = await self.curated.fetch("select value from delivery.outbox order by id")
        return [DocumentsCurated.model_validate_json(row["value"]) for row in rows]


@pytest.fixture
async def curating(fresh_stack: StackUnderTest) -> AsyncIterator[Curating]:
    async with (
        await open_pool(fresh_stack.dsn(STAGE.role, "raw"), "test") as raw,
        await open_pool(fresh_stack.dsn(STAGE.role, "processed"), "test") as processed,
        await open_pool(fresh_stack.dsn(STAGE.role, "curated"), "test") as curated,
        await open_pool(fresh_stack.dsn(STAGE.role, "ops"), "test") as ops,
    ):
        mappings = Mappings(SourcesFolder(repository() / "configs" / "sources"))
        stores = (RawStore(raw), ProcessedStore(processed))
        absences = Absences(stores[0], AbsentStore(processed), b"")
        decider = Decider(DueStore(processed), absences, mappings)
        applier = Applier(*stores, mappings, Items(ops), decider, holds=of_all, applied=lambda: None, sweep_seconds=5)
        yield Curating(applier, DocumentStore(processed, curated), processed, curated)


async def test_one_document_of_each_objective_and_key_result(
    curating: Curating, raw: RawWriter, mta_file: Table
) -> None:
    header, rows = mta_file
    await raw.release("mta_nyct", header, rows[:36])
    await curating.apply()
    await curating.curate(limit=4)
    assert await curating.due() == 0
    documents = await curating.curated.fetch("select * from document order by entity")
    assert [row["entity"] for row in documents] == ["key_result"] * 3 + ["objective"] * 3
    of_2008 = next(row for row in documents if orjson.loads(row["meta"])["source_id"] == "100360/2008")
    assert "Goal: stay at or below 2.37, from 2008-01-01 to 2008-12-31." in of_2008["text"]
    assert orjson.loads(of_2008["labels"])["resolution"] in {"achieved", "missed"}
    assert [(event.documents, event.changed) for event in await curating.told()] == [(4, 4), (2, 2)]


async def test_a_document_has_a_new_version_only_when_it_says_something_new(
    curating: Curating, raw: RawWriter, mta_file: Table
) -> None:
    header, rows = mta_file
    for known in (12, 12, 13):
        await raw.release("mta_nyct", header, rows[:known])
        await curating.apply()
        await curating.curate()
    await curating.processed.execute(
        "insert into document_due (entity_id, entity, source) "
        "select key_result_id, 'key_result', source from key_result"
    )
    await curating.curate()
    versions = await curating.curated.fetch("select version from document")
    assert [row["version"] for row in versions] == [1] * 4
    assert [(event.documents, event.changed) for event in await curating.told()] == [(2, 2), (2, 2)]


async def test_documents_written_again_after_a_crash_are_announced_once(
    curating: Curating, raw: RawWriter, mta_file: Table
) -> None:
    """Killed between the commit in okr_curated and the one in okr_processed: another content under the id was sent."""
    header, rows = mta_file
    await raw.release("mta_nyct", header, rows[:12])
    await curating.apply()
    due = await curating.store.due(MINE, 1000)
    assert due is not None
    assert [await curating.store.write(due, build(due)) for _ in range(2)] == [2, 0]
    assert [(event.documents, event.changed) for event in await curating.told()] == [(2, 2)]


async def test_a_lower_revision_never_overwrites_a_higher_one(
    curating: Curating, raw: RawWriter, mta_file: Table
) -> None:
    header, rows = mta_file
    await raw.release("mta_nyct", header, rows[:6])
    await curating.apply()
    stale = await curating.store.due(MINE, 10)
    assert stale is not None
    await raw.release("mta_nyct", header, rows[:12])
    await curating.apply()
    await curating.curate()
    assert await curating.store.write(stale, build(stale)) == 0
    text = await curating.curated.fetchval("select text from document where entity = 'key_result'")
    assert "Progress (12 check-ins)" in text


async def test_what_fell_due_meanwhile_stays_due(curating: Curating, raw: RawWriter, mta_file: Table) -> None:
    header, rows = mta_file
    await raw.release("mta_nyct", header, rows[:6])
    await curating.apply()
    seen = await curating.store.due(MINE, 10)
    assert seen is not None
    await raw.release("mta_nyct", header, rows[:12])
    await curating.apply()
    await curating.store.write(seen, build(seen))
    assert await curating.due() == 1, "the key result whose history went on"
    await curating.curate()
    text = await curating.curated.fetchval("select text from document where entity = 'key_result'")
    assert "Progress (12 check-ins)" in text
