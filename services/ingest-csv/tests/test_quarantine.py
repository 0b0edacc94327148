"""A file is judged as a whole before any of its rows goes on; somebody may let it go."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from okr_common.events import BatchIngested, FileDone, FileLoading, FileRejected, FileValidated

if TYPE_CHECKING:
    from conftest import Scene

pytestmark = pytest.mark.stack
BAD = "too,few\n"


def shown(url: str, file_id: int) -> dict[str, Any]:
    return dict(httpx2.get(f"{url}/files/{file_id}").json())


async def test_too_many_unreadable_records_hold_back_every_row_until_the_file_is_let_go(scene: "Scene") -> None:
    with scene.service(OKR_INGEST_CSV__BATCH_ROWS="2") as service:
        scene.drop("bad.csv", scene.goals(1, 5) + BAD * 2)
        await scene.ended(1)
        scene.drop("good.csv", scene.goals(10, 3))
        bad, good = await scene.ended(2)
        held_back = await scene.fetch("select position from batch where file_id = $1", bad["file_id"])
        let_go = httpx2.post(f"{service.url}/files/{bad['file_id']}/release")
        again = httpx2.post(f"{service.url}/files/{bad['file_id']}/release")
        unknown = httpx2.post(f"{service.url}/files/999/release")
        await scene.sent()
        told = shown(service.url, bad["file_id"])
    assert (bad["state"], bad["reason"], bad["rows"], bad["unreadable"]) == ("quarantined", "unreadable_records", 5, 2)
    assert f"okr files release {bad['file_id']}" in bad["detail"]
    assert [row["position"] for row in held_back] == [None] * 4
    assert let_go.json() == {"file_id": bad["file_id"], "source": "goals", "state": "done"}
    assert again.status_code == unknown.status_code == 409
    assert "it is done" in again.json()["detail"]
    positions = await scene.fetch("select file_id, position from batch order by position")
    assert [row["file_id"] for row in positions] == [good["file_id"]] * 2 + [bad["file_id"]] * 4
    assert (told["state"], told["reason"]) == ("done", "let_go")
    assert [one["state"] for one in told["history"]] == ["discovered", "waiting", "loading", "quarantined", "done"]
    (finding,) = told["findings"]
    assert (finding["kind"], finding["severity"]) == ("unreadable_records", "error")
    events = scene.events()
    (rejected,) = [event for event in events if isinstance(event, FileRejected)]
    assert [one.kind for one in rejected.findings] == ["unreadable_records"]
    assert [event.file_id for event in events if isinstance(event, FileLoading)] == [bad["file_id"], good["file_id"]]
    assert [event.position for event in events if isinstance(event, BatchIngested)] == [1, 2, 3, 4, 5, 6]
    assert [event.file_id for event in events if isinstance(event, FileDone)] == [good["file_id"], bad["file_id"]]


async def test_a_file_that_lacked_a_column_is_read_when_the_mapping_is_mended(scene: "Scene", sources: Path) -> None:
    with scene.service() as service:
        body = "id,title,plan,kind,direction,target,value,day,due\np1,A,x,n,up,1,1,2026-01-01,2026-12-31\n"
        sent = httpx2.post(f"{service.url}/files", params={"name": "p.csv", "source": "plans"}, content=body)
        assert sent.json()["reason"] == "missing_columns"
        (file,) = await scene.ended(1)
        too_early = httpx2.post(f"{service.url}/files/{file['file_id']}/release")
        mapping = sources / "plans.yaml"
        mapping.write_text(mapping.read_text().replace("targte", "target"))
        let_go = httpx2.post(f"{service.url}/files/{file['file_id']}/release")
        await scene.until(1, "select count(*) from batch where position = 1")
        await scene.sent()
        (done,) = await scene.files()
    assert (file["state"], file["reason"], too_early.status_code) == ("quarantined", "missing_columns", 409)
    assert "targte" in too_early.json()["detail"]
    assert let_go.json()["state"] == "waiting"
    assert (done["state"], done["rows"]) == ("done", 1)
    kinds = [type(event) for event in scene.events()]
    assert kinds[-3:] == [FileValidated, BatchIngested, FileDone]


async def test_the_file_before_says_what_is_odd_about_a_file(scene: "Scene") -> None:
    renamed = "id,title,kind,direction,target,value,day,due,note\n"
    body = scene.goals(1, 10).split("\n", 1)[1]
    with scene.service() as service:
        scene.drop("first.csv", scene.goals(1, 10))
        await scene.ended(1)
        scene.drop("second.csv", renamed + body.replace("\n", ", \u00a0x \n") + body.split("\n")[0] + ", \u00a0x \n")
        *_, second = await scene.ended(2)
        told = shown(service.url, second["file_id"])
    assert {one["kind"]: one["severity"] for one in told["findings"]} == {
        "columns_added": "information",
        "duplicate_records": "information",
    }
    assert (second["duplicates"], told["known_share"]) == (1, 0.0)
    assert told["cells_to_clean"] == {"no_break_spaces": {"note": 11}, "outer_white_space": {"note": 11}}


async def test_the_share_of_rows_that_are_known_already_is_kept(scene: "Scene") -> None:
    with scene.service() as service:
        scene.drop("monday.csv", scene.goals(1, 8))
        await scene.ended(1)
        scene.drop("tuesday.csv", scene.goals(3, 8))
        monday, tuesday = await scene.ended(2)
        told = shown(service.url, tuesday["file_id"])
    assert (tuesday["known_rows"], told["known_share"]) == (6, 0.75)
    assert tuesday["compared_with"] == monday["file_id"]
    assert await differing(scene, "changed_row", tuesday["file_id"]) == ["g9", "g10"]
    assert await differing(scene, "gone_row", tuesday["file_id"]) == ["g1", "g2"]


async def differing(scene: "Scene", table: str, file_id: int) -> list[str]:
    """The first cells of the rows that only one of two files has."""
    query = f"select cells ->> 0 as id from {table} d join raw_row r using (batch_id, row_num) where d.file_id = $1"
    return [row["id"] for row in await scene.fetch(f"{query} order by r.row_num", file_id)]


async def test_where_much_is_new_or_the_columns_are_others_no_rows_are_listed(scene: "Scene") -> None:
    with scene.service():
        scene.drop("monday.csv", scene.goals(1, 8))
        await scene.ended(1)
        scene.drop("tuesday.csv", scene.goals(4, 8))
        await scene.ended(2)
        scene.drop("wednesday.csv", scene.goals(4, 8).replace("target", "target ", 1) + "\n")
        *_, tuesday, wednesday = await scene.ended(3)
    assert (tuesday["known_rows"], tuesday["compared_with"]) == (5, None)
    assert (wednesday["known_rows"], wednesday["compared_with"]) == (8, None)


async def test_a_large_export_repeated_daily_is_compared_in_seconds(scene: "Scene") -> None:
    """Each row with each of the day before would take minutes."""
    with scene.service(OKR_INGEST_CSV__BATCH_ROWS="1000"):
        scene.drop("monday.csv", scene.goals(1, 60_000))
        await scene.ended(1)
        scene.drop("tuesday.csv", scene.goals(10_001, 60_000))
        *_, tuesday = await scene.ended(2)
    assert (tuesday["state"], tuesday["known_rows"]) == ("done", 50_000)


async def test_a_file_that_is_only_written_anew_is_no_news_and_an_older_content_is_a_revert(scene: "Scene") -> None:
    with scene.service():
        scene.drop("a.csv", scene.goals(1, 3))
        scene.drop("b.csv", scene.goals(5, 3))
        await scene.ended(2)
        scene.drop("a.csv", scene.goals(1, 3))
        await scene.until(1, "select count(*) from sighting where reason = 'same_bytes'")
        assert len(await scene.files()) == 2
        scene.drop("b.csv", scene.goals(1, 3))
        files = await scene.ended(3)
    assert files[2]["revert_of"] == files[0]["file_id"]


async def test_one_file_too_long_in_a_group_fails_alone(scene: "Scene") -> None:
    for number, rows in enumerate((3, 9, 4)):
        scene.drop(f"{number}.csv", scene.goals(number * 100, rows))
    with scene.service(OKR_INGEST_CSV__MAX_ROWS="5"):
        files = await scene.ended(3)
    assert sorted((file["rows"], file["state"], file["reason"]) for file in files) == [
        (0, "failed", "too_many_rows"),
        (3, "done", None),
        (4, "done", None),
    ]


async def test_control_characters_where_a_delimiter_is_told_stop_nobody(scene: "Scene") -> None:
    with scene.service() as service:
        scene.drop("odd.csv", b"sep=\0\na\0b\n1\0002\n")
        await scene.ended(1)
        scene.drop("good.csv", scene.goals(1, 2))
        odd, good = await scene.ended(2)
        assert httpx2.get(f"{service.url}/livez").is_success
    assert (odd["state"], good["state"]) == ("failed", "done")
