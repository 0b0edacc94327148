"""Folders as configured: below them too, with a source, by .done files and manifests; and what must stay out."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import psutil
import pytest

from okr_stack.solo import SoloService

if TYPE_CHECKING:
    from conftest import Scene

pytestmark = pytest.mark.stack
BY_SWEEP_ONLY = {"OKR_INGEST_CSV__RESCAN_SECONDS": "3600"}
LARGE_FOLDER = 100_000


def folder(scene: "Scene", **block: object) -> dict[str, str]:
    """The inbox with these keys. This service's own looks into it are rare: what is taken at once, the watch saw."""
    blocks = json.dumps([{"path": str(scene.stack.inbox), **block}])
    return {"OKR_INGEST_CSV__FOLDERS": blocks, **BY_SWEEP_ONLY}


def names(files: list[dict[str, object]], inbox: Path) -> list[str]:
    return [str(Path(str(file["path"])).relative_to(inbox)) for file in files]


def swept(service: SoloService) -> dict[str, int]:
    return dict(httpx2.post(f"{service.url}/sweep", timeout=60).json())


def left_alone(service: SoloService) -> list[dict[str, str]]:
    return list(httpx2.get(f"{service.url}/left-alone").json()["paths"])


def moved_in(scene: "Scene", relative: str, content: str) -> Path:
    """A complete file at a place below the inbox."""
    path = scene.stack.inbox / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}")
    hidden.write_text(content)
    return hidden.rename(path)


async def test_below_a_recursive_folder_what_is_included_is_taken_live_also_in_folders_made_later(
    scene: "Scene",
) -> None:
    inbox = scene.stack.inbox
    with scene.service(**folder(scene, recursive=True, include=["*.csv", "*.txt"], exclude=["drafts/*", "no*"])) as on:
        moved_in(scene, ".git/hidden.csv", scene.goals(1, 1))
        moved_in(scene, "drafts/draft.csv", scene.goals(1, 1))
        moved_in(scene, "notes.csv", scene.goals(1, 1))
        moved_in(scene, "2026/march.txt", scene.goals(1, 2))
        await scene.ended(1)
        moved_in(scene, "2026/april/week.csv", scene.goals(1, 3))
        await scene.ended(2)
        moved_in(scene, "2026/april/last.csv", scene.goals(1, 4))
        files = await scene.ended(3)
        assert swept(on) == {"seen": 3, "offered": 0, "unsettled": 0, "waiting": 0}
    assert names(files, inbox) == ["2026/march.txt", "2026/april/week.csv", "2026/april/last.csv"]


async def test_a_folder_names_the_source_of_its_files(scene: "Scene") -> None:
    """By its columns the file belongs to `goals`; `plans`, which the folder names, asks for a column it lacks."""
    with scene.service(**folder(scene, source="plans")):
        scene.drop("goals.csv", scene.goals(1, 2))
        (file,) = await scene.ended(1)
    assert (file["source"], file["state"], file["reason"]) == ("plans", "quarantined", "missing_columns")


@pytest.mark.parametrize("live", [True, False])
async def test_a_file_is_taken_once_its_done_file_stands_beside_it(scene: "Scene", *, live: bool) -> None:
    with scene.service(**folder(scene, complete="done_file")) as service:
        scene.drop("late.csv", scene.goals(1, 2))
        scene.drop("first.csv.done", "")
        assert swept(service) == {"seen": 1, "offered": 0, "unsettled": 0, "waiting": 1}
        if live:
            scene.drop("first.csv", scene.goals(1, 3))
            await scene.ended(1)
            (scene.stack.inbox / "late.csv.done").touch()
        else:
            (scene.stack.inbox.parent / "unseen").touch()
            (scene.stack.inbox / "late.csv.done").hardlink_to(scene.stack.inbox.parent / "unseen")
            assert await scene.files() == []
            assert swept(service)["offered"] == 1
        files = await scene.ended(2 if live else 1)
    assert names(files, scene.stack.inbox) == (["first.csv", "late.csv"] if live else ["late.csv"])


async def test_a_file_is_taken_once_a_manifest_names_it(scene: "Scene") -> None:
    with scene.service(**folder(scene, complete="manifest", recursive=True)) as service:
        moved_in(scene, "a.csv", scene.goals(1, 2))
        moved_in(scene, "sub/b.csv", scene.goals(1, 3))
        moved_in(scene, "unnamed.csv", scene.goals(1, 4))
        assert swept(service)["waiting"] == 3
        moved_in(scene, "day.manifest", "a.csv\n\n")
        await scene.ended(1)
        moved_in(scene, "later.manifest", "\ufeffsub/b.csv\r\ncoming.csv\r\n")
        await scene.ended(2)
        os.utime(scene.stack.inbox / "later.manifest", (0, 0))
        moved_in(scene, "coming.csv", scene.goals(1, 5))
        files = await scene.ended(3)
        os.utime(scene.stack.inbox / "day.manifest", (0, 0))
        assert swept(service) == {"seen": 4, "offered": 0, "unsettled": 0, "waiting": 1}
    assert names(files, scene.stack.inbox) == ["a.csv", "sub/b.csv", "coming.csv"]


async def test_a_manifest_still_being_written_is_waited_for(scene: "Scene") -> None:
    never = {"OKR_INGEST_CSV__STABLE_SECONDS": "600"}
    with scene.service(**folder(scene, complete="manifest"), **never) as service:
        moved_in(scene, "a.csv", scene.goals(1, 2))
        with (scene.stack.inbox / "day.manifest").open("w") as manifest:
            manifest.write("a.csv\n")
            manifest.flush()
            assert swept(service) == {"seen": 1, "offered": 0, "unsettled": 1, "waiting": 1}
            assert await scene.files() == []
        await scene.ended(1)


async def test_a_manifest_that_leads_elsewhere_is_told_until_it_is_mended(scene: "Scene", tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(scene.goals(1, 2))
    with scene.service(**folder(scene, complete="manifest")) as service:
        for bad in (f"{tmp_path}/secret.csv", "../secret.csv", "a.csv\nsub/../../secret.csv"):
            manifest = moved_in(scene, "day.manifest", bad)
            os.utime(manifest, (0, 0))
            assert swept(service)["offered"] == 0
            (left,) = left_alone(service)
            assert (left["path"], left["reason"]) == (str(manifest), "bad_manifest")
            assert f"line {bad.count(chr(10)) + 1} names" in left["detail"]
        manifest.write_text("a.csv\n")
        os.utime(manifest, (0, 0))
        swept(service)
        assert left_alone(service) == []
    assert await scene.files() == []


def hostile(inbox: Path, tmp_path: Path, csv: str) -> None:
    """A tree that leads out of itself, into itself, and nowhere."""
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "secret.csv").write_text(csv)
    (inbox / "sub" / "x.csv").mkdir(parents=True)
    (inbox / "sub" / "out").symlink_to(outside)
    (inbox / "sub" / "ring").symlink_to(inbox)
    (inbox / "sub" / "itself.csv").symlink_to("itself.csv")
    (inbox / "sub" / "beside.csv").symlink_to(inbox / "real.csv")
    (inbox / "sub" / "secret.csv").symlink_to(outside / "deep" / "secret.csv")
    (inbox / "b\nad").mkdir()
    (inbox / "b\nad" / "goals.csv").write_text(csv)
    os.mkfifo(inbox / "sub" / "pipe.csv")


async def test_a_hostile_tree_keeps_nobody_and_gives_nothing_away(scene: "Scene", tmp_path: Path) -> None:
    inbox = scene.stack.inbox
    hostile(inbox, tmp_path, scene.goals(1, 2))
    limit = {"OKR_INGEST_CSV__MAX_FILE_BYTES": "500"}
    with scene.service(**folder(scene, recursive=True), **limit) as service:
        moved_in(scene, "sub/huge.csv", scene.goals(1, 100))
        moved_in(scene, "sub/x.csv/real.csv", scene.goals(1, 3))
        (real,) = await scene.ended(1)
        for _ in range(3):
            swept(service)
        left = {str(Path(one["path"]).relative_to(inbox)): one["reason"] for one in left_alone(service)}
        told = [line for line in service.log.read_text().splitlines() if str(inbox / "sub" / "itself.csv") in line]
        for name in ("sub/ring", "sub/out", "sub/pipe.csv"):
            (inbox / name).unlink()
        swept(service)
        fewer = {str(Path(one["path"]).relative_to(inbox)) for one in left_alone(service)}
    assert (names([real], inbox), real["state"], real["rows"]) == (["sub/x.csv/real.csv"], "done", 3)
    assert left == {
        "b\nad": "bad_name",
        "sub/beside.csv": "broken_link",
        "sub/huge.csv": "file_too_large",
        "sub/itself.csv": "broken_link",
        "sub/out": "link_outside",
        "sub/pipe.csv": "not_a_file",
        "sub/ring": "link_to_folder",
        "sub/secret.csv": "link_outside",
    }
    assert len(told) == 1
    assert fewer == left.keys() - {"sub/ring", "sub/out", "sub/pipe.csv"}


async def test_a_large_folder_with_nothing_new_is_swept_in_little_memory(scene: "Scene") -> None:
    """100,000 files, under 200 MB. How long it takes, `make bench-ingest` measures."""
    inbox = scene.stack.inbox
    owner = await scene.admin()
    await owner.execute("insert into source (name) values ('goals')")
    file_id = await owner.fetchval("""insert into file
        (source, sequence, path, sha256, bytes, modified_at, state, discovered_at)
        values ('goals', 1, '', '', 0, now(), 'done', now()) returning file_id""")
    sights = []
    for number in range(LARGE_FOLDER):
        path = inbox / f"export-{number:06}.csv"
        path.touch()
        status = path.stat()
        sights.append((str(path), status.st_size, status.st_mtime_ns, status.st_ino, file_id))
    await owner.copy_records_to_table(
        "sighting", records=sights, columns=["path", "size", "mtime_ns", "inode", "file_id"]
    )
    with scene.service(**BY_SWEEP_ONLY) as service:
        first = swept(service)
        before = psutil.Process(service.pid).memory_info().rss
        second = swept(service)
        held = psutil.Process(service.pid).memory_info()
    assert first == second == {"seen": LARGE_FOLDER, "offered": 0, "unsettled": 0, "waiting": 0}
    print(f"RSS {held.rss / 1e6:.0f} MB, {(held.rss - before) / 1e6:.0f} MB more")  # noqa: T201 - a figure
    assert held.rss < 200e6
