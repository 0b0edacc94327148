"""Measures etl alone: `make bench-etl`. Figures as JSON (--json FILE) and as a table. No figure is a test."""

import asyncio
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import workload
from asking import Asking
from etl_floor import Floor
from ingest_gauge import Gauge
from report import by_rows

from okr_common import paths
from okr_stack.solo import SoloService
from okr_stack.stack import Stack

ROWS = 1_000_000
VALUE_FROM_END = -3


class Scene:
    """Kafka and PostgreSQL, a folder ingest-csv watches, and etl, each service run only while it is wanted."""

    def __init__(self, folder: Path, stack: Stack) -> None:
        self.stack = stack
        self.asking = Asking(stack)
        self.ask, self.until = self.asking.ask, self.asking.until
        self.inbox = folder / "inbox"
        self.sources = folder / "sources"
        for each in (self.inbox, self.sources):
            each.mkdir()
        mapping = paths.repository() / "configs" / "sources" / "mta_nyct.yaml"
        (self.sources / mapping.name).write_text(mapping.read_text())

    @contextmanager
    def service(self, name: str) -> Iterator[SoloService]:
        """The service, running."""
        folders = json.dumps([str(self.inbox)])
        env = {"OKR_INGEST_CSV__FOLDERS": folders, "OKR_SOURCES__FOLDER": str(self.sources)}
        process = SoloService(name, self.stack.state, self.stack.addresses, env)
        try:
            process.start()
            process.until_ready()
            yield process
        finally:
            process.stop()

    async def load(self, name: str, content: bytes) -> dict[str, Any]:
        """A file, timed from where it is released: applied, records acknowledged, documents written.

        Batches are released together, when their file was read to its end, so etl has nothing to do until then, and
        ingest-csv nothing from then on.
        """
        with self.service("etl") as etl, self.service("ingest-csv"):
            pid = self.stack.status().parts["postgres"].pid
            before = await self.ask("raw", "select coalesce(max(position), 0) from batch")
            self._drop(name, content)
            await self.until("raw", f"select max(position) > {before} from batch")
            with Gauge(etl.pid, pid or 0).reading() as gauge:
                told = await self._times()
        return {**told, **gauge.figures}

    async def replay(self, old: str = "", new: str = "") -> dict[str, Any]:
        """All batches again, after this edit of the mapping: until what differs is acknowledged and written."""
        file = self.sources / "mta_nyct.yaml"
        file.write_text(file.read_text().replace(old, new))
        with self.service("etl") as etl:
            pid = self.stack.status().parts["postgres"].pid
            done = await self.ask("processed", "select count(*) from replay_done")
            with Gauge(etl.pid, pid or 0).reading() as gauge:
                began = time.monotonic()
                httpx2.post(f"{etl.url}/sources/mta_nyct/replay", json={}, timeout=60).raise_for_status()
                await self.until("processed", f"select count(*) > {done} from replay_done")
                told = await self._times()
        versions = await self.ask("processed", "select versions from replay_done order by generation desc limit 1")
        return {**told, "seconds": time.monotonic() - began, "versions": versions, **gauge.figures}

    def _drop(self, name: str, content: bytes) -> None:
        (self.inbox / f".{name}").write_bytes(content)
        (self.inbox / f".{name}").rename(self.inbox / name)

    async def _times(self) -> dict[str, float]:
        began = time.monotonic()
        positions = await self.ask("raw", "select max(position) from batch")
        queries = {
            "applied": f"select coalesce(max(position), 0) = {positions} from batch_result",
            "acknowledged": "select not exists (select from delivery.outbox where sent_at is null)",
            "seconds": "select not exists (select from document_due)",
        }
        told = {}
        for name, query in queries.items():
            await self.until("processed", query)
            told[name] = time.monotonic() - began
        return told


async def measured(scene: Scene, rows: int) -> dict[str, Any]:
    """New rows; all of them again with one that changed; one row alone that changed; and the bare writes."""
    try:
        return await _measured(scene, rows)
    finally:
        await scene.asking.close()


async def _measured(scene: Scene, rows: int) -> dict[str, Any]:
    content, _ = workload.repeated(rows)
    new = await scene.load("new.csv", content)
    floor = await Floor(scene.stack).run()
    again = await scene.load("again.csv", _with_one_change(content, b"1.25"))
    one = await scene.load("one.csv", _with_one_change(_last_row(content), b"2.5"))
    counts = (
        "select sum(changed) || ' changed, ' || sum(unchanged) || ' unchanged' from batch_result where not replayed"
    )
    replays = {
        "replay_without_a_change": await scene.replay(),
        "replay_with_every_target_changed": await scene.replay("from: YTD_TARGET", "from: MONTHLY_TARGET"),
    }
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "rows": rows,
        "new": new,
        "again_with_one_change": again,
        "one_changed_row": one,
        **replays,
        "counts": await scene.ask("processed", counts),
        "rows_per_second": rows / new["seconds"],
        "again_times_faster": new["seconds"] / again["seconds"],
        "floor": floor,
        "ratio_to_floor": new["seconds"] / floor["seconds"],
    }


def _last_row(content: bytes) -> bytes:
    """A file of the header and the last row."""
    header, _, rows = content.partition(b"\r\n")
    return header + b"\r\n" + rows.rstrip(b"\r\n").rpartition(b"\n")[2] + b"\r\n"


def _with_one_change(content: bytes, figure: bytes) -> bytes:
    """The last row's figure is another."""
    head, _, last = content.rstrip(b"\r\n").rpartition(b"\n")
    cells = last.split(b",")
    cells[VALUE_FROM_END] = figure
    return head + b"\n" + b",".join(cells) + b"\r\n"


def on_a_stack(folder: Path, rows: int) -> dict[str, Any]:
    """Kafka and PostgreSQL as they are shipped, in this folder; nothing of them is left."""
    stack = Stack(folder / "state", tied=True)
    try:
        stack.up(services=False)
        return asyncio.run(measured(Scene(folder, stack), rows))
    finally:
        stack.erase()


if __name__ == "__main__":
    by_rows(__doc__, ROWS, on_a_stack)
