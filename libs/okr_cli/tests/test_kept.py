"""Where a file's bytes are found."""

import gzip
from pathlib import Path

from okr_cli.kept import kept


def test_the_archive_comes_first_because_another_file_may_have_taken_the_name(tmp_path: Path) -> None:
    path, moved, packed = tmp_path / "a.csv", tmp_path / "1-a.csv", tmp_path / "1-a.csv.gz"
    assert kept(str(path), None) is None
    path.write_bytes(b"new")
    moved.write_bytes(b"old")
    packed.write_bytes(gzip.compress(b"packed"))
    assert kept(str(path), None) == b"new"
    assert kept(str(path), str(moved)) == b"old"
    assert kept(str(path), str(packed)) == b"packed"
    packed.write_bytes(gzip.compress(b"packed")[:-4])
    assert kept(str(path), str(packed)) is None
