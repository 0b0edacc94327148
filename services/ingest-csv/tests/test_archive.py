"""The archive of a running service."""

import gzip
import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

if TYPE_CHECKING:
    from conftest import Scene

pytestmark = pytest.mark.stack


def archived(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def settings(folder: Path, after: str) -> dict[str, str]:
    return {
        "OKR_INGEST_CSV__ARCHIVE__AFTER": after,
        "OKR_INGEST_CSV__ARCHIVE__FOLDER": str(folder),
        "OKR_INGEST_CSV__RESCAN_SECONDS": "0.2",
    }


def gone(path: Path) -> None:
    until = time.monotonic() + 20
    while path.exists():
        assert time.monotonic() < until, f"{path} is still there"
        time.sleep(0.01)


@pytest.mark.parametrize("after", ["move", "gzip"])
async def test_done_files_go_failed_ones_stay_and_a_name_that_was_freed_is_looked_at_afresh(
    scene: "Scene", tmp_path: Path, after: str
) -> None:
    folder = tmp_path / "archive"
    suffix = ".gz" if after == "gzip" else ""
    strange = scene.drop("strange.csv", "shop,price\nA,1\n")
    misspelt = scene.drop("misspelt.csv", "id,title,plan,target\n1,2,3,4\n")
    with scene.service(**settings(folder, after)) as service:
        contents = [scene.goals(1, 2), scene.goals(1, 3), scene.goals(1, 2)]
        for number, content in enumerate(contents, 1):
            path = scene.drop("goals.csv", content)
            await scene.ended(2 + number)
            await scene.until(number, "select count(*) from file where archived_as is not null")
            gone(path)
        copy = scene.drop("copy.csv", contents[-1])
        gone(copy)
        files = [file for file in await scene.files() if file["source"] == "goals"]
        await scene.until(1, "select (count(*) = 2)::int from sighting")
        shown = httpx2.get(f"{service.url}/files/{files[0]['file_id']}").json()
    assert [(file["state"], file["revert_of"]) for file in files] == [
        ("done", None),
        ("done", None),
        ("done", files[0]["file_id"]),
    ]
    places = [Path(file["archived_as"]) for file in files]
    assert [place.name for place in places] == [f"{file['file_id']}-goals.csv{suffix}" for file in files]
    for place, content in zip(places, contents, strict=True):
        bytes_there = place.read_bytes()
        assert (gzip.decompress(bytes_there) if suffix else bytes_there) == content.encode()
    assert archived(folder) == sorted(
        [*(f"goals/{place.name}" for place in places), f"goals/{files[-1]['file_id']}-copy.csv{suffix}"]
    )
    assert shown["archived_as"] == str(places[0])
    assert strange.exists()
    assert misspelt.exists()


async def test_the_done_file_goes_with_its_file(scene: "Scene", tmp_path: Path) -> None:
    folders = json.dumps([{"path": str(scene.stack.inbox), "complete": "done_file"}])
    with scene.service(OKR_INGEST_CSV__FOLDERS=folders, **settings(tmp_path, "move")):
        path = scene.drop("goals.csv", scene.goals(1, 2))
        done = scene.drop("goals.csv.done", "")
        await scene.until(1, "select count(*) from file where archived_as is not null")
    assert not path.exists()
    assert not done.exists()


async def test_by_default_nothing_is_moved(scene: "Scene") -> None:
    with scene.service(OKR_INGEST_CSV__RESCAN_SECONDS="0.2") as service:
        path = scene.drop("goals.csv", scene.goals(1, 2))
        (file,) = await scene.ended(1)
        httpx2.post(f"{service.url}/sweep")
    assert path.exists()
    assert file["archived_as"] is None


async def test_a_file_that_is_brought_back_from_the_archive_is_a_revert(scene: "Scene", tmp_path: Path) -> None:
    with scene.service(**settings(tmp_path / "archive", "move")):
        for number in (1, 2):
            path = scene.drop("goals.csv", scene.goals(1, number))
            await scene.until(number, "select count(*) from file where archived_as is not null")
            gone(path)
        first = (await scene.files())[0]
        await scene.until(1, "select (count(*) = 0)::int from sighting")
        shutil.move(first["archived_as"], path)
        *_, back = await scene.ended(3)
    assert (back["state"], back["revert_of"]) == ("done", first["file_id"])


@pytest.mark.faults
@pytest.mark.parametrize("after", ["move", "gzip"])
@pytest.mark.parametrize("point", ["archived_before_removal", "archived_before_told"])
async def test_a_kill_between_two_steps_is_mended_by_the_next_look(
    scene: "Scene", tmp_path: Path, after: str, point: str
) -> None:
    folder, reached = tmp_path / "archive", tmp_path / "reached"
    crash = {"OKR_CRASH_AT": point, "OKR_CRASH_REACHED": str(reached)}
    with scene.service(**settings(folder, after), **crash) as service:
        path = scene.drop("goals.csv", scene.goals(1, 20))
        assert service.wait(30) == -9
        assert reached.read_text() == point
        service.start()
        service.until_ready()
        await scene.until(1, "select count(*) from file where archived_as is not null")
        (file,) = await scene.files()
    assert not path.exists()
    assert archived(folder) == [str(Path(file["archived_as"]).relative_to(folder))]
    assert (file["state"], file["rows"], await scene.fetch("select * from sighting")) == ("done", 20, [])
