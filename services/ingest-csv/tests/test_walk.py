"""What this user may not read: looked at with the rights of another one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from okr_ingest_csv import looking
from okr_ingest_csv.domain.discovery import LeftAlone
from okr_ingest_csv.settings import Folder
from okr_ingest_csv.walk import walk

NOBODY = 65534


@pytest.fixture
def inbox() -> Iterator[Path]:
    """A folder for all to read, with a file and a folder that are not; root, who may read anything, steps down."""
    folder = Path(tempfile.mkdtemp(prefix="okr-inbox-"))
    folder.chmod(0o755)
    (folder / "closed").mkdir(mode=0o700)
    (folder / "closed" / "inside.csv").write_text("a\n")
    (folder / "shut.csv").write_text("a\n")
    (folder / "shut.csv").chmod(0)
    (folder / "open.csv").write_text("a\n")
    rights = os.geteuid()
    if rights:
        (folder / "closed").chmod(0)
    else:
        os.seteuid(NOBODY)
    yield folder
    os.seteuid(rights)
    (folder / "closed").chmod(0o700)
    shutil.rmtree(folder)


def reason(path: Path, folder: Path) -> str | None:
    looked = looking.look_through(path, folder, lambda _: None, lambda _: {}, max_bytes=1000, stopped=lambda: False)
    assert looked is not None
    return looked.inspected.reason if isinstance(looked.inspected, LeftAlone) else None


def test_what_may_not_be_read_is_left_alone_and_the_walk_goes_on(inbox: Path) -> None:
    met = {Path(one.found.path).name: one.left for one in walk(Folder(path=inbox, include=("*.csv",), recursive=True))}
    assert {name: left.reason if left else None for name, left in met.items()} == {
        "open.csv": None,
        "shut.csv": None,
        "closed": "no_permission",
    }
    assert reason(inbox / "shut.csv", inbox) == "no_permission"
    assert reason(inbox / "open.csv", inbox) is None


def test_a_folder_that_became_a_link_after_it_was_walked_leads_nowhere(tmp_path: Path) -> None:
    inbox, outside = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    outside.mkdir()
    (outside / "secret.csv").write_text("a\n")
    (inbox / "sub").symlink_to(outside)
    assert reason(inbox / "sub" / "secret.csv", inbox) == "link_outside"
