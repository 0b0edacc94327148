"""A real PostgreSQL as a child process: data in the state folder, superuser over its own socket only."""

import asyncio
import hashlib
import signal
import tempfile
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from okr_common.logs import logger
from okr_common.postgres import probe
from okr_stack import accounts, pg_server, processes
from okr_stack.accounts import Account
from okr_stack.errors import StackError
from okr_stack.ports import HOST
from okr_stack.processes import Launch
from okr_stack.state import State

log = logger(__name__)
ADMIN = "okr_admin"
LONGEST_SOCKET_PATH = 100  # the kernel allows 107 bytes, the socket's own name included

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "512MB",  # holds the indexes of a million rows: ids are random, so each batch meets all their pages
    "max_wal_size": "2GB",  # a bulk load is not held up by checkpoints
    "jit": "off",  # compiling a query costs more than our queries do
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_duration_statement": "2s",
    "cluster_name": "okr",
}

HBA = f"""\
# Written at each start. Only the owner of the socket's folder (and root) can reach the socket: that is the superuser.
local all {ADMIN} trust
host  all {ADMIN} all reject
host  all all {HOST}/32 scram-sha-256
"""


class Postgres:
    """The database server."""

    name = "postgres"
    start_seconds = 60.0
    stop_seconds = 15.0

    def __init__(self, state: State, port: int, settings: Sequence[str] = ()) -> None:
        self.port = port
        self._state = state
        self._settings = {**SETTINGS, **dict(setting.split("=", 1) for setting in settings)}
        self._account = accounts.for_postgres()
        self.home = home(state, self._account)

    @property
    def admin_dsn(self) -> str:
        """The superuser's address: the socket in the home folder."""
        return admin_dsn(self.home, self.port)

    async def prepare(self) -> Launch:
        """Make the data folder if it is new, and clear what a killed server left."""
        self._warn_of_loss()
        self._account.own(self.home)
        self._state.remember(postgres_home=str(self.home))
        server = self._usable(pg_server.binaries(made_by=self._made_by()))
        if not self._data.is_dir():
            await self._initdb(server)
        await asyncio.to_thread(self._end_leftovers)
        (self._data / "postmaster.pid").unlink(
            missing_ok=True
        )  # if it names a living process, that is not a server of ours
        (self.home / "pg_hba.conf").write_text(HBA)
        settings = {**self._settings, "port": str(self.port), "unix_socket_directories": str(self.home)}
        options = [f"--{key}={value}" for key, value in settings.items()]
        return Launch(
            argv=[str(server / "postgres"), "-D", str(self._data), f"--hba_file={self.home / 'pg_hba.conf'}", *options],
            log=self._state.logs / "postgres.log",
            env={"LC_ALL": "C", "HOME": str(self.home)},
            cwd=self.home,
            uid=self._account.uid,
            gid=self._account.gid,
            quit_signal=signal.SIGINT,  # "fast": TERM would wait until every client has gone
        )

    async def ready(self) -> bool:
        """It answers a query."""
        return await probe.answers(self.admin_dsn)

    async def ended(self, code: int) -> None:
        """End the backends that a killed postmaster leaves behind: they hold its memory and its locks."""
        del code
        await asyncio.to_thread(self._end_leftovers)

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _warn_of_loss(self) -> None:
        """Who cleans the temporary directory takes the data with it: begin empty, but not in silence."""
        before = self._state.remembered().get("postgres_home")
        if before and not self._data.is_dir():
            log.critical(
                "data_gone", was_in=before, advice="it starts empty; keep the checkout where its user can enter it"
            )

    def _made_by(self) -> int | None:
        with suppress(OSError, ValueError):
            return int((self._data / "PG_VERSION").read_text())
        return None

    def _usable(self, server: Path) -> Path:
        """The server, or a copy of it where its user cannot enter the folder (a wheel in root's home)."""
        if self._account.can_use(server / "postgres"):
            return server
        ours = self.home / f"server-{pg_server.major(server)}"
        if not ours.is_dir():
            draft = ours.with_name(f"{ours.name}-{uuid.uuid4().hex[:8]}")
            pg_server.copy(server, draft)
            draft.rename(ours)
        return next(ours.glob("*/*/bin"))

    async def _initdb(self, server: Path) -> None:
        """Make the data beside its place and move it there when whole: a crash leaves no half-made folder."""
        draft = self.home / f"data-{uuid.uuid4().hex[:8]}"
        command = [
            str(server / "initdb"),
            "-D",
            str(draft),
            "-U",
            ADMIN,
            "--auth=reject",
            "--encoding=UTF8",
            "--locale=C",
        ]
        account = self._account
        code, said = await processes.run_tool(
            command, self._state.name, cwd=self.home, uid=account.uid, gid=account.gid
        )
        if code != 0:
            raise StackError(f"PostgreSQL could not make its data folder {draft}: {said[-500:]}")
        draft.rename(self._data)

    def _end_leftovers(self) -> None:
        """Whatever still works in the data folder; we hold the stack's lock, so no other supervisor started it."""
        processes.end(processes.inside(self._data), grace_seconds=2, quit_signal=signal.SIGQUIT)


def admin_dsn(home: Path, port: int, database: str = "postgres") -> str:
    """The superuser's address over the socket in this folder."""
    return f"postgresql://{ADMIN}@/{database}?host={quote(str(home), safe='')}&port={port}"


def home(state: State, account: Account) -> Path:
    """Where the data lies: as remembered, else in the state folder, else under the system's temporary directory.

    The temporary directory serves where PostgreSQL's user cannot enter the checkout, or where its path is too long
    for a socket; the folder there is named after the checkout.
    """
    inside, outside = state.postgres, _under_temporary(state)
    remembered = state.remembered().get("postgres_home")
    if remembered in (str(inside), str(outside)) and Path(remembered).is_dir():
        return Path(remembered)
    return inside if len(str(inside)) <= LONGEST_SOCKET_PATH and account.can_use(state.folder) else outside


def _under_temporary(state: State) -> Path:
    digest = hashlib.sha256(state.name.encode()).hexdigest()[:8]
    named_after = state.folder.parent.name[:30] or "stack"
    return Path(tempfile.gettempdir()).resolve() / f"okr-{named_after}-{digest}"
