"""Putting a file into a watched folder as a whole: a reader never sees half of it."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from okr_cli.reach import Reach
from okr_common.errors import OkrError


def folders_of(reach: Reach) -> list[Path]:
    """The folders that ingest-csv watches."""
    return [Path(folder) for folder in reach.get("ingest-csv", "/status").json()["folders"]]


def folder_for(source: str | None, folders: Sequence[Path]) -> Path:
    """Where a file of this source goes: a folder named like it decides; without a source the first folder.

    >>> str(folder_for("mta", [Path("data/raw"), Path("data/mta")]))
    'data/mta'
    """
    if source is None:
        return folders[0]
    for folder in folders:
        if source in folder.parts:
            return folder
    raise OkrError(
        f"no watched folder is named {source}; watched are {', '.join(map(str, folders))}. "
        "Add one to ingest_csv.folders, or leave --source away: the mappings then recognise the file"
    )


def drop(file: Path, folder: Path) -> Path:
    """Copies the file under a hidden name and renames it; returns where it now is."""
    if not file.is_file():
        raise OkrError(f"{file} is no file")
    if file.suffix.lower() != ".csv":
        raise OkrError(f"{file.name} does not end in .csv, so nobody would take it from {folder}; rename it")
    hidden = folder / f".{file.name}.{uuid4().hex}.part"
    try:
        shutil.copyfile(file, hidden)
        return reveal(hidden, folder / file.name)
    except OSError as error:
        hidden.unlink(missing_ok=True)
        raise OkrError(f"{file} could not be put into {folder}: {error}") from error


def reveal(hidden: Path, visible: Path) -> Path:
    """The rename that makes it complete, after its bytes are safe."""
    with hidden.open("rb") as stream:
        os.fsync(stream.fileno())
    hidden.replace(visible)
    return visible
