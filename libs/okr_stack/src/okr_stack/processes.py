"""Child processes: how they are started, recognised as ours, and stopped.

Each child carries the stack's name in its environment. So a process is ours if and only if it says so itself: a pid
that a crash left in a file proves nothing, and nothing that we started is ever lost.
"""

import asyncio
import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from okr_stack.errors import StackError

TAG = "OKR_STACK"
LOOK_EVERY_SECONDS = 0.02
KILL_SECONDS = 10.0


@dataclass(frozen=True)
class Launch:
    """How to start one process. `quit_signal` ends it in order, also when the supervisor dies."""

    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    uid: int | None = None
    gid: int | None = None
    quit_signal: signal.Signals = signal.SIGTERM


async def start(launch: Launch, stack: str) -> asyncio.subprocess.Process:
    """Start a child in a session of its own, its output appended to its log.

    When the supervisor dies, however it dies, the kernel sends the child its quit signal (Linux).
    """
    with launch.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *as_user(launch.argv, launch.uid, launch.gid, launch.quit_signal),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=launch.cwd,
            env={**os.environ, **launch.env, TAG: stack},
            start_new_session=True,
        )


def as_user(
    argv: Sequence[str], uid: int | None = None, gid: int | None = None, death_signal: signal.Signals | None = None
) -> list[str]:
    """The command that runs `argv` as somebody else and, where asked and possible, ends it when its parent dies."""
    options = [] if uid is None else ["--reuid", str(uid), "--regid", str(gid), "--clear-groups"]
    setpriv = shutil.which("setpriv")
    if options and not setpriv:
        raise StackError(
            "PostgreSQL refuses root, and `setpriv` (util-linux) is missing here: install it, or be another user."
        )
    if setpriv and death_signal and _knows_death_signals(setpriv):
        options += ["--pdeathsig", death_signal.name.removeprefix("SIG")]
    return [setpriv, *options, "--", *argv] if setpriv and options else list(argv)


@functools.cache
def _knows_death_signals(setpriv: str) -> bool:
    answer = subprocess.run([setpriv, "--help"], capture_output=True, text=True, check=False)  # noqa: S603 -- found on PATH
    return "--pdeathsig" in answer.stdout


async def run_tool(
    argv: Sequence[str], stack: str, *, cwd: Path | None = None, uid: int | None = None, gid: int | None = None
) -> tuple[int, str]:
    """Run a short-lived program to its end; give its exit code and what it said. Cancelling ends it."""
    process = await asyncio.create_subprocess_exec(
        *as_user(argv, uid, gid),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env={**os.environ, TAG: stack},
    )
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.kill()
        raise
    return process.returncode or 0, said.decode(errors="replace").strip()


def is_ours(pid: int | None, stack: str) -> bool:
    """Say whether this pid is now a living process of this stack."""
    if pid is None:
        return False
    try:
        return _belongs(psutil.Process(pid), stack)
    except psutil.Error:
        return False


def ours(stack: str) -> list[psutil.Process]:
    """All living processes of this stack, but for this one and those it descends from."""
    me = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in me and _belongs(process, stack)]


def inside(folder: Path) -> list[psutil.Process]:
    """Processes that work in this folder, like the backends of a PostgreSQL whose postmaster was killed."""
    return [process for process in psutil.process_iter() if _works_in(process, folder)]


def named(name: str, among: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those of the processes that run this program and are still alive."""
    return [process for process in among if _is_named(process, name)]


def _is_named(process: psutil.Process, name: str) -> bool:
    try:
        return process.name() == name
    except psutil.Error:
        return False


def _belongs(process: psutil.Process, stack: str) -> bool:
    try:
        return process.environ().get(TAG) == stack and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cwd() == str(folder)
    except (psutil.Error, OSError):
        return False


def end(
    processes: Iterable[psutil.Process], grace_seconds: float, quit_signal: signal.Signals = signal.SIGTERM
) -> None:
    """Ask the processes to end, and kill those that have not after the grace."""
    asked = list(processes)
    for process in asked:
        with suppress(psutil.Error):
            process.send_signal(quit_signal)
            process.resume()  # a stopped one would never notice
    stubborn = _wait(asked, grace_seconds)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    _wait(stubborn, KILL_SECONDS)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until they have ended and give those that have not. A zombie has ended, whoever should bury it."""
    until = time.monotonic() + seconds
    while (alive := [process for process in processes if _is_alive(process)]) and time.monotonic() < until:
        time.sleep(LOOK_EVERY_SECONDS)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def resident_bytes(pid: int) -> int:
    """Memory of a process and its descendants; what they share is counted once where the kernel tells (PSS)."""
    try:
        process = psutil.Process(pid)
        return sum(_memory(member) for member in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


def _memory(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
