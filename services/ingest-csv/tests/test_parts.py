"""Large files, read in parts: stopped, changed, taken away, misplanned, beside other files, by two replicas."""

import asyncio
import contextlib
import io
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import orjson
import psutil
import pytest

from okr_common.counted import counted
from okr_common.events import BatchIngested
from okr_ingest_csv.domain.record import Shape, Unreadable
from okr_ingest_csv.domain.records import read_records
from okr_ingest_csv.testing import dialect_in
from okr_stack.solo import SoloService

if TYPE_CHECKING:
    from conftest import Scene

pytestmark = [pytest.mark.stack, pytest.mark.faults]
ROWS = 100_000
PARTS = {"OKR_INGEST_CSV__LARGE_FILE_BYTES": "100000", "OKR_INGEST_CSV__BATCH_ROWS": "2000"}
"""Of ROWS rows there are some 80 ranges."""
STOPS_WITHIN = 20.0


async def half_way(scene: "Scene", batches: int = 5) -> None:
    """Until the large file has some of its batches, and many are still to come."""
    await scene.until(batches, "select coalesce(max(batches), 0) from file")
    assert await scene.database.fetchval("select count(*) from file where state = 'loading'") == 1


async def every_row_is_there_once(scene: "Scene", ids: range) -> None:
    rows = await scene.rows()
    assert [orjson.loads(row["cells"])[0] for row in rows] == [f"g{n}" for n in ids]
    assert await scene.wrong() == []


async def test_sigterm_does_not_wait_until_a_file_is_looked_through(scene: "Scene") -> None:
    """45 GB, all of it a hole, which takes half a minute and more."""
    part = scene.stack.inbox / ".huge.part"
    with part.open("wb") as file:
        file.truncate(45_000_000_000)
    with scene.service() as service:
        part.rename(scene.stack.inbox / "huge.csv")
        await until_opened(service, "huge.csv")
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < STOPS_WITHIN / 2
    assert await scene.files() == []


async def test_sigterm_does_not_wait_for_a_plan_and_is_no_failure(scene: "Scene") -> None:
    with scene.service() as service:
        long_to_plan(scene).rename(scene.stack.inbox / "large.csv")
        await scene.until(1, "select count(*) from file where state = 'validating'")
        assert service.stop() == 0
    (file_row,) = await scene.files()
    assert (file_row["state"], file_row["batches"]) == ("validating", 0)


async def test_a_plan_that_ends_with_the_service_leaves_the_other_lanes_to_end_their_batch(
    scene: "Scene", sources: Path
) -> None:
    goals = (sources / "goals.yaml").read_text()
    (sources / "others.yaml").write_text(goals.replace("title, due]", "title, aim]").replace("from: due", "from: aim"))
    with scene.service(**PARTS) as service:
        long_to_plan(scene).rename(scene.stack.inbox / "large.csv")
        scene.drop("others.csv", scene.goals(1, ROWS).replace("day,due", "day,aim", 1))
        await scene.until(2, "select count(*) from file where state in ('validating', 'loading')")
        await scene.until(5, "select max(batches) from file where source = 'others'")
        assert service.stop() == 0
        large, others = sorted(await scene.files(), key=lambda file: str(file["source"]))
    assert (large["state"], large["batches"], others["state"]) == ("validating", 0, "loading")
    stored = await scene.fetch("select sum(rows)::int as rows, count(*) as batches from batch")
    assert [tuple(row.values()) for row in stored] == [(others["rows"], others["batches"])]


def long_to_plan(scene: "Scene") -> Path:
    """Not yet renamed in: 10M records, which a plan takes a second and more to look through."""
    part = scene.stack.inbox / ".large.part"
    header, body = scene.goals(1, 100_000).split("\n", 1)
    with part.open("w") as file:
        file.write(f"{header}\n")
        for _ in range(100):
            file.write(body)
    return part


async def test_sigterm_does_not_wait_until_a_file_begun_is_compared_with_what_was_claimed(
    scene: "Scene", tmp_path: Path
) -> None:
    """As after a crash within 45 GB that one reader reads: nothing is added before all bytes are known to be those."""
    one_reader = {"OKR_INGEST_CSV__LARGE_FILE_BYTES": "100000000000", "OKR_INGEST_CSV__BATCH_ROWS": "100"}
    crash = {"OKR_CRASH_AT": "after_commit:1", "OKR_CRASH_REACHED": str(tmp_path / "reached")}
    with scene.service(**one_reader, **crash) as service:
        file = scene.drop("huge.csv", scene.goals(1, 1_000))
        await asyncio.to_thread(service.wait, 30)
    os.truncate(file, 45_000_000_000)
    await (await scene.admin()).execute("update file set bytes = 45000000000")
    with scene.service(**one_reader) as service:
        await until_opened(service, "huge.csv", times=2)  # looked through, for it has changed; and compared
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < STOPS_WITHIN / 2
    (row,) = await scene.files()
    assert (row["state"], row["batches"]) == ("loading", 1)


async def until_opened(service: SoloService, name: str, times: int = 1) -> None:
    until = time.monotonic() + STOPS_WITHIN
    while [Path(one.path).name for one in psutil.Process(service.pid).open_files()].count(name) < times:
        assert time.monotonic() < until, f"{name} is not being read"
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("whom", ["service", pytest.param("service and readers", marks=pytest.mark.long)])
async def test_sigterm_ends_a_large_load_in_time_and_it_goes_on_with_what_is_left(scene: "Scene", whom: str) -> None:
    with scene.service(**PARTS) as service:
        scene.drop("goals.csv", scene.goals(1, ROWS))
        await half_way(scene)
        readers = psutil.Process(service.pid).children()
        began = time.monotonic()
        if whom == "service":
            assert service.stop() == 0
        else:  # as an init system does that knows no difference
            os.killpg(service.pid, signal.SIGTERM)
            assert service.wait(30) == 0
        assert time.monotonic() - began < STOPS_WITHIN
        assert (await asyncio.to_thread(psutil.wait_procs, readers, 5))[1] == []
        (file,) = await scene.files()
        stored = await scene.fetch("select batch_id from batch order by number")
        assert file["state"] == "loading"
        assert len(stored) == file["batches"]
        planned = await scene.fetch("select * from file_range order by number")
        assert file["next_byte"] == planned[file["batches"]]["byte_start"]
        assert len(planned) - file["batches"] > 20
        service.start()
        (file,) = await scene.ended(1)
        await scene.sent()
    batches = await scene.fetch("select batch_id, number, first_row, rows, position from batch order by number")
    assert [one["batch_id"] for one in batches][: len(stored)] == [one["batch_id"] for one in stored]
    assert [(one["number"], one["first_row"], one["rows"]) for one in batches] == [
        (one["number"], one["first_row"], one["records"]) for one in planned
    ]
    assert [one["position"] for one in batches] == [one["number"] for one in planned]
    assert file["state"] == "done"
    await every_row_is_there_once(scene, range(1, ROWS + 1))


async def test_parts_are_no_larger_than_the_memory_for_them_allows(scene: "Scene") -> None:
    """So many may stand in it at once: those of two readers and one that is stored, four times over each."""
    memory = 16_777_216
    roomy = {**PARTS, "OKR_INGEST_CSV__BATCH_ROWS": "1000000", "OKR_INGEST_CSV__MEMORY_BYTES": str(memory)}
    with scene.service(**roomy):
        scene.drop("goals.csv", scene.goals(1, ROWS))
        await scene.ended(1)
    planned = [row["bytes"] for row in await scene.fetch("select bytes from file_range")]
    assert len(planned) > 1
    assert max(planned) <= memory // 4 // 3
    await every_row_is_there_once(scene, range(1, ROWS + 1))


async def test_of_a_planned_file_the_last_part_is_read_as_planned_too(scene: "Scene", tmp_path: Path) -> None:
    """Although what is left would not be a large file: otherwise all of it would be looked through again."""
    reached = tmp_path / "reached"
    crash = {"OKR_CRASH_AT": "after_commit:5", "OKR_CRASH_REACHED": str(reached)}
    large = {**PARTS, "OKR_INGEST_CSV__LARGE_FILE_BYTES": "1000000"}
    with scene.service(**large, **crash) as service:
        path = scene.drop("goals.csv", scene.goals(1, 20_000))
        assert service.wait(30) == -9
        assert reached.exists()
        (file,) = await scene.files()
        assert path.stat().st_size - file["next_byte"] < 1_000_000 < path.stat().st_size
        service.start({"OKR_INGEST_CSV__BATCH_ROWS": "7"})
        await scene.ended(1)
    planned = await scene.fetch("select number, first_row, records as rows from file_range order by number")
    assert planned == await scene.fetch("select number, first_row, rows from batch order by number")
    await every_row_is_there_once(scene, range(1, 20_001))


def rewrite(path: Path, content: str) -> None:
    path.write_text(content.replace("Goal ", "Gaol "))


def append(path: Path, content: str) -> None:
    with path.open("a") as more:
        more.write(content.split("\n", 2)[1] + "\n")


def shrink(path: Path, content: str) -> None:
    os.truncate(path, content.index("g90000,"))


def replace_it(path: Path, content: str) -> None:
    other = path.with_name(".other")
    other.write_text(content.replace(",10,", ",11,"))
    other.rename(path)


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        (append, ROWS + 1),
        (shrink, 89_999),
        pytest.param(rewrite, ROWS, marks=pytest.mark.long),
        pytest.param(replace_it, ROWS, marks=pytest.mark.long),
    ],
)
async def test_a_file_that_changes_while_its_parts_are_read_keeps_what_was_read(
    scene: "Scene", change: Callable[[Path, str], None], rows: int
) -> None:
    content = scene.goals(1, ROWS)
    with scene.service(**PARTS, OKR_INGEST_CSV__RESCAN_SECONDS="1") as service:  # nobody tells of a file cut short
        path = scene.drop("goals.csv", content)
        await half_way(scene)
        change(path, content)
        old, new = await scene.ended(2)
        await scene.sent()
        assert service.is_alive
    assert (old["state"], old["reason"]) == ("failed", "changed_while_read")
    await half_of_it_stays(scene, old)
    assert f"the {counted(old['batches'], 'batch', 'batches')} read before stay" in old["detail"]
    assert (new["state"], new["rows"], new["revert_of"]) == ("done", rows, None)
    await released_in_order(scene, old, new)


async def test_a_file_that_is_taken_away_while_its_parts_are_read_keeps_what_was_read(scene: "Scene") -> None:
    with scene.service(**PARTS) as service:
        path = scene.drop("goals.csv", scene.goals(1, ROWS))
        await half_way(scene)
        path.unlink()
        (gone,) = await scene.ended(1)
        scene.drop("goals.csv", scene.goals(1, ROWS))
        gone, again = await scene.ended(2)
        await scene.sent()
        assert service.is_alive
    assert (gone["state"], gone["reason"]) == ("vanished", "vanished")
    assert "goals.csv was taken away" in gone["detail"]
    await half_of_it_stays(scene, gone)
    assert (again["state"], again["rows"], again["revert_of"]) == ("done", ROWS, None)
    await released_in_order(scene, gone, again)


async def half_of_it_stays(scene: "Scene", file: dict[str, Any]) -> None:
    assert 5 <= file["batches"] < 60
    planned = "select sum(records) from file_range where file_id = $1 and number <= $2"
    assert file["rows"] == await scene.database.fetchval(planned, file["file_id"], file["batches"])


async def released_in_order(scene: "Scene", *files: dict[str, Any]) -> None:
    """All batches of one file before those of the next, each announced."""
    batches = await scene.fetch("select file_id, number, position from batch order by position")
    expected = [(file["file_id"], number) for file in files for number in range(1, file["batches"] + 1)]
    assert [(one["file_id"], one["number"]) for one in batches] == expected
    assert [one["position"] for one in batches] == list(range(1, len(expected) + 1))
    announced = {event.event_id: event for event in scene.events() if isinstance(event, BatchIngested)}
    assert [event.position for event in announced.values()] == [one["position"] for one in batches]
    assert await scene.wrong() == []


async def test_a_reader_that_is_killed_is_replaced_and_the_load_goes_on(scene: "Scene") -> None:
    with scene.service(**PARTS) as service:
        scene.drop("goals.csv", scene.goals(1, ROWS))
        await half_way(scene)
        pid = service.pid
        for reader in psutil.Process(pid).children():
            if "spawn_main" in " ".join(reader.cmdline()):
                reader.kill()
        (file,) = await scene.ended(1)
        assert service.pid == pid
        assert service.is_alive
    assert (file["state"], file["rows"]) == ("done", ROWS)
    await every_row_is_there_once(scene, range(1, ROWS + 1))


async def test_two_replicas_load_a_large_file_and_many_small_ones_once_each(scene: "Scene") -> None:
    """The small ones of the same source come after it, wherever they were read; those of another do not wait."""
    first = 1_000_000
    with scene.replicas(**PARTS) as services:
        scene.drop("large.csv", scene.goals(1, ROWS))
        await half_way(scene)
        for number in range(150):
            scene.drop(f"{number:03}.csv", scene.goals(first + number * 10, 10))
        files = await scene.ended(151, wait_seconds=60)
        await scene.sent()
        assert all(service.is_alive for service in services)
    assert len(files) == 151
    assert {file["state"] for file in files} == {"done"}
    await released_in_order(scene, *files)
    assert len({row["cells"] for row in await scene.rows()}) == ROWS + 1500


async def test_a_file_let_go_comes_after_all_others_and_is_the_last_word(scene: "Scene") -> None:
    """Both replicas are asked to let it go; one of them does."""
    odd, plain = scene.goals(1, 60) + "too,few\n" * 40, scene.goals(1, 3)
    with scene.replicas() as (one, two):
        scene.drop("odd.csv", odd)
        await scene.ended(1)
        scene.drop("plain.csv", plain)
        held, done = await scene.ended(2)
        assert (held["state"], done["state"]) == ("quarantined", "done")
        answers = await asyncio.gather(
            *(asyncio.to_thread(release, service, held["file_id"]) for service in (one, two))
        )
        assert sorted(answers) == [200, 409]
        scene.drop("odd again.csv", odd)
        await scene.until(1, "select count(*) from sighting where path like '%odd again.csv'")
        assert len(await scene.files()) == 2
        scene.drop("plain again.csv", plain)
        *_, back = await scene.ended(3)
        scene.drop("odd once more.csv", odd)
        *_, forth = await scene.ended(4)
        await scene.sent()
    assert (back["state"], back["revert_of"]) == ("done", done["file_id"])
    assert (forth["state"], forth["revert_of"], forth["rows"]) == ("done", held["file_id"], 60)
    await released_in_order(scene, done, await file_now(scene, held["file_id"]), back, forth)


def release(service: SoloService, file_id: int) -> int:
    return httpx2.post(f"{service.url}/files/{file_id}/release").status_code


async def file_now(scene: "Scene", file_id: int) -> dict[str, Any]:
    return next(file for file in await scene.files() if file["file_id"] == file_id)


async def test_a_range_over_which_every_reader_dies_does_not_hold_up_the_others_for_ever(scene: "Scene") -> None:
    with scene.service(**PARTS) as service:
        scene.drop("goals.csv", scene.goals(1, ROWS))
        await half_way(scene)
        while (await scene.files())[0]["state"] == "loading":
            with contextlib.suppress(psutil.NoSuchProcess):  # one that has died meanwhile
                for reader in psutil.Process(service.pid).children():
                    reader.kill()
            await asyncio.sleep(0.01)
        scene.drop("next.csv", scene.goals(1, 3))
        first, after = await scene.ended(2)
    assert (first["state"], first["reason"], after["state"]) == ("failed", "reader_died", "done")
    assert "want of memory" in first["detail"]


async def test_a_wrong_plan_is_found_out_and_one_reader_goes_on(scene: "Scene") -> None:
    """Its quotes are regular, but one of its cells is longer than a whole record may be."""
    cell_bytes = 1_024
    rows = scene.goals(1, 30_000).split("\n")
    rows[15_000] = 'g15000,"' + "a line of it\n" * 1_000 + '",n,up,10,1,2026-03-01,2026-12-31'
    content = "\n".join(rows).encode()
    with scene.service(**PARTS, OKR_INGEST_CSV__MAX_CELL_BYTES=str(cell_bytes)) as service:
        scene.drop("goals.csv", content)
        (file,) = await scene.ended(1)
        shown = httpx2.get(f"{service.url}/files/{file['file_id']}").json()
    assert file["state"] == "done"
    assert "one reader reads on where the parts ended" in shown["one_reader"]
    start = dialect_in(content).start
    records = list(
        read_records(io.BytesIO(content[start.byte :]), Shape("utf-8", ",", 8), start, cell_bytes=cell_bytes)
    )
    assert file["unreadable"] == sum(isinstance(one, Unreadable) for one in records) > 1_000
    assert [(row["byte_start"], row["first_line"], orjson.loads(row["cells"])) for row in await scene.rows()] == [
        (one[3], one[1], one[0]) for one in records if not isinstance(one, Unreadable)
    ]
    assert await scene.wrong() == []


UNPLANNED = {
    "a quote in a cell": ("utf-8", 'Goal "9"', "neither opens nor closes a cell"),
    "UTF-16": ("utf-16", "Goal 9", "UTF-16"),
}


@pytest.mark.parametrize(("encoding", "title", "why"), UNPLANNED.values(), ids=UNPLANNED)
async def test_a_file_that_cannot_be_cut_says_that_one_reader_reads_it(
    scene: "Scene", encoding: str, title: str, why: str
) -> None:
    content = scene.goals(1, 10_000).replace("Goal 9,", f"{title},")
    with scene.service(**PARTS) as service:
        scene.drop("goals.csv", content.encode(encoding))
        (file,) = await scene.ended(1)
        shown = httpx2.get(f"{service.url}/files/{file['file_id']}").json()
    assert (file["state"], file["rows"], file["unreadable"]) == ("done", 10_000, 0)
    assert why in shown["one_reader"]
    assert await scene.database.fetchval("select count(*) from file_range") == 0
    await every_row_is_there_once(scene, range(1, 10_001))
