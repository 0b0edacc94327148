"""Nothing is read while a disk is nearly full; afterwards everything is."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import httpx2
import pytest

from okr_common import polling
from okr_ingest_csv import pressure
from okr_ingest_csv.pressure import Pressure, free_bytes

if TYPE_CHECKING:
    from conftest import Scene


async def test_reading_waits_for_room_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pressure, "LOOK_SECONDS", 0.001)
    free = iter([99, 99, 100])
    one = Pressure([Path("/somewhere")], 100, lambda _: next(free))
    stop = asyncio.Event()
    await one.eased(stop)
    assert one.reason is None
    assert next(free, None) is None  # it looked until there was room
    full = Pressure([Path("/somewhere")], 100, lambda _: 99)
    waiting = asyncio.create_task(full.eased(stop))
    await polling.until(lambda: _is(full.reason is not None))
    assert full.reason is not None
    assert "99 bytes free, and 100 are kept free" in full.reason
    stop.set()
    await waiting


async def _is(true: bool) -> bool:  # noqa: FBT001 - polling asks a coroutine
    return true


def test_a_disk_that_cannot_be_looked_at_holds_up_nobody(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "missing") is None
    assert (free_bytes(tmp_path) or 0) > 0


@pytest.mark.stack
async def test_that_the_database_is_slow_is_told_while_it_is_and_a_change_meanwhile_is_seen(scene: "Scene") -> None:
    content = scene.goals(1, 30_000)
    with scene.service(OKR_INGEST_CSV__SLOW_SECONDS="0.2", OKR_INGEST_CSV__BATCH_ROWS="50") as service:
        admin = await asyncpg.connect(scene.stack.admin_dsn("okr_raw"))
        path = scene.drop("goals.csv", content)
        await scene.until(1, "select count(*) from file where batches > 0")
        async with admin.transaction():
            await admin.execute("lock table raw_row in access exclusive mode")
            paused = None
            while paused is None:
                await asyncio.sleep(0.02)
                paused = httpx2.get(f"{service.url}/status").json()["paused"]
            metrics = httpx2.get(f"{service.url}/metrics").text
            (loading,) = httpx2.get(f"{service.url}/files").json()["files"]
            pace = httpx2.get(f"{service.url}/files/{loading['file_id']}").json()["pace"]
            look = path.stat()
            path.write_text(content.replace("Goal 29999", "Gaol 29999"))
            os.utime(path, ns=(look.st_atime_ns, look.st_mtime_ns))
        await admin.close()
        old, new = await scene.ended(2)
        assert httpx2.get(f"{service.url}/status").json()["paused"] is None
    assert "more than 0.2 s to store a batch of" in paused
    assert 'okr_reading_paused{why="okr_raw"} 1.0' in metrics
    assert (old["state"], old["reason"]) == ("failed", "changed_while_read")
    assert (new["state"], new["rows"]) == ("done", 30_000)
    assert (loading["state"], pace["records"] >= 50) == ("loading", True)
    assert pace["records_per_second"] > 0
    assert pace["seconds_left"] > 0


@pytest.mark.stack
async def test_a_file_waits_while_the_disk_is_full_and_is_read_when_it_is_not(scene: "Scene") -> None:
    with scene.service(OKR_INGEST_CSV__MIN_FREE_BYTES=str(10**18)) as service:
        scene.drop("goals.csv", scene.goals(1, 3))
        await scene.until(1, "select count(*) from file where state = 'waiting'")
        paused = None
        while paused is None:
            await asyncio.sleep(0.02)
            paused = httpx2.get(f"{service.url}/status").json()["paused"]
        metrics = httpx2.get(f"{service.url}/metrics").text
        assert await scene.database.fetchval("select count(*) from raw_row") == 0
    assert "reading goes on by itself" in paused
    assert 'okr_reading_paused{why="disk"} 1.0' in metrics
    with scene.service() as service:
        (file,) = await scene.ended(1)
        assert httpx2.get(f"{service.url}/status").json()["paused"] is None
    assert (file["state"], file["rows"]) == ("done", 3)
