"""As whom PostgreSQL runs: it refuses root, so root gives it an account of its own."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from okr_stack.processes import as_user

PREFERRED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user to run a process as; None means ourselves."""

    uid: int | None = None
    gid: int | None = None

    def can_use(self, path: Path) -> bool:
        """Ask the system itself whether this user may enter the folder (or run the file)."""
        test = shutil.which("test") or "/usr/bin/test"
        command = as_user([test, "-x", str(path)], self.uid, self.gid)
        return subprocess.run(command, check=False, cwd="/").returncode == 0  # noqa: S603 -- `test` of the system

    def own(self, folder: Path) -> None:
        """Make the folder this user's alone."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)


def for_postgres() -> Account:
    """Ourselves, or where we are root the first of the unprivileged accounts that exists."""
    if os.geteuid() != 0:
        return Account()
    for name in PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    return Account(65534, 65534)
