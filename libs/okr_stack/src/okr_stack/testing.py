"""Pytest fixtures: a real Kafka and a real PostgreSQL for tests marked `stack`, started once and cleaned between tests.

Loaded by the root conftest.py: `pytest_plugins = ["okr_stack.testing"]`.
"""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from okr_common.kafka.admin import recreate_topics
from okr_common.postgres import pristine
from okr_stack import cache, logs
from okr_stack.nursery import Nursery
from okr_stack.ports import DEFAULTS
from okr_stack.services import Addresses
from okr_stack.solo import SoloService
from okr_stack.stack import Stack
from okr_stack.status import PartStatus

NO_FLUSH = ("fsync=off", "full_page_writes=off")
"""Tests kill processes, never the machine: what the kernel has is safe."""
MEMORY = Path("/dev/shm")  # noqa: S108 -- the name of Linux's file system in memory, not of a file
ROOM_BYTES = 4 * 1024**3
"""A stack of the tests keeps some hundred MB; PostgreSQL's log may grow to two GB."""
APART = 10_000 + os.getpid() % 400 * 20
"""Tests keep away from the default ports, which a developer's own stack may want, and from other checkouts' tests."""


class StackUnderTest:
    """The session's stack as a test uses it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.inbox = stack.state.folder / "inbox"
        self.uploads = stack.state.folder / "uploads"
        self.nursery = Nursery({**os.environ, **cache.python_environment()})

    @property
    def addresses(self) -> Addresses:
        """Ports and passwords."""
        return self.stack.addresses

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.addresses.bootstrap

    def dsn(self, role: str, database: str) -> str:
        """The address of a database (`raw`, ...) for a role (`okr_etl`, ...)."""
        return self.addresses.dsn(role, database)

    def admin_dsn(self, database: str = "postgres") -> str:
        """The superuser's address of a database by its full name (`okr_raw`, ...)."""
        return self.stack.admin_dsn(database)

    def part(self, name: str) -> PartStatus:
        """What the supervisor says of a part now."""
        return self.stack.status().parts[name]

    def up(self) -> None:
        """Kafka and PostgreSQL, whatever the last test did to them."""
        self.stack.up(services=False, postgres_settings=NO_FLUSH)

    def clean(self) -> None:
        """Databases as migrated, topics empty, an empty inbox, no services."""
        self.up()
        with ThreadPoolExecutor(2) as pool:
            topics = pool.submit(recreate_topics, self.bootstrap)
            databases = pool.submit(asyncio.run, pristine.restore(self.admin_dsn()))
            topics.result()
            databases.result()
        for folder in (self.inbox, self.uploads):
            shutil.rmtree(folder, ignore_errors=True)
        self.inbox.mkdir()

    @contextmanager
    def service(self, stage: str, env: Mapping[str, str] | None = None, **options: Any) -> Iterator[SoloService]:  # noqa: ANN401 -- SoloService's
        """One service process that only the test looks after: it may kill it and start it again. Ready on entry."""
        whole = {**self.defaults(), **(env or {})}
        process = SoloService(stage, self.stack.state, self.addresses, whole, nursery=self.nursery, **options)
        try:
            process.start()
            process.until_ready()
            yield process
        finally:
            process.stop()

    @contextmanager
    def supervised(self, names: Sequence[str], env: Mapping[str, str] | None = None) -> Iterator[Stack]:
        """Service processes under the supervisor, which restarts them. Ready on entry; `etl-2` is a second `etl`."""
        environment = {**self.defaults(), **(env or {})}
        try:
            self.stack.want(dict.fromkeys(names, environment))
            yield self.stack
        finally:
            self.up()

    def defaults(self) -> dict[str, str]:
        """What every service of a test gets: its watched folders."""
        return {
            "OKR_INGEST_CSV__FOLDERS": json.dumps([str(self.inbox)]),
            "OKR_INGEST_CSV__UPLOAD_FOLDER": str(self.uploads),
        }


@pytest.fixture(scope="session")
def stack() -> Iterator[StackUnderTest]:
    """Kafka and PostgreSQL, migrated, topics made, in a folder of their own that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="okr-test-", dir=_memory()))
    folder.chmod(0o711)  # PostgreSQL's user must be able to pass through
    running = StackUnderTest(Stack(folder / "state", tied=True))
    running.stack.state.remember(ports={name: port + APART for name, port in DEFAULTS.items()})
    try:
        running.up()
        _apart(pristine.keep(running.admin_dsn()))
        running.inbox.mkdir()
        yield running
    finally:
        running.nursery.close()
        running.stack.erase()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fresh_stack(stack: StackUnderTest) -> StackUnderTest:
    """The session's stack with nothing in it: databases as migrated, topics empty."""
    stack.clean()
    return stack


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of each log under a failed test that used the stack."""
    report = yield
    running = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(running, StackUnderTest):
        for log in sorted(running.stack.state.logs.glob("*.log")):
            report.sections.append((f"end of {log.name}", "\n".join(logs.tail(log))))
    return report


def _memory() -> Path | None:
    """Where there is room: to make databases and topics anew takes a tenth of the time that it takes on a disk."""
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:  # a copy of the server may run there
        return None
    room = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available // 2)
    return MEMORY if room >= ROOM_BYTES else None


def _apart(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end in a thread of its own, so that no test's event loop notices."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
