"""A file is put away only as the very one that was read, and nothing in the archive is ever replaced."""

import gzip
import hashlib
import os
from pathlib import Path
from typing import Literal

import pytest

from okr_ingest_csv.domain.archiving import Read
from okr_ingest_csv.looking import look_of
from okr_ingest_csv.putting_away import put_away

CONTENT = b"id,title\n1,Goal\n"
After = Literal["move", "gzip"]
WAYS = pytest.mark.parametrize("after", ["move", "gzip"])


@pytest.fixture
def read(tmp_path: Path) -> Read:
    path = tmp_path / "in" / "goals.csv"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return Read(path, look_of(path.stat()), 7, "goals", hashlib.sha256(CONTENT).digest())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def content(place: Path) -> bytes:
    return gzip.decompress(place.read_bytes()) if place.suffix == ".gz" else place.read_bytes()


def files(archive: Path) -> list[str]:
    return sorted(str(path.relative_to(archive)) for path in archive.rglob("*") if path.is_file())


@WAYS
def test_the_file_is_there_as_a_whole_and_no_longer_here(read: Read, archive: Path, after: After) -> None:
    place = put_away(read, archive, after)
    assert place == archive / "goals" / ("7-goals.csv" if after == "move" else "7-goals.csv.gz")
    assert content(place) == CONTENT
    assert not read.path.exists()
    assert put_away(read, archive, after) == place, "done before, and not told: a crash lay between"


@WAYS
def test_what_is_not_the_file_that_was_read_stays(read: Read, archive: Path, after: After) -> None:
    read.path.write_bytes(CONTENT + b"2,More\n")
    assert put_away(read, archive, after) is None
    read.path.unlink()
    assert put_away(read, archive, after) is None
    read.path.symlink_to(archive)
    assert put_away(read, archive, after) is None
    assert read.path.is_symlink()
    assert files(archive) == []


def test_other_bytes_under_the_same_look_are_not_packed(read: Read, archive: Path) -> None:
    with read.path.open("r+b") as stream:
        stream.write(b"ID")
    os.utime(read.path, ns=(read.look.mtime_ns,) * 2)
    assert put_away(read, archive, "gzip") is None
    assert files(archive) == []
    assert read.path.exists()


@WAYS
def test_what_another_database_put_there_is_not_replaced(read: Read, archive: Path, after: After) -> None:
    suffix = ".gz" if after == "gzip" else ""
    other = archive / "goals" / f"7-goals.csv{suffix}"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"of another database, and no gzip")
    place = put_away(read, archive, after)
    assert place == archive / "goals" / f"7-{read.sha256[:6].hex()}-goals.csv{suffix}"
    assert content(place) == CONTENT
    assert other.read_bytes() == b"of another database, and no gzip"


def test_a_file_that_came_to_the_path_while_it_was_moved_is_brought_back(
    read: Read, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def late(path: Path, place: Path) -> Path:
        newer = path.with_name("newer")
        newer.write_bytes(b"newer\n")
        newer.replace(path)
        return rename(path, place)

    monkeypatch.setattr(Path, "rename", late)
    assert put_away(read, archive, "move") is None
    assert read.path.read_bytes() == b"newer\n"
    assert files(archive) == []


def test_another_disk_gets_a_copy(read: Read, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def apart(path: Path, place: Path) -> Path:
        if path == read.path:
            raise OSError(18, "Invalid cross-device link")
        return rename(path, place)

    monkeypatch.setattr(Path, "rename", apart)
    place = put_away(read, archive, "move")
    assert place is not None
    assert (content(place), read.path.exists(), files(archive)) == (CONTENT, False, ["goals/7-goals.csv"])
