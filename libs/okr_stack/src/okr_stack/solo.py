"""A service process without a supervisor: for tests and benchmarks that start, kill and restart it themselves.

Benchmarks start it as users do. Tests, which start hundreds, let a nursery fork it with its imports done.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from okr_common import paths
from okr_common.topology import STAGES
from okr_stack import cache, logs, processes
from okr_stack.errors import StackError
from okr_stack.nursery import Child, Nursery
from okr_stack.ports import HOST
from okr_stack.services import Addresses, answers, environment
from okr_stack.state import State

LOOK_EVERY_SECONDS = 0.05


class SoloService:
    """One service, on a free port, its output in <state>/logs/<name>.log."""

    def __init__(
        self,
        stage: str,
        state: State,
        addresses: Addresses,
        env: Mapping[str, str],
        *,
        name: str | None = None,
        nursery: Nursery | None = None,
    ) -> None:
        self.stage = STAGES[stage]
        self.name = name or stage
        self.port = _free_port()
        self._tag = state.name
        self._env = {**environment(self.stage, addresses, self.port), **env}
        self._log = state.logs / f"{self.name}.log"
        self._nursery = nursery
        self._process: subprocess.Popen[bytes] | Child | None = None

    @property
    def url(self) -> str:
        """Where its REST listens."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What it writes."""
        return self._log

    @property
    def pid(self) -> int:
        """The running process."""
        return self._running().pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self, env: Mapping[str, str] | None = None) -> None:
        """Start the process, with more environment where given."""
        if self.is_alive:
            raise StackError(f"{self.name} runs already as pid {self.pid}.")
        around = {**os.environ, **cache.python_environment()}
        whole = {**around, **self._env, **(env or {}), processes.TAG: self._tag}
        if self._nursery is not None and self._nursery.can_bear(whole):
            self._process = self._nursery.bear(self.stage.module, whole, self._log)
        else:
            self._process = self._begin(whole)

    def _begin(self, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 -- our own module
                [sys.executable, "-m", self.stage.module],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=paths.repository(),
                env=env,
                start_new_session=True,
            )

    def until_ready(self, timeout_seconds: float = 60.0) -> None:
        """Wait until /readyz says yes; StackError with its last words where it dies or takes too long."""
        until = time.monotonic() + timeout_seconds
        while not answers(f"{self.url}/readyz"):
            if not self.is_alive or time.monotonic() > until:
                fate = "is not ready in time" if self.is_alive else f"ended with code {self._running().returncode}"
                raise StackError(f"{self.name} {fate}; {self._log} ends with:\n" + "\n".join(logs.tail(self._log)))
            time.sleep(LOOK_EVERY_SECONDS)

    def kill(self) -> None:
        """SIGKILL it and all its children, and wait until they are gone."""
        running = self._running()
        children = psutil.Process(running.pid).children(recursive=True)
        running.kill()
        running.wait(10)
        processes.end(children, grace_seconds=5, quit_signal=signal.SIGKILL)

    def stop(self, grace_seconds: float = 30.0) -> int | None:
        """Ask it to end and give its exit code; None where it was not running."""
        if not self.is_alive:
            return None
        running = self._running()
        running.terminate()
        try:
            return running.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return running.returncode

    def wait(self, timeout_seconds: float = 30.0) -> int:
        """Wait for its own end (a planted fault, for example) and give the exit code."""
        return self._running().wait(timeout_seconds)

    def _running(self) -> "subprocess.Popen[bytes] | Child":
        if self._process is None:
            raise StackError(f"{self.name} was never started.")
        return self._process


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])
