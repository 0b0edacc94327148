"""Services that tests start are forked; they must be what `python -m` would have made of them."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from okr_common import paths
from okr_stack.nursery import Child, Nursery
from okr_stack.testing import StackUnderTest

PROGRAM = """
import json, os, signal, sys

if __name__ == "__main__":
    print(json.dumps({
        "leads its session": os.getsid(0) == os.getpid(),
        "is in": os.getcwd(),
        "reads": os.read(0, 1).decode(),
        "has open": sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:3],
        "mourns": signal.getsignal(signal.SIGCHLD) != signal.SIG_DFL,
        "threads": len(os.listdir("/proc/self/task")),
        "is told": {name: word for name, word in os.environ.items() if name.startswith("OKR_TOLD")},
        "arguments": len(sys.argv) - 1,
        "module": sys.modules["__main__"].__spec__.name,
    }), flush=True)
    if "OKR_TOLD_TO_STAY" in os.environ:
        signal.pause()
    sys.exit(3)
"""


@pytest.fixture(scope="module")
def surrounded(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Where `born` is a module."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "born.py").write_text(PROGRAM)
    return {**os.environ, "PYTHONPATH": str(folder)}


@pytest.fixture(scope="module")
def nursery(surrounded: Mapping[str, str]) -> Iterator[Nursery]:
    made = Nursery(surrounded)
    yield made
    made.close()


def test_what_is_born_is_what_python_m_would_have_made(
    nursery: Nursery, surrounded: Mapping[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    child = nursery.bear("born", {**surrounded, "OKR_TOLD": "much"}, log)
    assert child.wait(20) == child.poll() == 3
    before, said = log.read_text().splitlines()
    assert before == "before"
    assert json.loads(said) == {
        "leads its session": True,
        "is in": str(paths.repository()),
        "reads": "",
        "has open": [0, 1, 2],
        "mourns": False,
        "threads": 1,
        "is told": {"OKR_TOLD": "much"},
        "arguments": 0,
        "module": "born",
    }


def staying(nursery: Nursery, surrounded: Mapping[str, str], log: Path) -> Child:
    child = nursery.bear("born", {**surrounded, "OKR_TOLD_TO_STAY": "yes"}, log)
    while not (log.exists() and log.read_text()):
        assert child.poll() is None
    return child


def test_ends_are_told_as_popen_tells_them(nursery: Nursery, surrounded: Mapping[str, str], tmp_path: Path) -> None:
    one, other = (staying(nursery, surrounded, tmp_path / name) for name in ("one", "other"))
    with pytest.raises(subprocess.TimeoutExpired):
        one.wait(0.01)
    one.kill()
    other.terminate()
    assert (one.wait(10), other.wait(10)) == (-signal.SIGKILL, -signal.SIGTERM)
    assert not psutil.pid_exists(one.pid)
    one.kill()  # it has ended already: that hurts nobody


def test_a_killed_nursery_is_followed_by_another(surrounded: Mapping[str, str], tmp_path: Path) -> None:
    nursery = Nursery(surrounded)
    orphan = staying(nursery, surrounded, tmp_path / "orphan")
    (mother,) = [one for one in psutil.Process().children() if one.pid == psutil.Process(orphan.pid).ppid()]
    mother.kill()
    psutil.wait_procs([mother], 10)
    next_one = nursery.bear("born", surrounded, tmp_path / "next")
    assert next_one.wait(20) == 3
    assert orphan.poll() is None
    orphan.kill()
    nursery.close()


def test_with_the_nursery_end_those_who_still_live(surrounded: Mapping[str, str], tmp_path: Path) -> None:
    nursery = Nursery(surrounded)
    child = psutil.Process(staying(nursery, surrounded, tmp_path / "left").pid)
    nursery.close()
    assert psutil.wait_procs([child], 10)[1] == []


def test_what_python_reads_when_it_starts_is_not_changed_behind_its_back(nursery: Nursery) -> None:
    mine = {**os.environ, "PYTHONPATH": nursery._env["PYTHONPATH"]}
    assert nursery.can_bear({**mine, "OKR_ANYTHING": "yes"})
    assert not nursery.can_bear({**mine, "PYTHONHASHSEED": "1"})
    assert not nursery.can_bear({key: mine[key] for key in mine if key != "PATH"})


@pytest.mark.stack
def test_a_service_is_born_unless_its_environment_is_another(stack: StackUnderTest) -> None:
    stack.up()
    with stack.service("ingest-api") as born, stack.service("ingest-api", {"TZ": "Asia/Tokyo"}) as begun:
        commands = [psutil.Process(one.pid).cmdline()[-1] for one in (born, begun)]
    assert commands == ["okr_stack.nursery_process", "okr_ingest_api"]
