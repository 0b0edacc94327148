"""Killed anywhere, a load goes on where it was left: every row once, every batch in its place, each event by one id."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from okr_common.events import BatchIngested, FileDone
from okr_stack.solo import SoloService

if TYPE_CHECKING:
    from conftest import Scene

pytestmark = [pytest.mark.stack, pytest.mark.faults]
BATCHES = {"OKR_INGEST_CSV__BATCH_ROWS": "100"}
POINTS = [
    "after_copy:2",
    "before_commit:2",
    "after_commit:2",
    "between_acknowledgement_and_mark",
    *(
        pytest.param(point, marks=pytest.mark.long)
        for point in ("before_claim_commit", "after_claim_commit", "after_copy:1", "after_commit:5")
    ),
]


def until_it_dies(service: SoloService, point: str, reached: Path) -> None:
    """The planted crash; fails where the point was never reached."""
    assert service.wait(30) == -9
    assert reached.read_text() == point.partition(":")[0]


@pytest.mark.parametrize("point", POINTS)
async def test_a_kill_at_any_point_loses_and_doubles_nothing(scene: "Scene", tmp_path: Path, point: str) -> None:
    content = scene.goals(1, 230) + "too,few\n" + scene.goals(231, 220).split("\n", 1)[1]
    reached = tmp_path / "reached"
    with scene.service(**BATCHES, OKR_CRASH_AT=point, OKR_CRASH_REACHED=str(reached)) as service:
        scene.drop("goals.csv", content)
        until_it_dies(service, point, reached)
        scene.drop("later.csv", scene.goals(1, 30))
        service.start()
        service.until_ready()
        first, later = await scene.ended(2)
        await scene.sent()
    assert [(file["state"], file["rows"], file["unreadable"]) for file in (first, later)] == [
        ("done", 450, 1),
        ("done", 30, 0),
    ]
    rows = await scene.rows()
    assert [orjson.loads(row["cells"])[0] for row in rows] == [f"g{n}" for n in [*range(1, 451), *range(1, 31)]]
    assert [row["row_num"] for row in rows[:450]] == [*range(1, 231), *range(232, 452)]
    batches = await scene.fetch("select batch_id, position, rows, unreadable from batch order by position")
    assert [(one["position"], one["rows"]) for one in batches] == [
        (1, 100),
        (2, 100),
        (3, 99),
        (4, 100),
        (5, 51),
        (6, 30),
    ]
    assert await scene.database.fetchval("select count(*) from raw_row") == 480
    assert await scene.database.fetchval("select count(*) from unreadable") == 1
    events = {event.event_id: event for event in scene.events()}
    announced = [event.position for event in events.values() if isinstance(event, BatchIngested)]
    assert announced == [1, 2, 3, 4, 5, 6]
    assert [event.file_id for event in events.values() if isinstance(event, FileDone)] == [
        first["file_id"],
        later["file_id"],
    ]


async def crashed_after_one_batch(scene: "Scene", service: SoloService, reached: Path) -> Path:
    path = scene.drop("goals.csv", scene.goals(1, 350))
    until_it_dies(service, "after_commit", reached)
    return path


@pytest.mark.parametrize("change", ["longer", "as long", "looks the same"])
async def test_a_file_that_changed_keeps_what_was_read_and_its_new_content_is_a_new_file(
    scene: "Scene", tmp_path: Path, change: str
) -> None:
    reached = tmp_path / "reached"
    with scene.service(**BATCHES, OKR_CRASH_AT="after_commit:1", OKR_CRASH_REACHED=str(reached)) as service:
        path = await crashed_after_one_batch(scene, service, reached)
        text, before = path.read_text(), path.stat().st_mtime_ns
        path.write_text(
            text + text.split("\n")[1] + "\n" if change == "longer" else text.replace("Goal 300", "Gaol 300")
        )
        os.utime(path, ns=(before, before if change == "looks the same" else 10**18))
        service.start()
        service.until_ready()
        old, new = await scene.ended(2)
    assert (old["state"], old["reason"], old["rows"]) == ("failed", "changed_while_read", 100)
    assert (new["state"], new["rows"]) == ("done", 351 if change == "longer" else 350)
    assert [row["position"] for row in await scene.fetch("select position from batch order by batch_id")] == [
        1,
        2,
        3,
        4,
        5,
    ]


async def test_a_copy_of_what_could_not_be_read_to_its_end_is_read(scene: "Scene", tmp_path: Path) -> None:
    reached = tmp_path / "reached"
    with scene.service(**BATCHES, OKR_CRASH_AT="after_commit:1", OKR_CRASH_REACHED=str(reached)) as service:
        path = await crashed_after_one_batch(scene, service, reached)
        text = path.read_text()
        scene.drop("copy.csv", text)
        path.write_text(text + text.split("\n")[1] + "\n")
        service.start()
        service.until_ready()
        old, *others = await scene.ended(3)
    assert (old["state"], old["reason"]) == ("failed", "changed_while_read")
    assert {(one["state"], one["rows"]) for one in others} == {("done", 350), ("done", 351)}


async def test_a_file_that_was_taken_away_says_so_and_those_after_it_have_their_turn(
    scene: "Scene", tmp_path: Path
) -> None:
    reached = tmp_path / "reached"
    with scene.service(**BATCHES, OKR_CRASH_AT="after_commit:1", OKR_CRASH_REACHED=str(reached)) as service:
        path = await crashed_after_one_batch(scene, service, reached)
        path.unlink()
        scene.drop("later.csv", scene.goals(1, 20))
        service.start()
        service.until_ready()
        gone, later = await scene.ended(2)
    assert (gone["state"], gone["reason"], gone["rows"]) == ("vanished", "vanished", 100)
    assert later["state"] == "done"
    assert [row["position"] for row in await scene.fetch("select position from batch order by batch_id")] == [1, 2]


async def test_two_replicas_on_one_folder_load_each_file_once(scene: "Scene") -> None:
    with (
        scene.service(**BATCHES) as _,
        scene.stack.service("ingest-csv", {**scene.env, **BATCHES}, name="ingest-csv-2"),
    ):
        for number in range(20):
            scene.drop(f"{number:02}.csv", scene.goals(number * 1000, 150))
        files = await scene.ended(20)
        await scene.sent()
    assert len(files) == 20
    assert [(file["sequence"], file["state"], file["rows"]) for file in files] == [
        (n, "done", 150) for n in range(1, 21)
    ]
    batches = await scene.fetch("""select b.position, f.sequence, b.number from batch b join file f using (file_id)
        order by b.position""")
    assert [one["position"] for one in batches] == list(range(1, 41))
    assert [(one["sequence"], one["number"]) for one in batches] == [(s, n) for s in range(1, 21) for n in (1, 2)]
    assert len({row["cells"] for row in await scene.rows()}) == 20 * 150
