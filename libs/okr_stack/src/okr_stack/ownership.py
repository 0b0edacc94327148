"""One supervisor per state folder, and what a killed one left behind."""

import fcntl
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from okr_common.logs import logger
from okr_stack import processes
from okr_stack.state import State

log = logger(__name__)
SUPERVISOR = "okr_stack.supervisor"
LEFTOVER_GRACE_SECONDS = 5.0


@contextmanager
def only_one(state: State, patience_seconds: float = 5.0) -> Iterator[bool]:
    """Hold the stack's lock; False where another one holds on to it. The kernel frees it however we end."""
    with state.lock.open("ab") as lock:
        until = time.monotonic() + patience_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    yield False
                    return
                time.sleep(0.05)
            else:
                yield True
                return


def clear_leftovers(state: State) -> bool:
    """End what a killed supervisor left running, and say whether there was anything. Only under the stack's lock."""
    left = [process for process in processes.ours(state.name) if not _waits_for_the_lock(process)]
    servers = processes.named("postgres", left)
    if left:
        log.warning("ends_what_an_earlier_supervisor_left", pids=[process.pid for process in left])
    processes.end([process for process in left if process not in servers], LEFTOVER_GRACE_SECONDS)
    processes.end(servers, LEFTOVER_GRACE_SECONDS, signal.SIGINT)
    return bool(left)


def _waits_for_the_lock(process: psutil.Process) -> bool:
    """A supervisor that is not the one with the lock was started by another command at the same moment."""
    try:
        return SUPERVISOR in process.cmdline()
    except psutil.Error:
        return False
