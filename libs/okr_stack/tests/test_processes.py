"""A process is ours if and only if it says so itself."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from okr_stack import processes

Start = Callable[[dict[str, str]], "subprocess.Popen[bytes]"]


@pytest.fixture
def sleeper() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(env: dict[str, str]) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen(["sleep", "60"], env={**os.environ, **env}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_identity_is_in_the_environment(sleeper: Start) -> None:
    mine, of_another_stack, foreign = (
        sleeper({processes.TAG: "/one"}),
        sleeper({processes.TAG: "/other"}),
        sleeper({}),
    )
    assert [process.pid for process in processes.ours("/one")] == [mine.pid]
    assert processes.is_ours(mine.pid, "/one")
    assert not processes.is_ours(of_another_stack.pid, "/one")
    assert not processes.is_ours(foreign.pid, "/one")
    assert not processes.is_ours(None, "/one")


def test_a_zombie_is_nobodys(sleeper: Start) -> None:
    dead = sleeper({processes.TAG: "/one"})
    dead.kill()
    processes.end([psutil.Process(dead.pid)], grace_seconds=5)
    assert not processes.is_ours(dead.pid, "/one")
    assert processes.ours("/one") == []


def test_who_does_not_end_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    stubborn = f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(ready)!r}, 'w'); time.sleep(60)"
    with subprocess.Popen(["python3", "-c", stubborn]) as process:
        while not ready.exists():
            assert process.poll() is None
        processes.end([psutil.Process(process.pid)], grace_seconds=0.1)
        assert process.wait(5) == -9


def test_a_stopped_process_ends_in_order(sleeper: Start) -> None:
    frozen = sleeper({})
    psutil.Process(frozen.pid).suspend()
    processes.end([psutil.Process(frozen.pid)], grace_seconds=5)
    assert frozen.wait(5) == -15


def test_a_command_for_ourselves_is_left_as_it_is() -> None:
    assert processes.as_user(["true"]) == ["true"]
