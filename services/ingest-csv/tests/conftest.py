"""A running ingest-csv with an inbox, and what okr_raw and Kafka know of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from okr_cli.reach import Reach
from okr_cli.verify import files, raw
from okr_cli.verify.evidence import evidence
from okr_common import codec, topics
from okr_common.events import Event
from okr_common.kafka.reader import read_all
from okr_stack.solo import SoloService
from okr_stack.testing import StackUnderTest

WAIT_SECONDS = 20.0
LOOK_EVERY_SECONDS = 0.01
HEADER = "id,title,kind,direction,target,value,day,due"
MAPPING = """
title: goals of a test
kind: csv
clock: wall
recognise: {{ columns: [id, title, {mark}] }}
columns:
  id: {{ from: id, type: text, required: true }}
  title: {{ from: title, type: text }}
  kind: {{ from: kind, type: text, map: {{ n: number }} }}
  direction: {{ from: direction, type: text, map: {{ up: increase }} }}
  target: {{ from: {target}, type: number }}
  value: {{ from: value, type: number }}
  day: {{ from: day, type: date }}
  due: {{ from: due, type: date }}
entities:
  objective: {{ key: [id], title: title }}
  key_result:
    key: [id]
    title: title
    metric_kind: kind
    direction: direction
    target: target
    start_on: day
    due_on: due
  check_in: {{ key: [id, day], as_of: day, value: value }}
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Two sources: `goals` reads HEADER; `plans` asks for a column that its own recognition does not."""
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "goals.yaml").write_text(MAPPING.format(mark="due", target="target"))
    (folder / "plans.yaml").write_text(MAPPING.format(mark="plan", target="targte"))
    return folder


@dataclass
class Scene:
    """The inbox, the database, and the events sent so far."""

    stack: StackUnderTest
    env: Mapping[str, str]
    database: asyncpg.Connection
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)

    def service(self, **more: str) -> AbstractContextManager[SoloService]:
        """A running ingest-csv that watches the inbox."""
        return self.stack.service("ingest-csv", {**self.env, **more})

    @contextmanager
    def replicas(self, **more: str) -> Iterator[tuple[SoloService, SoloService]]:
        """Two of it, on the same inbox."""
        second = self.stack.service("ingest-csv", {**self.env, **more}, name="ingest-csv-2")
        with self.service(**more) as one, second as two:
            yield one, two

    @staticmethod
    def table(rows: Sequence[Sequence[object]], header: str = HEADER) -> str:
        """CSV of rows that need no quotes."""
        return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"

    @classmethod
    def goals(cls, first: int, count: int) -> str:
        """Some rows of the source `goals`."""
        numbers = range(first, first + count)
        return cls.table([(f"g{n}", f"Goal {n}", "n", "up", 10, n, "2026-03-01", "2026-12-31") for n in numbers])

    async def admin(self) -> asyncpg.Connection:
        """The database as its owner, to bring about what a service would take long for."""
        connection = await asyncpg.connect(self.stack.admin_dsn("okr_raw"))
        self.closing.push_async_callback(connection.close)
        return connection

    def drop(self, name: str, content: bytes | str) -> Path:
        """A file that is complete at once: renamed in."""
        hidden = self.stack.inbox / f".{name}.part"
        hidden.write_bytes(content if isinstance(content, bytes) else content.encode())
        return hidden.rename(self.stack.inbox / name)

    async def fetch(self, query: str, *values: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.database.fetch(query, *values)]

    async def files(self) -> list[dict[str, Any]]:
        return await self.fetch("select * from file order by file_id")

    async def ended(self, count: int, wait_seconds: float = WAIT_SECONDS) -> list[dict[str, Any]]:
        """The files, once so many have come to an end."""
        until = time.monotonic() + wait_seconds
        while time.monotonic() < until:
            files = await self.files()
            if sum(file["state"] in {"done", "failed", "quarantined", "vanished"} for file in files) >= count:
                return files
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise AssertionError(f"waited for {count} files to end; there are {await self.files()}")

    async def until(self, count: int, query: str, *values: object) -> None:
        """Waits until the query, which counts something, gives at least this."""
        until = time.monotonic() + WAIT_SECONDS
        while (found := await self.database.fetchval(query, *values)) < count:
            assert time.monotonic() < until, f"waited for {count}, there are {found}: {query}"
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def sent(self) -> None:
        """Returns when the outbox is empty."""
        until = time.monotonic() + WAIT_SECONDS
        while await self.database.fetchval("select count(*) from delivery.outbox where sent_at is null"):
            assert time.monotonic() < until, "the outbox is not emptied"
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def rows(self) -> list[dict[str, Any]]:
        """All rows in the order of their batches' positions."""
        return await self.fetch("""select b.source, b.position, r.* from batch b
            join raw_row r on r.batch_id = coalesce(b.rows_of, b.batch_id) order by b.source, b.position, r.row_num""")

    async def wrong(self) -> list[str]:
        """What `okr verify` finds in okr_raw, and where the files' bytes say something else."""
        async with evidence(Reach.of(self.stack.stack)) as of:
            checks = [*await raw.check(of), *await files.check(of)]
        return [f"{check.name}: {finding}" for check in checks for finding in check.findings]

    def events(self) -> list[Event]:
        """Everything on okr_ingestion_events."""
        read = read_all(self.stack.bootstrap, [topics.INGESTION_EVENTS.name])
        return [codec.decode_event(list(one.headers.items()), one.value) for one in read]


@pytest.fixture
async def scene(fresh_stack: StackUnderTest, sources: Path) -> AsyncIterator[Scene]:
    """An empty inbox and no service yet."""
    connection = await asyncpg.connect(fresh_stack.dsn("okr_readonly", "raw"))
    env = {"OKR_SOURCES__FOLDER": str(sources), "OKR_INGEST_CSV__STABLE_SECONDS": "0.3"}
    scene = Scene(fresh_stack, env, connection)
    yield scene
    await scene.closing.aclose()
    await connection.close()
