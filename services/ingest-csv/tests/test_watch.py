"""The live watch on real folders: offered at once when closed or moved in, never while open."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from okr_ingest_csv import watch
from okr_ingest_csv.settings import Folder, IngestCsvSettings
from okr_ingest_csv.watch import Watch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


class Offers:
    """An intake that only remembers."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue()

    def offer(self, path: Path, _: Path, __: str | None = None) -> "asyncio.Future[bool]":
        self.queue.put_nowait(path.name)
        return asyncio.get_running_loop().create_future()

    async def next(self) -> str:
        return await asyncio.wait_for(self.queue.get(), 10)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "raw"


@pytest.fixture
async def offers(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Offers]:
    monkeypatch.setattr(watch, "LOOK_AFTER_SECONDS", 0.05)
    offers, stop = Offers(), asyncio.Event()
    watching = Watch(offers, IngestCsvSettings(folders=(Folder(path=inbox),)))
    watching.begin()
    running = asyncio.create_task(watching.run(stop))
    yield offers
    stop.set()
    await running


async def test_a_file_is_offered_when_it_is_closed_or_moved_in_and_not_before(
    inbox: Path, offers: Offers, tmp_path: Path
) -> None:
    """Each event comes after those before it, so what is not offered before the next one is never offered."""
    with (inbox / "open.csv").open("w") as growing:
        growing.write("a,b\n")
        growing.flush()
        (inbox / "closed.csv").write_text("a,b\n")
        assert await offers.next() == "closed.csv"
    assert await offers.next() == "open.csv"
    (inbox / "notes.txt").write_text("no")
    (inbox / ".hidden.csv").write_text("no")
    (inbox / ".hidden.csv").rename(inbox / "RENAMED.CSV")
    assert await offers.next() == "RENAMED.CSV"
    (tmp_path / "outside.csv").write_text("a,b\n")
    (tmp_path / "outside.csv").rename(inbox / "moved_in.csv")
    assert await offers.next() == "moved_in.csv"
    assert (inbox / "moved_in.csv").read_text() == "a,b\n"
    (inbox / "last.csv").write_text("a\n")
    assert await offers.next() == "last.csv"


def drop_if_there(inbox: Path, name: str) -> None:
    if inbox.is_dir():
        (inbox / name).write_text("a\n")


@pytest.mark.parametrize("how", ["deleted", "moved away"])
async def test_a_folder_that_is_replaced_is_watched_again(inbox: Path, offers: Offers, how: str) -> None:
    if how == "deleted":
        shutil.rmtree(inbox)
    else:
        shutil.move(inbox, inbox.with_name("old"))
    for number in range(200):
        drop_if_there(inbox, f"{number}.csv")
        await asyncio.sleep(0.05)
        if not offers.queue.empty():
            return
    pytest.fail("no file in the new folder was offered")
