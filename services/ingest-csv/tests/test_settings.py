"""Folders as a person writes them."""

import json
from pathlib import Path

import pytest

from okr_common.errors import FatalError
from okr_common.settings import load
from okr_ingest_csv.settings import Settings


def test_a_folder_is_a_path_or_a_block_and_takes_the_common_patterns_unless_it_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocks = ["data/raw", {"path": "/in", "include": ["*.txt"], "recursive": True, "source": "jira"}]
    monkeypatch.setenv("OKR_INGEST_CSV__FOLDERS", json.dumps(blocks))
    monkeypatch.setenv("OKR_INGEST_CSV__PATTERNS", '["*.csv", "*.tsv"]')
    plain, block = load(Settings).ingest_csv.watched[:2]
    assert (plain.path, plain.include, plain.complete) == (Path("data/raw").absolute(), ("*.csv", "*.tsv"), "rest")
    assert (block.path, block.include, block.recursive, block.source) == (Path("/in"), ("*.txt",), True, "jira")


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({"path": "in", "recursiv": True}, "did you mean 'recursive'"),
        ({"path": "in", "complete": "soon"}, "'rest', 'done_file' or 'manifest'"),
        ({"include": ["*"]}, "folders.0.path: Field required"),
    ],
)
def test_a_wrong_block_is_told_with_its_place(
    block: dict[str, object], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKR_INGEST_CSV__FOLDERS", json.dumps([block]))
    with pytest.raises(FatalError, match=told):
        load(Settings)


def test_an_archive_that_would_be_read_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKR_INGEST_CSV__FOLDERS", json.dumps([{"path": "data/raw", "recursive": True}]))
    monkeypatch.setenv("OKR_INGEST_CSV__ARCHIVE", json.dumps({"after": "move", "folder": "data/raw/archive"}))
    with pytest.raises(FatalError, match="name one outside"):
        load(Settings)
    monkeypatch.setenv("OKR_INGEST_CSV__FOLDERS", json.dumps(["data/raw"]))
    assert load(Settings).ingest_csv.archive.after == "move"
