"""kill -9 at random moments, of services and of readers, two replicas on one folder: every row once, little read twice.

The moments come from a seed. What a seed does to a load depends on the machine too, but it kills the same kinds of
processes after the same times.
"""

import asyncio
import csv
import io
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
import psutil
import pytest

from okr_common.events import BatchIngested
from okr_common.testing.waiting import until
from okr_stack import processes
from okr_stack.solo import SoloService

if TYPE_CHECKING:
    from conftest import Scene

pytestmark = [pytest.mark.stack, pytest.mark.faults]
READERS = 2
IN_HAND = READERS + 1
"""Batches that a service has read or begun and not stored: one of each reader, and the one it stores."""
READER_SHARE = 0.4
HELD = "select count(*) from pg_locks where locktype = 'advisory' and classid = 7306"
HEADER = "id,title,kind,direction,target,value,day,due"
DEBUG = {"OKR_LOGS__LEVEL": "DEBUG"}
SMALL = {"OKR_INGEST_CSV__LARGE_FILE_BYTES": "1000000", "OKR_INGEST_CSV__BATCH_ROWS": "5000"}
"""A file of some megabytes is a large one, of many ranges."""


def goals(first: int, count: int) -> bytes:
    """Rows of `goals`; some take two lines, and one in a thousand is no row."""
    lines = [HEADER]
    for n in range(first, first + count):
        title = '"Ünits, sold\r\nabroad"' if n % 7 == 0 else f"Goal {n}"
        lines.append("too,few" if n % 1000 == 999 else f"g{n},{title},n,up,10,{n},2026-03-01,2026-12-31")
    return ("\n".join(lines) + "\n").encode()


class Log:
    """What the services say from now on of the ranges they begin to read."""

    def __init__(self, scene: "Scene", names: Sequence[str] = ("ingest-csv", "ingest-csv-2")) -> None:
        self._paths = [scene.stack.stack.state.logs / f"{name}.log" for name in names]
        self._from = {path: path.stat().st_size if path.exists() else 0 for path in self._paths}

    def begun(self) -> list[tuple[int, int]]:
        """The file and first byte of each range, in the order in which their reading began."""
        said = [line for path in self._paths for line in self._lines(path)]
        return [(line["file_id"], line["byte"]) for line in sorted(said, key=lambda line: str(line["timestamp"]))]

    def _lines(self, path: Path) -> Iterator[dict[str, Any]]:
        with path.open("rb") as log:
            log.seek(self._from[path])
            for line in log:
                if b'"range_begun"' in line:
                    yield orjson.loads(line)


@dataclass
class Killer:
    """Kills, starts again what it killed, and keeps count."""

    scene: "Scene"
    services: Sequence[SoloService]
    chance: random.Random
    killed: dict[str, int] = field(default_factory=lambda: {"service": 0, "reader": 0})
    slowest_orphan: float = 0.0

    @property
    def kills(self) -> int:
        return sum(self.killed.values())

    async def kill_one(self) -> None:
        """A service with its readers living on, as the kernel would do it, or one reader."""
        readers = {service.name: readers_of(service) for service in self.services}
        victims = [reader for some in readers.values() for reader in some]
        if victims and self.chance.random() < READER_SHARE:
            self.killed["reader"] += 1
            self.chance.choice(victims).kill()
            return
        self.killed["service"] += 1
        loading = [service for service in self.services if readers[service.name]]
        service = self.chance.choice([*self.services, *loading])  # rather the one that loads
        os.kill(service.pid, signal.SIGKILL)
        service.wait(10)
        await self._no_orphans(readers[service.name])
        service.start()

    async def _no_orphans(self, readers: Sequence[psutil.Process]) -> None:
        began = time.monotonic()
        _, alive = await asyncio.to_thread(psutil.wait_procs, readers, 5)
        assert alive == [], "readers live on without their service"
        self.slowest_orphan = max(self.slowest_orphan, time.monotonic() - began)


def readers_of(service: SoloService) -> list[psutil.Process]:
    try:
        children = psutil.Process(service.pid).children()
        return [child for child in children if is_reader(child)]
    except psutil.NoSuchProcess:
        return []


def is_reader(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


@dataclass(frozen=True)
class Siege:
    """So many kills over loads of so many rows; a load that is under way is left alone for at most `spare` seconds."""

    seed: int
    kills: int
    rows: int
    spare: float
    env: dict[str, str]


LONG = Siege(20261125, 50, 1_000_000, 1.5, {})
SHORT = [Siege(seed, 5, 150_000, 0.6, SMALL) for seed in (1, 2, 3)]
SIEGES = [*SHORT, pytest.param(LONG, marks=pytest.mark.long)]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("siege", SIEGES, ids=lambda siege: f"{siege.kills} kills, seed {siege.seed}")
async def test_killed_at_random_moments_every_row_is_there_once(
    scene: "Scene", siege: Siege, capsys: pytest.CaptureFixture[str]
) -> None:
    log, contents = Log(scene), list[bytes]()
    began = time.monotonic()
    with scene.replicas(**siege.env, **DEBUG) as services:
        killer = Killer(scene, services, random.Random(siege.seed))  # noqa: S311 - moments, not secrets
        while killer.kills < siege.kills:
            await drop_the_next_if_all_have_ended(scene, siege, contents)
            if await is_loading(scene):
                await asyncio.sleep(killer.chance.uniform(0, siege.spare))  # the moment is the point
                await killer.kill_one()
        files = await scene.ended(len(contents), wait_seconds=120)
        for service in services:
            service.until_ready()
        await scene.sent()
    killing = time.monotonic() - began
    assert [one for one in processes.ours(scene.stack.stack.state.name) if is_reader(one)] == []
    assert len(files) == len(contents)
    for file, content in zip(files, contents, strict=True):
        await every_record_is_there_once(scene, file, content)
    assert await scene.wrong() == []
    await every_batch_is_announced_once(scene)
    begun = log.begun()
    assert set(begun) == {
        tuple(row.values()) for row in await scene.fetch("select file_id, byte_start from file_range")
    }
    again = len(begun) - len(set(begun))
    assert again <= IN_HAND * killer.killed["service"] + killer.killed["reader"]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{killer.kills} kills in {killing:.0f} s over {len(contents)} loads of {siege.rows:,} rows: "
            f"{killer.killed}; of {len(set(begun))} ranges {again} read again; "
            f"readers gone after {killer.slowest_orphan:.2f} s at most\n"
        )


HOLDER = """
select split_part(s.application_name, ':', 2)::int from pg_locks l join pg_stat_activity s using (pid)
where l.locktype = 'advisory' and l.classid = 7306 and s.backend_xid is null and s.state = 'idle'
"""
TAKEN_OVER_SECONDS = 30.0


@pytest.mark.timeout(180)
async def test_a_file_that_a_stopped_replica_holds_is_taken_over_and_is_there_once(scene: "Scene") -> None:
    """Also between two transactions, where only its session's lock holds the file."""
    content = goals(1, 100_000)
    admin = await asyncpg.connect(scene.stack.admin_dsn("okr_raw"))
    with scene.replicas(**SMALL) as services:
        scene.drop("1.csv", content)
        stopped = await until(lambda: stopped_while_it_holds(admin), within=60, every=0.005)
        await admin.close()
        assert await scene.database.fetchval("select count(*) from file where state <> 'done'") == 1
        (file,) = await scene.ended(1, wait_seconds=TAKEN_OVER_SECONDS + 20)
        os.kill(stopped, signal.SIGCONT)
        scene.drop("2.csv", goals(100_001, 10_000))
        await scene.ended(2, wait_seconds=60)
        for service in services:
            service.until_ready()
        await scene.sent()
    await every_record_is_there_once(scene, file, content)
    await every_batch_is_announced_once(scene)
    assert await scene.wrong() == []


async def stopped_while_it_holds(admin: asyncpg.Connection) -> int | None:
    """The process that holds a file, stopped, outside of any transaction; None where it went on before that."""
    pid = await admin.fetchval(HOLDER)
    if pid is None:
        return None
    os.kill(pid, signal.SIGSTOP)
    if await admin.fetchval(HOLDER) == pid:
        return int(pid)
    os.kill(pid, signal.SIGCONT)
    return None


async def drop_the_next_if_all_have_ended(scene: "Scene", siege: Siege, contents: list[bytes]) -> None:
    files = await scene.files()
    if sum(file["state"] == "done" for file in files) == len(contents):
        contents.append(await asyncio.to_thread(goals, 1 + len(contents) * siege.rows, siege.rows))
        scene.drop(f"{len(contents)}.csv", contents[-1])
        await scene.until(len(contents), "select count(*) from file")


async def is_loading(scene: "Scene") -> bool:
    """Waits until somebody loads the file; false where it has ended."""

    async def look() -> str | None:
        if await scene.database.fetchval(HELD):
            return "loading"
        unfinished = await scene.database.fetchval("select count(*) from file where state <> 'done'")
        return None if unfinished else "ended"

    return await until(look, within=60) == "loading"


async def every_record_is_there_once(scene: "Scene", file: dict[str, Any], content: bytes) -> None:
    """Against what the csv module makes of the bytes: numbers, cells, and how many are no rows."""
    _, *records = csv.reader(io.StringIO(content.decode(), newline=""))
    expected = [(number, cells) for number, cells in enumerate(records, 1) if len(cells) == 8]
    assert (file["state"], file["rows"], file["unreadable"]) == ("done", len(expected), len(records) - len(expected))
    wanted = iter(expected)
    async for row in rows_of(scene, file["file_id"]):
        assert (row["row_num"], orjson.loads(row["cells"])) == next(wanted)
    assert next(wanted, None) is None


async def rows_of(scene: "Scene", file_id: int) -> AsyncIterator[asyncpg.Record]:
    query = """select r.row_num, r.cells from batch b join raw_row r using (batch_id) where file_id = $1
        order by b.number, r.row_num"""
    async with scene.database.transaction():
        async for row in scene.database.cursor(query, file_id, prefetch=5_000):
            yield row


async def every_batch_is_announced_once(scene: "Scene") -> None:
    """Under one id, in the order of positions."""
    events = {event.event_id: event for event in scene.events() if isinstance(event, BatchIngested)}
    batches = await scene.fetch("select batch_id, position from batch order by position")
    assert [(event.batch_id, event.position) for event in events.values()] == [tuple(row.values()) for row in batches]
    assert [row["position"] for row in batches] == list(range(1, len(batches) + 1))
