"""The supervisor as seen from outside: start it, ask it, end it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil

from okr_stack import cache, logs, processes, status
from okr_stack.state import State
from okr_stack.status import StackStatus

REAPED_WITHIN_SECONDS = 10.0
DOWN_WITHIN_SECONDS = 90.0


class Handle:
    """One state folder's supervisor. A tied one ends when the process that started it dies: it holds a pipe's end."""

    def __init__(self, state: State, *, tied: bool) -> None:
        self._state = state
        self._tied = tied
        self._child: subprocess.Popen[bytes] | None = None
        self._leash: int | None = None

    def status(self) -> StackStatus:
        """What holds now."""
        self.is_starting()  # a dead child of ours stays in the process table until we look
        return status.read(self._state)

    def is_starting(self) -> bool:
        """Whether a supervisor that we started lives, though it may not have spoken yet."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> bool:
        """Start a supervisor, which ends at once where another one has the stack; False where ours still lives."""
        if self.is_starting():
            return False
        self._state.status.unlink(missing_ok=True)
        self._let_go()
        reading, self._leash = os.pipe() if self._tied else (None, None)
        with (self._state.logs / "supervisor.log").open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 -- ourselves
                [sys.executable, "-m", "okr_stack.supervisor", self._state.name, *(["--tied"] if self._tied else [])],
                stdin=subprocess.DEVNULL if reading is None else reading,
                stdout=log,
                stderr=log,
                env={**os.environ, **cache.python_environment(), processes.TAG: self._state.name},
                start_new_session=True,
            )
        if reading is not None:
            os.close(reading)
        return True

    def _let_go(self) -> None:
        if self._leash is not None:
            os.close(self._leash)
        self._leash = None

    def ask(self) -> bool:
        """Have a running supervisor read the wishes; False where there is none."""
        pid = self.status().supervisor
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGHUP)
        except ProcessLookupError:
            return False
        return True

    def end(self) -> bool:
        """Have it stop the stack in order, and kill it where it does not; False where there was none."""
        pid = self.status().supervisor or (self._child.pid if self._child and self.is_starting() else None)
        with suppress(psutil.NoSuchProcess):
            processes.end([psutil.Process(pid)] if pid else [], DOWN_WITHIN_SECONDS)
        if self._child:
            self._child.wait(REAPED_WITHIN_SECONDS)
        return pid is not None

    def dismiss_second(self) -> None:
        """End the supervisor that we started where another command's was quicker."""
        if self._child and self.is_starting() and self.status().supervisor != self._child.pid:
            self._child.terminate()
            self._child.wait(REAPED_WITHIN_SECONDS)

    def last_words(self) -> str:
        """Where its log is, and how it ends."""
        log = self._state.logs / "supervisor.log"
        return f"{log} ends with: {logs.last_words(log)}"
