"""Measures two replicas of etl against one, on the same two sources: `make bench-replicas`. No figure is a test.

Both sources are released before etl may begin: until then it has no mapping for them. Of two replicas each has one.
"""

import asyncio
import json
import os
import platform
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import workload
from asking import GIVE_UP_SECONDS, Asking
from ingest_gauge import Gauge
from report import by_rows

from okr_common import paths
from okr_common.topics import INGESTION_EVENTS
from okr_stack.solo import SoloService
from okr_stack.stack import Stack

ROWS = 500_000
RECOGNISED = re.compile(r"^recognise:\n(?:[ \t].*\n)+", re.MULTILINE)
EAGER = {"OKR_ETL__SWEEP_SECONDS": "0.2"}


class Scene:
    """Kafka and PostgreSQL, a watched folder, and the mappings: all for ingest-csv, none for etl until it may begin."""

    def __init__(self, folder: Path, stack: Stack, replicas: int) -> None:
        self._stack = stack
        self._asking = Asking(stack)
        self._replicas = replicas
        self._inbox, self._all, self._begun = (folder / name for name in ("inbox", "all", "begun"))
        for each in (self._inbox, self._all, self._begun):
            each.mkdir(parents=True)

    async def run(self, content: bytes) -> dict[str, Any]:
        """From where etl may begin: all applied, all records acknowledged, all documents written."""
        with ExitStack() as running:
            env = {"OKR_SOURCES__FOLDER": str(self._begun), **EAGER}
            names = [f"etl-{number}" for number in range(self._replicas)]
            etls = [running.enter_context(self._service("etl", name, env)) for name in names]
            sources = self._named(await self._shares(etls))
            await self._ingest(sources, content)
            postgres = self._stack.status().parts["postgres"].pid or 0
            gauges = [running.enter_context(Gauge(etl.pid, postgres).reading()) for etl in etls]
            for source in sources:
                (self._begun / f"{source}.yaml").write_text((self._all / f"{source}.yaml").read_text())
            told = await self._times(sources)
        await self._asking.close()
        figures = [gauge.figures for gauge in gauges]
        return {
            **told,
            "etl_cpu_seconds": sum(one["cpu_seconds"] for one in figures),
            "postgres_cpu_seconds": max(one["postgres_cpu_seconds"] for one in figures),
            "peak_rss_mib": max(one["peak_rss_mib"] for one in figures),
        }

    @contextmanager
    def _service(self, stage: str, name: str, env: dict[str, str]) -> Iterator[SoloService]:
        process = SoloService(stage, self._stack.state, self._stack.addresses, env, name=name)
        try:
            process.start()
            process.until_ready()
            yield process
        finally:
            process.stop()

    async def _shares(self, etls: Sequence[SoloService]) -> list[set[int]]:
        """The partitions of each replica, once together they have all."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            shares = [set(httpx2.get(f"{etl.url}/status").json().get("partitions", [])) for etl in etls]
            if all(shares) and sum(map(len, shares)) == INGESTION_EVENTS.partitions:
                return shares
            if time.monotonic() > deadline:
                raise TimeoutError(f"the partitions are not shared: {shares}")
            await asyncio.sleep(0.2)

    def _named(self, shares: Sequence[set[int]]) -> list[str]:
        """Two sources by names that the replicas share: one each where there are two; with their mappings."""
        shipped = (paths.repository() / "configs" / "sources" / "mta_nyct.yaml").read_text()
        found: list[str] = []
        for share in (shares[0], shares[-1]):
            names = (f"goals_{number}" for number in count())
            free = (name for name in names if name not in found and INGESTION_EVENTS.partition_of(name) in share)
            found.append(next(free))
        for name in found:
            recognised = f'recognise: {{ path: "*/{name}.csv" }}\n'
            (self._all / f"{name}.yaml").write_text(RECOGNISED.sub(recognised, shipped, count=1))
        return found

    async def _ingest(self, sources: Sequence[str], content: bytes) -> None:
        env = {"OKR_INGEST_CSV__FOLDERS": json.dumps([str(self._inbox)]), "OKR_SOURCES__FOLDER": str(self._all)}
        with self._service("ingest-csv", "ingest-csv", env):
            for source in sources:
                (self._inbox / f".{source}").write_bytes(content)
                (self._inbox / f".{source}").rename(self._inbox / f"{source}.csv")
            await self._asking.until("raw", f"select count(*) = {len(sources)} from file where state = 'done'")
            await self._asking.until("raw", "select count(*) > 0 and bool_and(position is not null) from batch")

    async def _times(self, sources: Sequence[str]) -> dict[str, float]:
        began, told = time.monotonic(), {}
        batches = await self._asking.ask("raw", "select count(*) from batch")
        queries = {
            "applied": f"select count(*) = {batches} from batch_result",
            "acknowledged": "select not exists (select from delivery.outbox where sent_at is null)",
            "seconds": "select not exists (select from document_due)",
        }
        for name, query in queries.items():
            await self._asking.until("processed", query)
            told[name] = time.monotonic() - began
        assert len(sources) == await self._asking.ask("processed", "select count(*) from source_head")  # noqa: S101 - else no figure
        return told


def on_a_stack(folder: Path, content: bytes, replicas: int) -> dict[str, Any]:
    """Kafka and PostgreSQL as they are shipped, in this folder, for so many replicas; nothing of them is left."""
    folder.mkdir()
    folder.chmod(0o711)
    stack = Stack(folder / "state", tied=True)
    try:
        stack.up(services=False)
        return asyncio.run(Scene(folder, stack, replicas).run(content))
    finally:
        stack.erase()


def measured(folder: Path, rows: int) -> dict[str, Any]:
    """One replica and two, each on a stack of its own."""
    content, _ = workload.repeated(rows)
    one, two = (on_a_stack(folder / str(replicas), content, replicas) for replicas in (1, 2))
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "sources": 2,
        "rows_of_each": rows,
        "one_replica": one,
        "two_replicas": two,
        "speed_up": one["seconds"] / two["seconds"],
        "etl_cpu_microseconds_per_row": {
            name: figures["etl_cpu_seconds"] / (2 * rows) * 1e6 for name, figures in (("one", one), ("two", two))
        },
        "etl_cpu_ratio": two["etl_cpu_seconds"] / one["etl_cpu_seconds"],
    }


if __name__ == "__main__":
    by_rows(__doc__, ROWS, measured)
