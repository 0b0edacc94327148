"""Five sources that load at once into two replicas of etl, and what must have become of them."""

import asyncio
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import orjson
import polars as pl
import pytest
from prometheus_client.parser import text_string_to_metric_families

from okr_cli.testing import Flow
from okr_cli.verify.oracle import OF_THE_TRAINER
from okr_common import codec, topics
from okr_common.kafka.reader import read_all
from okr_common.records import ProcessedRecord
from okr_common.sources import Mapping as SourceMapping
from okr_common.sources import load_mapping
from okr_etl.testing import MemorySource, undisturbed
from okr_etl.testing.exports import DUE, SOURCES, Exports, encoded
from okr_stack.services import answers
from okr_stack.solo import SoloService

ETLS = ("etl", "etl-2")
REPLAYED = "farms"
RELEASED = "select coalesce(sum(next_position - 1), 0)::int from source"
APPLIED = "select coalesce(sum(position), 0)::int from source_head"
PENDING = """
select (select count(*) from delivery.outbox where sent_at is null) + (select count(*) from document_due)
     + (select count(*) from replay)
     + (select count(*) from source_head h left join due_decided d using (source)
        where h.source = any($1) and (h.position, h.generation) is distinct from (d.position, d.generation))
"""
COUNTS = """
select new, changed, duplicate + unchanged as the_same, rejected, rows from batch_result
where source = $1 and not replayed order by position
"""
CURRENT = """
select k.source_id, o.final_value::float8, o.achieved from outcome o join key_result k using (key_result_id)
where o.source = $1 and o.closed is null
"""
CHAINS = """
select v.entity, v.entity_id::text, row_number() over (partition by v.entity_id order by v.revision), v.knowledge_time,
       v.payload::text
from entity_version v where v.source = $1 and v.closed is null
  and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)
"""
Told = tuple[object, ...]


@dataclass
class Company:
    """Its sources in a running system, with ingest-csv and two replicas of etl."""

    flow: Flow
    folder: Path
    etls: list[SoloService] = field(default_factory=list)
    exports: dict[str, Exports] = field(default_factory=dict)
    loads: int = 0

    @contextmanager
    def at_work(self, **env: str) -> Iterator[None]:
        """Its services run."""
        told = {"OKR_SOURCES__FOLDER": str(self.folder), "OKR_ETL__SWEEP_SECONDS": "1", **env}
        with ExitStack() as stack:
            stack.enter_context(self.flow.stack.service("ingest-csv", told))
            self.etls = [stack.enter_context(self.flow.stack.service("etl", told, name=name)) for name in ETLS]
            yield

    def load(self, rows: int, seed: int) -> None:
        """One more file of each source, about so many new rows together."""
        self.loads += 1
        for name, kind in SOURCES.items():
            exports = self.exports.setdefault(name, Exports(kind, random.Random(f"{seed}/{name}")))  # noqa: S311 - rows
            self.flow.drop(f"{name}-{self.loads:03}.csv", encoded(exports.next(int(rows * kind.share))))

    def replay(self, of: SoloService, name: str = REPLAYED) -> None:
        """Of one source the values are read from another column, and its batches are done again."""
        file = self.folder / f"{name}.yaml"
        file.write_text(file.read_text().replace("value: value", "value: other"))
        httpx2.post(f"{of.url}/sources/{name}/replay", json={}).raise_for_status()

    async def owner(self, name: str) -> SoloService:
        """The replica that has this source."""
        wanted = topics.INGESTION_EVENTS.partition_of(name)
        told = [(etl, (await asyncio.to_thread(_asked, etl, "status")).json()) for etl in self.etls]
        return next(etl for etl, status in told if wanted in status["partitions"])

    async def is_shared(self) -> bool:
        """Each replica has its own partitions, and together they have all."""
        told = [await asyncio.to_thread(_asked, etl, "status") for etl in self.etls]
        held = [number for one in told for number in one.json().get("partitions", [])]
        return all(one.json().get("partitions") for one in told) and sorted(held) == list(
            range(topics.INGESTION_EVENTS.partitions)
        )

    async def prepared(self) -> list[dict[str, int]]:
        """Of each replica how many batches it read and typed, by source, since it was started."""
        return [_prepared((await asyncio.to_thread(_asked, etl, "metrics")).text) for etl in self.etls]

    async def ready(self) -> list[SoloService]:
        """The replicas that have started."""
        return [etl for etl in self.etls if await asyncio.to_thread(answers, f"{etl.url}/readyz")]

    async def behind(self) -> dict[str, int]:
        """The sources with batches that wait to be applied, and how far they are."""
        async with self.flow.reach.database("raw") as raw, self.flow.reach.database("processed") as processed:
            heads = dict(await processed.fetch("select source, position from source_head"))
            released = await raw.fetch("select name, next_position - 1 from source")
        return {name: heads.get(name, 0) for name, position in released if position > heads.get(name, 0)}

    async def is_at_rest(self) -> bool:
        """Every file was read, every batch applied, decided and told, and no replay is under way."""
        read = await self.flow.ask("raw", "select count(*) from file where state = 'done'")
        return read == self.loads * len(SOURCES) and not await self.is_applying()

    async def is_applying(self) -> bool:
        """Something that is released is still to be applied, decided, told or done again."""
        released, applied = await self.flow.ask("raw", RELEASED), await self.flow.ask("processed", APPLIED)
        ending = [name for name, kind in SOURCES.items() if kind.outcome == DUE]
        return bool(released > applied or await self.flow.ask("processed", PENDING, ending))

    async def is_as_if_nothing_had_happened(self) -> None:
        """What was published and what holds is what the sources in memory say; and `okr verify` is clean."""
        told = _told(self.flow.stack.bootstrap)
        async with self.flow.reach.database("raw") as raw, self.flow.reach.database("processed") as processed:
            for name in SOURCES:
                oracle = await undisturbed(raw, self._mapping(name))
                places = [(one.generation, one.position, one.seq) for one in told[name]]
                assert places == sorted(places), f"{name} was published out of its order"
                generation = await processed.fetchval("select generation from source_head where source = $1", name)
                if generation == 1:
                    assert _sequence(told[name], SOURCES[name].outcome == DUE) == _published(oracle), name
                    assert [tuple(row) for row in await processed.fetch(COUNTS, name)] == _counts(oracle), name
                if SOURCES[name].outcome == DUE:
                    ended = {tuple(row) for row in await processed.fetch(CURRENT, name)}
                    assert ended == _ended(oracle), name
                else:
                    assert {tuple(row) for row in await processed.fetch(CHAINS, name)} == _chains(oracle), name
        assert await self.flow.wrong(without=OF_THE_TRAINER) == []

    def _mapping(self, name: str) -> SourceMapping:
        loaded = load_mapping(self.folder / f"{name}.yaml")
        assert isinstance(loaded, SourceMapping), loaded
        return loaded


def _asked(of: SoloService, what: str) -> httpx2.Response:
    return httpx2.get(f"{of.url}/{what}").raise_for_status()


def _prepared(metrics: str) -> dict[str, int]:
    samples = [one for family in text_string_to_metric_families(metrics) for one in family.samples]
    return {one.labels["source"]: int(one.value) for one in samples if one.name == "okr_batches_prepared_total"}


def _told(bootstrap: str) -> dict[str, list[ProcessedRecord]]:
    """Of each source the records in the order in which they were first there."""
    seen: dict[str, dict[str, ProcessedRecord]] = {}
    for read in read_all(bootstrap, [topics.PROCESSED_RECORDS.name]):
        record = codec.decode_record(read.value)
        seen.setdefault(record.source, {}).setdefault(read.headers["ce_id"], record)
    return {source: list(records.values()) for source, records in seen.items()}


def _sequence(told: list[ProcessedRecord], without_outcomes: bool) -> list[Told]:  # noqa: FBT001 - private
    return [
        (one.entity, str(one.entity_id), one.revision, one.knowledge_time, one.payload)
        for one in told
        if not (without_outcomes and one.entity == "outcome")
    ]


def _published(oracle: MemorySource) -> list[Told]:
    return [(*version, orjson.loads(payload)) for *version, payload in oracle.published.iter_rows()]


def _chains(oracle: MemorySource) -> set[Told]:
    """In memory nothing was ever withdrawn, so a place is a revision."""
    return set(oracle.published.iter_rows())


def _counts(oracle: MemorySource) -> list[Told]:
    """Of each batch. Whether a row repeats one of its own batch or of a file before depends on how much was read."""
    return [
        (of["new"], of["changed"], of["duplicate"] + of["unchanged"], of["rejected"], sum(of.values()))
        for of in (applied.counts for applied in oracle.applied)
    ]


def _ended(oracle: MemorySource) -> set[Told]:
    """By the days of the rows: the last value of each key result whose due date is more than three days ago."""
    newest = oracle.published.sort("revision").unique("entity_id", keep="last")
    payloads = {entity: _payloads(newest.filter(entity=entity)) for entity in ("key_result", "check_in")}
    goals, check_ins = payloads["key_result"], payloads["check_in"].values()
    today = pl.Series([one["as_of"] for one in check_ins]).str.to_date().max()
    last: dict[str, Mapping[str, object]] = {}
    for one in sorted(check_ins, key=lambda one: str(one["as_of"])):
        last[str(one["key_result_id"])] = one
    return {
        (goal["source_id"], last[key]["value"], last[key]["value"] >= goal["target"])
        for key, goal in goals.items()
        if (today - pl.Series([goal["due_on"]]).str.to_date()[0]).days > 3
    }


def _payloads(versions: pl.DataFrame) -> dict[str, dict[str, object]]:
    return {row["entity_id"]: orjson.loads(row["payload"]) for row in versions.iter_rows(named=True)}


@pytest.fixture
def company(flow: Flow, tmp_path: Path) -> Company:
    """Nothing loaded yet, and no service running."""
    folder = tmp_path / "sources"
    folder.mkdir()
    for name, kind in SOURCES.items():
        (folder / f"{name}.yaml").write_text(kind.mapping(name))
    return Company(flow, folder)
