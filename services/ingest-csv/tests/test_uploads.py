"""POST /files on a running service: what is answered, what is kept, and that nothing piles up."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest

from okr_stack.solo import SoloService

if TYPE_CHECKING:
    from conftest import Scene

pytestmark = pytest.mark.stack


def send(service: SoloService, content: bytes | str | Iterator[bytes], **query: str) -> httpx2.Response:
    return httpx2.post(f"{service.url}/files", params=query, content=content, timeout=60)


def kept(scene: "Scene") -> list[str]:
    """All files in the upload folder, hidden ones too, without what makes their names unique."""
    found = [path.relative_to(scene.stack.uploads) for path in scene.stack.uploads.rglob("*") if path.is_file()]
    return sorted(f"{path.parent}/{path.name.split('-', 2)[-1]}" for path in found)


@contextmanager
def service_with(scene: "Scene", **settings: object) -> Iterator[SoloService]:
    named = {f"OKR_INGEST_CSV__{name.upper()}": str(value) for name, value in settings.items()}
    with scene.service(OKR_INGEST_CSV__RESCAN_SECONDS="3600", **named) as service:
        yield service


async def test_an_upload_is_a_new_file_and_the_same_bytes_again_are_that_file(scene: "Scene") -> None:
    with service_with(scene) as service:
        first = send(service, scene.goals(1, 3), name="goals.csv")
        (file,) = await scene.ended(1)
        again = send(service, scene.goals(1, 3), name="copy.csv", source="goals")
        other = send(service, (part.encode() for part in scene.goals(1, 4).splitlines(True)), name="goals.csv")
        files = await scene.ended(2)
    assert (first.status_code, first.headers["location"]) == (201, f"/files/{file['file_id']}")
    assert first.json() == {
        "file_id": file["file_id"],
        "source": "goals",
        "state": "waiting",
        "reason": None,
        "detail": None,
    }
    assert (again.status_code, again.json()["file_id"], again.json()["state"]) == (200, file["file_id"], "done")
    assert (other.status_code, files[1]["rows"]) == (201, 4)
    assert kept(scene) == ["_/goals.csv", "_/goals.csv"]
    assert await scene.database.fetchval("select count(*) from sighting") == 2


async def test_an_upload_that_names_its_source_is_that_sources_and_one_that_nobody_can_read_says_why(
    scene: "Scene",
) -> None:
    with service_with(scene) as service:
        named = send(service, scene.goals(1, 3), name="goals.csv", source="plans").json()
        strange = send(service, "shop,price\nA,1\n", name="strange.csv")
    assert (named["source"], named["state"], named["reason"]) == ("plans", "quarantined", "missing_columns")
    assert (strange.status_code, strange.json()["state"], strange.json()["reason"]) == (201, "failed", "unrecognised")
    assert strange.json()["detail"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"name": "goals.csv", "source": "gaols"}, "did you mean goals?"),
        ({"name": "../goals.csv"}, "leave the folders away"),
        ({"name": "..\\goals.csv"}, "leave the folders away"),
        ({"name": ".goals.csv"}, "rename it"),
        ({"name": "goals.txt"}, r"*.csv"),
        ({"name": "a\nb.csv"}, "line breaks"),
        ({"name": "\ufffd.csv"}, "bytes that are no text"),
        ({"name": "ä" * 100 + ".csv"}, "shorten it"),
        ({}, "query.name"),
    ],
)
async def test_what_cannot_be_taken_is_told_before_anything_is_kept(
    scene: "Scene", query: dict[str, str], told: str
) -> None:
    with service_with(scene) as service:
        answer = send(service, b"x" * 3_000_000, **query)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert told in answer.json()["detail"]
    assert kept(scene) == []


async def test_too_much_is_refused_by_what_is_declared_and_by_what_comes(scene: "Scene") -> None:
    content = scene.goals(1, 100_000).encode()
    with service_with(scene, max_upload_bytes=100_000, max_file_bytes=1000) as service:
        declared = send(service, content, name="a.csv")
        came = send(service, iter([content[:80_000], content[80_000:160_000]]), name="a.csv")
        unread = send(service, content[:2000], name="a.csv")
    for answer in (declared, came):
        assert (answer.status_code, "100,000 bytes (ingest_csv.max_upload_bytes)" in answer.text) == (413, True)
    assert (unread.status_code, "file_too_large" in unread.text) == (422, True)
    assert kept(scene) == []
    assert await scene.fetch("select * from sighting") == []


async def test_where_the_disk_would_be_full_nothing_is_taken(scene: "Scene") -> None:
    with service_with(scene, min_free_bytes=10**18) as service:
        answer = send(service, scene.goals(1, 3), name="a.csv")
    assert (answer.status_code, "make room" in answer.json()["detail"]) == (507, True)
    assert kept(scene) == []


async def test_one_who_asks_first_is_answered_before_the_body_is_sent(scene: "Scene") -> None:
    with service_with(scene) as service, connected(service) as line:
        line.sendall(head("a.csv", 10**12, "Expect: 100-continue"))
        assert b" 413 " in line.recv(100)


def head(name: str, length: int, *more: str) -> bytes:
    return "\r\n".join(
        [f"POST /files?name={name} HTTP/1.1", "Host: x", f"Content-Length: {length}", *more, "", ""]
    ).encode()


@contextmanager
def connected(service: SoloService) -> Iterator[socket.socket]:
    at = urlsplit(service.url)
    with socket.create_connection((str(at.hostname), int(at.port or 0)), timeout=20) as line:
        yield line


def until(scene: "Scene", there: bool) -> None:  # noqa: FBT001
    """Waits until something, or nothing, stands in the upload folder."""
    deadline = time.monotonic() + 20
    while bool(kept(scene)) is not there:
        assert time.monotonic() < deadline, f"{kept(scene)} are there"
        time.sleep(0.01)


async def test_a_client_that_breaks_off_leaves_nothing_behind(scene: "Scene") -> None:
    with service_with(scene) as service:
        with connected(service) as line:
            line.sendall(head("a.csv", 1000) + b"id,title\n")
            until(scene, there=True)
        until(scene, there=False)
        assert send(service, scene.goals(1, 3), name="a.csv").status_code == 201


async def test_what_former_uploads_left_is_removed_at_start_and_nothing_else(scene: "Scene") -> None:
    with service_with(scene) as service:
        send(service, scene.goals(1, 3), name="a.csv")
        await scene.ended(1)
    uploads = scene.stack.uploads
    old, new = uploads / ".0123.part", uploads / ".4567.part"
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    mine, byhand = uploads / "_" / "20260301T090000Z-0123abcd-copy.csv", uploads / "_" / "by_hand.csv"
    for copy in (mine, byhand):
        copy.write_text(scene.goals(1, 3))
        os.utime(copy, (0, 0))
    with service_with(scene):
        await scene.until(2, "select count(*) from sighting where reason = 'same_bytes'")
    with service_with(scene):
        assert kept(scene) == ["./.4567.part", "_/a.csv", "_/by_hand.csv"]
        assert await scene.database.fetchval("select count(*) from sighting") == 2


async def test_an_upload_is_never_held_in_memory(scene: "Scene") -> None:
    row = scene.goals(1, 1).splitlines()[1].encode() + b"\n"
    piece = row * (1_000_000 // len(row))
    header = scene.goals(1, 0).encode()
    with service_with(scene) as service:
        send(service, header, name="warm.csv")
        process = psutil.Process(service.pid)
        before, held = process.memory_info().rss, []

        def body() -> Iterator[bytes]:
            yield header
            for _ in range(200):
                held.append(process.memory_info().rss)
                yield piece

        response = httpx2.post(f"{service.url}/files", params={"name": "large.csv", "source": "plans"}, content=body())
    assert response.status_code == 201
    assert max(held) - before < 30_000_000


async def test_a_form_is_refused_and_says_how_to_send_the_file(scene: "Scene") -> None:
    with scene.service() as service:
        form = {"file": ("goals.csv", scene.goals(1, 3).encode())}
        refused = httpx2.post(f"{service.url}/files", params={"name": "goals.csv"}, files=form)
    assert refused.status_code == 415
    assert "--data-binary" in refused.json()["detail"]
    assert await scene.files() == []
