"""Two workers on the same sources, one started anew now and then, files cut otherwise, turns taken in any order.

What is published of a source, and in which order, is what one undisturbed worker would have published of its batches.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import orjson
import pytest

from okr_common.metrics import BATCHES_FORETOLD
from okr_common.sources import Mapping, load_mapping
from okr_etl.testing import MemorySource, RawWriter, undisturbed
from okr_etl.testing.exports import FINAL, HEADER, RECORDED, Exports, Kind
from okr_etl.testing.inner import Inner, inner
from okr_stack.testing import StackUnderTest

if TYPE_CHECKING:
    from okr_common.events import BatchIngested

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
KINDS = (
    Kind("data", 1, FINAL),
    Kind("wall", 1, is_full=True),
    Kind("data", 1, FINAL, RECORDED),
    Kind("data", 1, FINAL),
)
FILES = 3
SEQUENCE = """
select entity, entity_id::text, revision, knowledge_time, payload from entity_version
where source = $1 order by position, seq
"""
CURRENT = "select revision, encode(content_hash, 'hex') from {0} where source = $1"
ENTITIES = ("objective", "key_result", "check_in", "outcome")
FEW, MANY = range(3), range(3, 23)
Told = tuple[object, ...]


@dataclass
class Workers:
    """Two of them, and where they work."""

    stack: StackUnderTest
    folder: Path
    raw: asyncpg.Connection
    at_work: list[Inner] = field(default_factory=list)
    ends: list[AsyncExitStack] = field(default_factory=list)

    async def start(self) -> None:
        """One more; of two the first one ends."""
        if len(self.at_work) == 2:
            self.at_work.pop(0)
            await self.ends.pop(0).aclose()
        self.ends.append(AsyncExitStack())
        self.at_work.append(await self.ends[-1].enter_async_context(inner(self.stack.dsn, self.folder)))

    async def take_turns(self, sources: list[str], by: random.Random) -> None:
        """Until nobody finds anything to do."""
        while await self._are_behind(sources):
            if by.random() < 0.1:
                await self.start()
            turns = [(worker, by.choice(sources)) for worker in self.at_work]
            wanted = by.choice([turns, turns[:1], [(worker, turns[0][1]) for worker, _ in turns]])
            await asyncio.gather(*(worker.applier._next(source) for worker, source in wanted))
        assert all(worker.applier.waiting == {} for worker in self.at_work)

    async def _are_behind(self, sources: list[str]) -> bool:
        heads, released = await self.at_work[0].processed.heads(), await self.at_work[0].raw.released_positions()
        return any(heads.get(source, 0) < released[source] for source in sources)

    def mapping(self, name: str) -> Mapping:
        loaded = load_mapping(self.folder / f"{name}.yaml")
        assert isinstance(loaded, Mapping), loaded
        return loaded

    async def sequence(self, name: str) -> list[Told]:
        return [tuple(row) for row in await self.at_work[0].pool.fetch(SEQUENCE, name)]

    async def current(self, name: str) -> set[Told]:
        pool = self.at_work[0].pool
        return {tuple(row) for entity in ENTITIES for row in await pool.fetch(CURRENT.format(entity), name)}


@pytest.fixture
async def workers(fresh_stack: StackUnderTest, tmp_path: Path) -> AsyncIterator[Workers]:
    connection = await asyncpg.connect(fresh_stack.dsn("okr_readonly", "raw"))
    made = Workers(fresh_stack, tmp_path, connection)
    for _ in range(2):
        await made.start()
    yield made
    for end in made.ends:
        await end.aclose()
    await connection.close()


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=[pytest.mark.faults, pytest.mark.long])], ids=str)
async def test_whoever_applies_what_when_the_same_is_published(workers: Workers, raw: RawWriter, seeds: range) -> None:
    before = foretold()
    for seed in seeds:
        sources = {f"s{seed}_{number}": number for number in range(len(KINDS))}
        for name, number in sources.items():
            (workers.folder / f"{name}.yaml").write_text(KINDS[number].mapping(name))
        await load(workers, raw, sources, seed)
        for name in sources:
            oracle = await undisturbed(workers.raw, workers.mapping(name))
            assert await workers.sequence(name) == list(oracle.published.iter_rows()), f"seed {seed}, {name}"
            assert await workers.current(name) == newest(oracle), f"seed {seed}, {name}"
        first, *_, last = [said(await workers.sequence(name)) for name in sources]
        assert first == last, f"seed {seed}: wherever the files are cut"
    assert foretold() > before, "some batches were compared while the one before was written"


def foretold() -> float:
    samples = [sample for metric in BATCHES_FORETOLD.collect() for sample in metric.samples]
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))  # others tell when it began


async def load(workers: Workers, raw: RawWriter, sources: dict[str, int], seed: int) -> None:
    """The first and the last source have the same files, cut otherwise; the second one's are full exports."""
    by, last = random.Random(seed), len(KINDS) - 1  # noqa: S311 - turns, not secrets
    files = {name: random.Random(f"{seed}/{number % last}") for name, number in sources.items()}  # noqa: S311 - rows
    exports = {name: Exports(KINDS[number], files[name]) for name, number in sources.items()}
    before: dict[str, list[BatchIngested]] = {}
    for _ in range(FILES):
        for name in sources:
            events = await raw.release(name, HEADER, exports[name].next(60), batch_rows=by.randint(5, 60))
            if name in before:
                await raw.compare(events, before[name])
            before[name] = events
        if by.random() < 0.7:
            await workers.take_turns(list(sources), by)
    await workers.take_turns(list(sources), by)


def newest(oracle: MemorySource) -> set[Told]:
    held = oracle.held.filter(oracle.held["revision"].is_not_null()).sort("revision")
    return set(held.unique("entity_id", keep="last").select("revision", "content_hash").iter_rows())


def said(sequence: list[Told]) -> set[Told]:
    """Of what belongs to one key result, in words that two sources share: an objective's first row is the batch's."""
    found = set()
    for entity, _, revision, known, payload in sequence:
        words = {name: text for name, text in orjson.loads(str(payload)).items() if not name.endswith("_id")}
        found.add((entity, orjson.loads(str(payload))["source_id"], revision, known, str(words)))
    return {one for one in found if one[0] != "objective"}
