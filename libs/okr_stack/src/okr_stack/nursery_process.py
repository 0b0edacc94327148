"""`python -m okr_stack.nursery_process`: has imported what all services share, and forks one at each request.

Two thirds of what a service's start costs are imports that are the same each time. What is born goes on as
`python -m okr_etl` would, with all that is its own: its other imports, its environment, its log, its session.

It must stay without threads and connections, of which a fork would have half: so it imports neither polars nor numpy,
which start threads when they are imported. Requests come as lines of JSON on stdin, and births and deaths are told as
lines of JSON on stdout. It ends when nobody holds the other end any more, and asks those who still live to end: it is
no part of a stack, and who clears up after a killed test would not know them.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHARED = ("okr_common.service", "okr_common.settings", "okr_common.control_plane", "okr_common.sources")
WHEN_NEEDED = (
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "faust.transport.drivers.aiokafka",
    "faust.stores.memory",
)
"""What uvicorn and Faust import by name when they start."""
Birth = dict[str, Any]


class Nursery:
    """The process that forks."""

    def __init__(self) -> None:
        self._asked = b""
        self._living: set[int] = set()
        self._woken, waking = os.pipe()
        for end in (self._woken, waking):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waking)

    def serve(self) -> Birth | None:
        """In a child: what it is to be. In the nursery itself: None, once nobody asks any more."""
        while True:
            readable, _, _ = select.select([sys.stdin, self._woken], [], [])
            if self._woken in readable:
                os.read(self._woken, select.PIPE_BUF)
            for pid, code in _ended():
                self._living.discard(pid)
                _tell(pid=pid, code=code)
            if sys.stdin in readable:
                chunk = os.read(sys.stdin.fileno(), select.PIPE_BUF)
                if not chunk:
                    self._end()
                    return None
                for birth in self._requests(chunk):
                    pid = os.fork()
                    if pid == 0:
                        return birth
                    self._living.add(pid)
                    _tell(pid=pid)

    def _end(self) -> None:
        for pid in self._living:
            os.kill(pid, signal.SIGTERM)

    def _requests(self, chunk: bytes) -> Iterator[Birth]:
        *lines, self._asked = (self._asked + chunk).split(b"\n")
        return (json.loads(line) for line in lines)


def _ended() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def _tell(**what: int) -> None:
    os.write(sys.stdout.fileno(), json.dumps(what).encode() + b"\n")


def _become(birth: Birth) -> None:
    """What the shell or the supervisor would have done before Python was started, and then the module."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(birth["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 64)
    os.chdir(birth["cwd"])
    os.environ.clear()
    os.environ.update(birth["env"])
    sys.argv = [birth["module"]]
    runpy.run_module(birth["module"], run_name="__main__", alter_sys=True)


def main() -> None:
    """Import, then fork at each request."""
    gc.disable()  # as the services do
    for module in (*SHARED, *WHEN_NEEDED):
        importlib.import_module(module)
    threads = Path("/proc/self/task")
    assert not threads.is_dir() or len(list(threads.iterdir())) == 1, "a fork would lack the other threads"  # noqa: S101
    gc.freeze()
    birth = Nursery().serve()
    if birth is not None:
        _become(birth)


if __name__ == "__main__":
    main()
