"""Whoever a mapping hides shows nowhere behind okr_raw, whichever way the rows went."""

import csv
import io
from pathlib import Path

import asyncpg
import pytest

from okr_common.paths import repository
from okr_common.postgres.pool import open_pool
from okr_common.topology import STAGES
from okr_etl.curator import build
from okr_etl.domain.people import hidden
from okr_etl.store.documents import DocumentStore
from okr_etl.testing import RawWriter
from okr_etl.testing.inner import inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
ROLE = STAGES["etl"].role
KEY = "a key of sixteen"
TABLES = """
select format('%I.%I', schemaname, tablename) as name from pg_tables
where schemaname not in ('pg_catalog', 'information_schema')
  and has_table_privilege(format('%I.%I', schemaname, tablename), 'select')
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Betterworks twice: its keys and titles hold owners; one of both hides them."""
    text = (repository() / "configs" / "sources" / "betterworks.yaml").read_text(encoding="utf-8")
    (tmp_path / "open.yaml").write_text(text, encoding="utf-8")
    hides = text.replace("from: owner_email, type: text", "from: owner_email, type: text, person: true")
    (tmp_path / "hides.yaml").write_text(hides, encoding="utf-8")
    return tmp_path


def export() -> tuple[list[str], list[list[str]]]:
    text = (repository() / "samples" / "formats" / "betterworks.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    bad = ["", "goal", "much", "soon", "2026-03-31", "mallory@example.com", "", ""]
    return header, [*rows, bad]


async def everything(pool: asyncpg.Pool) -> str:
    """All rows of all tables, as text."""
    found = []
    for table in await pool.fetch(TABLES):
        rows = await pool.fetch(f"select t::text as row from {table['name']} t")
        found += [row["row"] for row in rows]
    return "\n".join(found)


async def test_nobody_shows_after_an_export_its_news_a_replay_and_the_documents(
    fresh_stack: StackUnderTest, raw: RawWriter, sources: Path
) -> None:
    header, rows = export()
    async with (
        inner(fresh_stack.dsn, sources, person_key=KEY) as etl,
        await open_pool(fresh_stack.dsn(ROLE, "curated"), "test") as curated,
    ):
        monday = await raw.release("hides", header, rows)
        await etl.apply_all("hides")
        moved = [[*row[:2], "55", *row[3:]] if row[0] == "Grow in Europe" else row for row in rows[1:] + rows[:1]]
        tuesday = await raw.release("hides", header, moved)
        await raw.compare(tuesday, monday)
        await etl.apply_all("hides")
        await etl.replays.ask("hides", 1)
        while await etl.replayer._step("hides"):
            pass
        assert await etl.replays.waits.look() == {}
        documents = DocumentStore(etl.pool, curated)
        while (due := await documents.due(["hides"], 1000)) is not None:
            await documents.write(due, build(due))
        made = await everything(etl.pool), await everything(curated)
        titles = await etl.pool.fetch("select title from objective")
        rejected = await etl.pool.fetch("select reasons from rejected")
    assert hidden("ada@example.com", KEY.encode()) in {row["title"] for row in titles}
    assert len(rejected) >= 2
    assert all("person-" in text for text in made)
    assert [text for text in made if "@example.com" in text] == []


async def test_without_a_key_only_the_source_that_hides_people_waits_and_a_key_lets_it_go_on(
    fresh_stack: StackUnderTest, raw: RawWriter, sources: Path
) -> None:
    header, rows = export()
    for source in ("hides", "open"):
        await raw.release(source, header, rows)
    async with inner(fresh_stack.dsn, sources) as etl:
        assert not await etl.applier._next("hides")
        assert etl.applier.waiting["hides"].reason == "no_person_key"
        await etl.apply_all("open")
    async with inner(fresh_stack.dsn, sources, person_key=KEY) as etl:
        await etl.apply_all("hides")
        owners = await etl.pool.fetch("select distinct source from objective where title like 'person-%'")
    assert [row["source"] for row in owners] == ["hides"]
