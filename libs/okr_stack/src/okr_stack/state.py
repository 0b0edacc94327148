"""The state folder: everything one stack keeps between two starts, and where each thing lies in it."""

import json
import os
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_FOLDER = Path(".okr")


@dataclass(frozen=True)
class State:
    """One stack's folder. Its absolute path is also the stack's name: two checkouts never mix."""

    folder: Path

    @classmethod
    def at(cls, folder: Path | str) -> "State":
        """The state in this folder, which need not be there yet."""
        return cls(Path(folder).expanduser().resolve())

    def make(self) -> None:
        """Make the folder if it is not there."""
        self.logs.mkdir(parents=True, exist_ok=True)

    @property
    def name(self) -> str:
        """What identifies the stack on this machine."""
        return str(self.folder)

    @property
    def logs(self) -> Path:
        """One log file per part."""
        return self.folder / "logs"

    @property
    def kafka(self) -> Path:
        """The broker's configuration and data."""
        return self.folder / "kafka"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data, where its user can enter the folder."""
        return self.folder / "postgres"

    @property
    def lock(self) -> Path:
        """Held (flock) by the one supervisor while it lives."""
        return self.folder / "supervisor.lock"

    @property
    def status(self) -> Path:
        """What the supervisor last said about its parts."""
        return self.folder / "status.json"

    @property
    def wanted(self) -> Path:
        """Which services should run, each with its own environment."""
        return self.folder / "wanted.json"

    def remembered(self) -> dict[str, Any]:
        """What the stack chose at earlier starts: ports, the cluster's id, PostgreSQL's home."""
        return read_json(self.folder / "remembered.json")

    def remember(self, **choices: Any) -> None:  # noqa: ANN401 -- any JSON value
        """Keep choices for the next start."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "remembered.json", {**self.remembered(), **choices})

    def passwords(self, roles: Iterable[str]) -> dict[str, str]:
        """The roles' passwords, drawn at the first start and readable by the owner only."""
        file = self.folder / "passwords.json"
        known = read_json(file)
        missing = [role for role in roles if role not in known]
        if missing:
            known |= {role: secrets.token_urlsafe(24) for role in missing}
            write_json(file, known)
        return {role: known[role] for role in roles}

    def person_key(self) -> Path:
        """The file of the key that hides people."""
        return self._key("person_key")

    def api_key(self) -> Path:
        """The file of the key that requests say which change a model's registry."""
        return self._key("api_key")

    def _key(self, name: str) -> Path:
        """Drawn at the first start and readable by the owner only."""
        file = self.folder / name
        if not file.exists():
            replace(file, secrets.token_urlsafe(32))
        return file


def read_json(file: Path) -> dict[str, Any]:
    """The object in the file; an empty one where there is no readable file (a crash may have cut it)."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Replace the file as a whole, mode 0600, so that a reader never sees half of it."""
    replace(file, json.dumps(content, indent=1))


def replace(file: Path, content: str) -> None:
    """The same for a text."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(descriptor, "w") as stream:
        stream.write(content)
    Path(name).replace(file)
