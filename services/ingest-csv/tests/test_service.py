"""One service process on a real broker and a real database: what a file becomes, and what is said of it."""

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import orjson
import pytest

from okr_common.events import BatchIngested, FileDiscovered, FileDone, FileRejected, FileValidated

if TYPE_CHECKING:
    from conftest import Scene

HEADER = "id,title,kind,direction,target,value,day,due"
HELD = "select count(*) from pg_locks where locktype = 'advisory' and classid = 7306"
pytestmark = pytest.mark.stack


async def test_a_file_becomes_rows_and_events_in_order(scene: "Scene") -> None:
    with scene.service() as service:
        path = scene.drop("goals.csv", scene.goals(1, 4) + "short,row\n")
        (file,) = await scene.ended(1)
        await scene.sent()
        shown = httpx2.get(f"{service.url}/files/{file['file_id']}").json()
        listed = httpx2.get(f"{service.url}/files", params={"state": "done"}).json()
    assert (file["state"], file["source"], file["rows"], file["unreadable"]) == ("done", "goals", 4, 1)
    assert [type(event) for event in scene.events()] == [FileDiscovered, FileValidated, BatchIngested, FileDone]
    rows = await scene.rows()
    content = path.read_bytes()
    for number, row in enumerate(rows, 1):
        cells = orjson.loads(row["cells"])
        assert (row["row_num"], row["position"], cells[0]) == (number, 1, f"g{number}")
        assert content[row["byte_start"] :][: row["byte_len"]].decode() == ",".join(cells) + "\n"
    assert (shown["encoding"], shown["delimiter"], shown["header"][0]) == ("utf-8", ",", "id")
    assert [(one["reason"], one["text"], one["first_line"]) for one in shown["unreadable_list"]] == [
        ("too_few_cells", "short,row\n", 6)
    ]
    assert [one["file_id"] for one in listed["files"]] == [file["file_id"]]


async def test_files_that_were_there_before_are_taken_by_time_and_released_in_that_order(scene: "Scene") -> None:
    for age, name in ((30, "c.csv"), (20, "a.csv"), (10, "b.csv")):
        path = scene.drop(name, scene.goals(age, 2))
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    with scene.service():
        files = await scene.ended(3)
    assert [Path(file["path"]).name for file in files] == ["c.csv", "a.csv", "b.csv"]
    assert [row["position"] for row in await scene.rows()] == [1, 1, 2, 2, 3, 3]


async def test_no_session_keeps_the_lock_of_a_file_that_has_ended(scene: "Scene") -> None:
    """Else the server's room for locks is full one day, and another replica never has a file that was let go."""
    with scene.service():
        for number in range(3):
            scene.drop(f"{number}.csv", scene.goals(number, 1))
            await scene.ended(number + 1)
        await scene.until(1, f"select (({HELD}) = 0)::int")


async def test_the_same_bytes_are_no_news_and_older_ones_are_a_revert(scene: "Scene") -> None:
    with scene.service() as service:
        scene.drop("first.csv", scene.goals(1, 3))
        await scene.ended(1)
        scene.drop("copy.csv", scene.goals(1, 3))
        scene.drop("first.csv", scene.goals(1, 4))
        await scene.ended(2)
        scene.drop("back.csv", scene.goals(1, 3))
        files = await scene.ended(3)
        await scene.sent()
        paths = httpx2.get(f"{service.url}/files/{files[0]['file_id']}").json()["paths"]
    assert [(file["state"], file["rows"], file["revert_of"]) for file in files] == [
        ("done", 3, None),
        ("done", 4, None),
        ("done", 3, files[0]["file_id"]),
    ]
    assert [Path(path).name for path in paths] == ["copy.csv"]
    rows = await scene.rows()
    assert [row["position"] for row in rows] == [1] * 3 + [2] * 4 + [3] * 3
    assert [row["cells"] for row in rows[7:]] == [row["cells"] for row in rows[:3]]
    assert await scene.database.fetchval("select count(*) from raw_row") == 7
    assert [event.position for event in scene.events() if isinstance(event, BatchIngested)] == [1, 2, 3]


async def test_a_large_file_of_a_known_size_is_that_file_or_what_its_own_bytes_say(scene: "Scene") -> None:
    """From 16 MiB on a file is first taken for one of its size that was read before."""
    utf_8 = scene.goals(1, 17).replace("Goal", "x" * 1_000_000).encode()
    other = utf_8.replace(b" 17,", b"\xe9" * 3 + b",")  # only its last bytes tell
    with scene.service() as service:
        scene.drop("first.csv", utf_8)
        await scene.ended(1)
        scene.drop("copy.csv", utf_8)
        scene.drop("other.csv", other)
        files = await scene.ended(2)
        paths = httpx2.get(f"{service.url}/files/{files[0]['file_id']}").json()["paths"]
    assert [(file["bytes"], file["encoding"]) for file in files] == [(len(utf_8), "utf-8"), (len(utf_8), "cp1252")]
    assert sorted(Path(path).name for path in paths) == ["copy.csv", "first.csv"]


BAD_FILES = {
    "empty.csv": (b"", "unrecognised", "failed", "empty"),
    "blank.csv": (b"\n\r\n\n", "unrecognised", "failed", "empty"),
    "packed.csv": (gzip.compress(HEADER.encode()), "unrecognised", "failed", "binary"),
    "nuls.csv": (b"\x00\x01\x02\x03" * 100, "unrecognised", "failed", "binary"),
    "wide.csv": (HEADER.encode("utf-32"), "unrecognised", "failed", "bad_encoding"),
    "damaged.csv": (HEADER.encode() + b"\n" + b"too,few\n" * 3, "goals", "quarantined", "unreadable_records"),
    "open.csv": (b'"id,title\n1,2\n', "unrecognised", "failed", "bad_header"),
    "strange.csv": (b"x,y\n1,2\n", "unrecognised", "failed", "unrecognised"),
    "misspelt.csv": (b"id,title,plan,target\n1,2,3,4\n", "plans", "quarantined", "missing_columns"),
    "header.csv": (HEADER.encode() + b"\n", "goals", "done", "header_only"),
}


async def test_each_bad_file_ends_with_its_reason_and_the_next_good_one_is_loaded(scene: "Scene") -> None:
    with scene.service() as service:
        for name, (content, *_) in BAD_FILES.items():
            scene.drop(name, content)
        await scene.ended(len(BAD_FILES))
        scene.drop("good.csv", scene.goals(1, 2))
        *bad, good = await scene.ended(len(BAD_FILES) + 1)
        await scene.sent()
        failed = httpx2.get(f"{service.url}/files", params={"state": "failed"}).json()["files"]
    found = {Path(file["path"]).name: (file["source"], file["state"], file["reason"]) for file in bad}
    assert found == {name: (source, state, reason) for name, (_, source, state, reason) in BAD_FILES.items()}
    assert all(file["detail"] for file in bad if file["state"] != "done")
    misspelt = next(file for file in bad if file["reason"] == "missing_columns")
    assert "targte (nearest here: target)" in misspelt["detail"]
    assert (good["state"], good["rows"]) == ("done", 2)
    assert len(failed) == sum(state == "failed" for _, _, state, _ in BAD_FILES.values())
    rejected = {event.file_id: event.reason for event in scene.events() if isinstance(event, FileRejected)}
    assert rejected == {file["file_id"]: file["reason"] for file in bad if file["state"] != "done"}


def hostile(inbox: Path, tmp_path: Path) -> None:
    """Names that fit and are no files to take."""
    outside = tmp_path / "secret.csv"
    outside.write_text(HEADER)
    (inbox / "link.csv").symlink_to(outside)
    (inbox / "nowhere.csv").symlink_to(inbox / "nothing")
    (inbox / "folder.csv").mkdir()
    os.mkfifo(inbox / "pipe.csv")
    Path(os.fsdecode(os.fsencode(inbox) + b"/b\xff.csv")).write_text(HEADER)
    (inbox / "line\nbreak.csv").write_text(HEADER)
    (inbox / "notes.txt").write_text("nothing to see")


async def test_what_is_no_file_is_left_alone_with_a_reason(scene: "Scene", tmp_path: Path) -> None:
    hostile(scene.stack.inbox, tmp_path)
    with scene.service() as service:
        scene.drop("good.csv", scene.goals(1, 2))
        (good,) = await scene.ended(1)
        httpx2.post(f"{service.url}/sweep")
        assert (
            httpx2.post(f"{service.url}/sweep").json()["offered"] == 1
        )  # the broken link, which may lead somewhere now
        left = httpx2.get(f"{service.url}/left-alone").json()["paths"]
    assert good["state"] == "done"
    assert {Path(one["path"]).name: one["reason"] for one in left} == {
        "link.csv": "link_outside",
        "nowhere.csv": "broken_link",
        "folder.csv": "not_a_file",
        "pipe.csv": "not_a_file",
        "b\\udcff.csv": "bad_name",
        "line\nbreak.csv": "bad_name",
    }


async def test_a_file_still_being_written_is_left_until_it_rests(scene: "Scene") -> None:
    path = scene.stack.inbox / "slow.csv"
    with path.open("w") as growing:
        growing.write(scene.goals(1, 5))
        growing.flush()
        with scene.service(OKR_INGEST_CSV__STABLE_SECONDS="600") as service:
            swept = httpx2.post(f"{service.url}/sweep").json()
            assert swept == {"seen": 1, "offered": 0, "unsettled": 1, "waiting": 0}
            assert await scene.files() == []
            os.utime(path, (1e9, 1e9))  # still open, but at rest for years
            assert httpx2.post(f"{service.url}/sweep").json()["unsettled"] == 0
            (file,) = await scene.ended(1)
    assert file["rows"] == 5
