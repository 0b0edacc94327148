"""The other end of okr_stack.nursery_process: starts services from what is imported already, for tests."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from okr_common import paths
from okr_stack.errors import StackError

OURS = ("OKR_", "PYTEST_")
"""Only our own code reads these, when it starts. What else differs may have been read by Python or a library."""


class Child:
    """One process that the nursery gave birth to, as `subprocess.Popen` would show it."""

    def __init__(self, pid: int, nursery: "Nursery") -> None:
        self.pid = pid
        self._nursery = nursery

    @property
    def returncode(self) -> int | None:
        """Its exit code; -9 where a signal ended it, None while it lives."""
        return self._nursery.code_of(self.pid)

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        return self._nursery.wait_for(self.pid, timeout)

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Nursery:
    """Begun at the first birth. It ends with the process that holds it, or when it is closed."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)
        self._process: subprocess.Popen[bytes] | None = None
        self._is_alive = False
        self._changed = threading.Condition()
        self._born: list[int] = []
        self._codes: dict[int, int] = {}

    def can_bear(self, env: Mapping[str, str]) -> bool:
        """Whether this environment differs from the nursery's in nothing that was read when it imported."""
        return all(key.startswith(OURS) for key, _ in {*env.items()} ^ {*self._env.items()})

    def bear(self, module: str, env: Mapping[str, str], log: Path) -> Child:
        """Start `python -m module` with this environment, its output appended to the log."""
        said = {"module": module, "env": dict(env), "log": str(log), "cwd": str(paths.repository())}
        with self._changed:
            self._ask(json.dumps(said).encode() + b"\n")
            if not self._changed.wait_for(lambda: self._born or not self._is_alive, 60) or not self._born:
                raise StackError(f"the nursery does not start {module}: it ended, or hangs")
            pid = self._born.pop()
            self._codes.pop(pid, None)
        return Child(pid, self)

    def code_of(self, pid: int) -> int | None:
        """The exit code; None while the process lives."""
        with self._changed:
            return self._code(pid)

    def wait_for(self, pid: int, timeout: float) -> int:
        """The exit code, once there is one. Raises subprocess.TimeoutExpired."""
        with self._changed:
            self._changed.wait_for(lambda: self._code(pid) is not None, timeout)
            code = self._code(pid)
        if code is None:
            raise subprocess.TimeoutExpired(str(pid), timeout)
        return code

    def close(self) -> None:
        """Let it end, where it has not, and ask what it gave birth to to end."""
        if self._process is not None:
            assert self._process.stdin is not None  # noqa: S101 - it is a pipe
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait(10)

    def _code(self, pid: int) -> int | None:
        """A nursery that was killed cannot tell any more how its children ended: by a signal, as it did."""
        unknown = not self._is_alive and not psutil.pid_exists(pid)
        return self._codes.get(pid, -signal.SIGKILL if unknown else None)

    def _ask(self, line: bytes) -> None:
        try:
            self._write(line)
        except BrokenPipeError:  # somebody killed it a moment ago
            self._is_alive = False
            self._write(line)

    def _write(self, line: bytes) -> None:
        if self._process is None or not self._is_alive:
            self._process = self._begin()
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _begin(self) -> "subprocess.Popen[bytes]":
        self.close()
        process = subprocess.Popen(
            [sys.executable, "-m", "okr_stack.nursery_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=paths.repository(),
            env=self._env,
            start_new_session=True,
        )
        self._is_alive = True
        threading.Thread(target=self._listen, args=[process], daemon=True).start()
        return process

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        with process.stdout as told:
            for line in told:
                with self._changed:
                    self._take(json.loads(line))
        with self._changed:
            self._is_alive = self._is_alive and process is not self._process
            self._changed.notify_all()

    def _take(self, told: Mapping[str, int]) -> None:
        if "code" in told:
            self._codes[told["pid"]] = told["code"]
        else:
            self._born.append(told["pid"])
        self._changed.notify_all()
