"""What the monitor watches, planted directly into the databases; and the monitor itself, connected or running."""

import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest_asyncio

from okr_common.settings import KafkaSettings, PostgresSettings
from okr_common.sql import parse
from okr_monitor.service import Monitor, connect
from okr_monitor.settings import MonitorSettings, Settings
from okr_stack.testing import StackUnderTest

SQL = parse((Path(__file__).parent / "planted.sql").read_text())
DATABASES = ("raw", "processed", "curated", "ops")
REASONS = json.dumps([{"feature": "margin", "text": "6 % short of its target", "weight": -1.5}])


@dataclass(frozen=True)
class Slot:
    """A run on whose behalf a step works."""

    run_id: UUID
    logical_time: datetime


class Planted:
    """Writes what the other services would have written, and looks at what stands there."""

    def __init__(self, databases: dict[str, asyncpg.Connection]) -> None:
        self._databases = databases
        self._next = 0

    async def put(self, database: str, name: str, *rows: Sequence[Any]) -> None:
        """Runs a statement of planted.sql for each row."""
        await self._databases[database].executemany(SQL[name], rows or [()])

    async def ask(self, database: str, query: str, *arguments: object) -> Any:  # noqa: ANN401
        """One value."""
        return await self._databases[database].fetchval(query, *arguments)

    async def run(self, pipeline: str = "monitor", state: str = "running", reason: str | None = None) -> Slot:
        """A run in the ledger, later than those planted before."""
        self._next += 1
        slot = Slot(uuid4(), datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=self._next))
        await self.put("ops", "run", (slot.run_id, pipeline, slot.logical_time, state, reason))
        return slot

    async def source(self, name: str, *, rows: int, rejected: int = 0, counted: int | None = None) -> None:
        """A source with one released batch, applied, with these many rejected rows and one unreadable record."""
        await self.put("raw", "source", (name,))
        await self.put("raw", "file", (name, 1, "done"))
        batch = await self._databases["raw"].fetchval(SQL["batch"], name, f"request of {name}", rows, 1, 1)
        await self.put("raw", "unreadable", (batch, 1, "too_few_cells"))
        await self.put("processed", "head", (name, 1))
        new = (rows if counted is None else counted) - rejected
        await self.put("processed", "batch_result", (name, 1, 1, new + rejected, new, rejected))
        bad = [(name, 1, number, ["bad_date"]) for number in range(rejected)]
        if bad:
            await self.put("processed", "rejected", *bad)

    async def model(self, key_results: int = 60) -> None:
        """A model whose training saw a standard normal margin in each month of the year."""
        await self.put("ops", "model")
        await self.put("ops", "model_version")
        await self.predictions("replay", key_results, shift=0.0)

    async def predictions(self, kind: str, key_results: int, *, shift: float, months: int = 12) -> list[UUID]:
        """Monthly predictions of so many key results, whose margin is shifted."""
        draw = random.Random(f"{kind} {shift}")  # noqa: S311 - no secret
        ids = [uuid4() for _ in range(key_results)]
        rows = [
            (uuid4(), kind, each, f"{number}/2026", month / 12 - 0.01, _features(draw, shift), 0.2, REASONS, BASELINES)
            for number, each in enumerate(ids)
            for month in range(1, months + 1)
        ]
        await self.put("ops", "prediction", *rows)
        return ids

    async def at_risk(self, number: int) -> None:
        """Open key results at high risk, with titles."""
        for each in range(number):
            key_result, prediction, chance = uuid4(), uuid4(), 0.02 + 0.27 * each / number
            name, title = f"{each}/2026", f"Mean distance between failures, line {each}"
            row = (prediction, "live", key_result, name, 0.5, "{}", chance, REASONS, BASELINES)
            await self.put("ops", "prediction", row)
            await self.put("ops", "key_result_state", (key_result, name, prediction, chance))
            await self.put("processed", "key_result", (key_result, name, title))


BASELINES = json.dumps({"class_prior": 0.5, "meets_now": 0.1})


def _features(draw: random.Random, shift: float) -> str:
    return json.dumps({"margin": draw.gauss(shift, 1.0), "direction": draw.choice(["stay_above", "stay_below"])})


@pytest_asyncio.fixture
async def planted(fresh_stack: StackUnderTest) -> AsyncIterator[Planted]:
    """Empty databases, ready to be written to."""
    databases = {name: await asyncpg.connect(fresh_stack.admin_dsn(f"okr_{name}")) for name in DATABASES}
    yield Planted(databases)
    for connection in databases.values():
        await connection.close()


@pytest_asyncio.fixture
async def monitor(fresh_stack: StackUnderTest) -> AsyncIterator[Monitor]:
    """The monitor's parts, connected, in this process; none of them runs by itself."""
    dsns = {name: fresh_stack.dsn("okr_monitor", name) for name in DATABASES}
    settings = Settings.model_construct(
        kafka=KafkaSettings(bootstrap=fresh_stack.bootstrap),
        postgres=PostgresSettings(**dsns),
        monitor=MonitorSettings(services={}, grace_seconds=0),
    )
    async with AsyncExitStack() as stack:
        yield await connect(stack, settings)
