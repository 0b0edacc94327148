"""A stack with nothing but ingest-csv on it, and a folder into which files are dropped as users drop them."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from ingest_gauge import Gauge

from okr_common.kafka.admin import recreate_topics
from okr_common.postgres import pristine
from okr_stack.solo import SoloService
from okr_stack.stack import Stack

MAPPING = """
title: key results of the {name} benchmark
kind: csv
clock: wall
recognise: {{ path: "*/{name}-*.csv" }}
columns:
  id: {{ from: id, type: text, required: true }}
  title: {{ from: title, type: text }}
  kind: {{ from: kind, type: text, map: {{ number: number, percent: percentage, currency: currency }} }}
  direction: {{ from: direction, type: text, map: {{ increase: increase, decrease: decrease }} }}
  target: {{ from: target, type: number }}
  value: {{ from: value, type: number }}
  day: {{ from: starts_on, type: date }}
  due: {{ from: due_on, type: date }}
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


class Scene:
    """The stack, the watched folder, and a folder beside it where files are made before they are renamed in."""

    def __init__(self, folder: Path, stack: Stack) -> None:
        self.stack = stack
        self.inbox, self.made, self._sources = folder / "inbox", folder / "made", folder / "sources"
        for each in (self.inbox, self.made, self._sources):
            each.mkdir()
        for name in ("large", "small"):
            (self._sources / f"{name}.yaml").write_text(MAPPING.format(name=name))

    @contextmanager
    def service(self, **settings: object) -> Iterator[SoloService]:
        """A running ingest-csv that watches the inbox; settings of its group by name."""
        env = {
            "OKR_SOURCES__FOLDER": str(self._sources),
            "OKR_INGEST_CSV__FOLDERS": json.dumps([str(self.inbox)]),
            **{f"OKR_INGEST_CSV__{name.upper()}": str(value) for name, value in settings.items()},
        }
        process = SoloService("ingest-csv", self.stack.state, self.stack.addresses, env)
        try:
            process.start()
            process.until_ready()
            yield process
        finally:
            process.stop()

    def gauge(self, service: SoloService) -> Gauge:
        """Reads what this service takes, and PostgreSQL beside it."""
        return Gauge(service.pid, self.postgres)

    @property
    def raw_dsn(self) -> str:
        """okr_raw for a role that may only read."""
        return self.stack.env()["OKR_POSTGRES_DSN_RAW"]

    @property
    def postgres(self) -> int:
        """PostgreSQL's first process."""
        pid = self.stack.status().parts["postgres"].pid
        if pid is None:
            raise RuntimeError(f"PostgreSQL does not run; see {self.stack.state.logs}")
        return pid

    def drop(self, files: Sequence[Path]) -> float:
        """Renames made files into the inbox, one after another; returns when it began (seconds, wall clock)."""
        began = time.time()
        for file in files:
            file.rename(self.inbox / file.name)
        return began

    async def empty(self) -> None:
        """Databases as migrated, topics empty, nothing in the inbox. No service may run."""
        recreate_topics(self.stack.addresses.bootstrap)
        await pristine.restore(self.stack.admin_dsn())
        for file in self.inbox.iterdir():
            file.unlink()
        await self._checkpoint()

    async def _checkpoint(self) -> None:
        """What was written before is not the next measurement's to flush."""
        os.sync()
        connection = await asyncpg.connect(self.stack.admin_dsn())
        try:
            await connection.execute("checkpoint")
        finally:
            await connection.close()
