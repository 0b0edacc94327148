"""From nothing to up, and back to nothing."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import asyncpg
import psutil
import pytest

from okr_common import paths
from okr_stack import processes
from okr_stack.accounts import Account
from okr_stack.errors import StackError
from okr_stack.stack import Stack
from okr_stack.state import State
from okr_stack.status import Life, PartStatus, Phase, StackStatus
from okr_stack.testing import StackUnderTest

pytestmark = pytest.mark.stack


def test_two_checkouts_live_side_by_side_and_down_leaves_nothing(own_stack: Stack, stack: StackUnderTest) -> None:
    stack.up()
    assert own_stack.up(services=False)
    assert not own_stack.up(services=False), "up twice says it is up already"
    ports = [set(each.state.remembered()["ports"].values()) for each in (own_stack, stack.stack)]
    assert not ports[0] & ports[1]
    assert {part.life for part in own_stack.status().parts.values()} == {Life.READY}

    assert own_stack.down()
    assert processes.ours(own_stack.state.name) == []
    assert stack.stack.status().all_ready, "the other one does not notice"
    assert not own_stack.down(), "down twice has nothing to do"


async def test_a_second_start_finds_ports_passwords_and_data_again(own_stack: Stack) -> None:
    own_stack.up(services=False)
    before = own_stack.env()
    connection = await asyncpg.connect(own_stack.addresses.dsn("okr_ingest_csv", "raw"))
    await connection.execute("insert into source (name) values ('kept')")
    await connection.close()
    own_stack.down()

    own_stack.up(services=False)
    assert own_stack.env() == before
    connection = await asyncpg.connect(own_stack.env()["OKR_POSTGRES_DSN_RAW"])
    assert await connection.fetchval("select name from source") == "kept"
    await connection.close()


def test_passwords_are_for_the_owner_only(tmp_path: Path) -> None:
    state = State.at(tmp_path)
    assert state.passwords(["okr_etl"]) == state.passwords(["okr_etl"])
    assert (tmp_path / "passwords.json").stat().st_mode & 0o077 == 0


def test_a_pid_in_a_stale_file_is_not_ours(own_stack: Stack) -> None:
    """The machine crashed: the files name pids that belong to other programs now."""
    own_stack.up(services=False)
    own_stack.down()
    with subprocess.Popen(["sleep", "60"]) as bystander:
        kafka = PartStatus("kafka", port=9092, life=Life.READY, pid=bystander.pid)
        stale = StackStatus(Phase.UP, supervisor=bystander.pid, parts={"kafka": kafka})
        own_stack.state.status.write_text(json.dumps(asdict(stale)))
        _plant_postmaster_pid(Path(own_stack.state.remembered()["postgres_home"]), bystander.pid)
        assert own_stack.status().phase is Phase.FAILED
        assert own_stack.status().parts["kafka"].pid is None
        assert "okr up" in own_stack.status().error

        assert own_stack.up(services=False)
        assert own_stack.status().parts["postgres"].deaths == 0
        own_stack.down()
        assert bystander.poll() is None
        bystander.kill()


def _plant_postmaster_pid(home: Path, pid: int) -> None:
    """PostgreSQL alone would take the living stranger for a postmaster and refuse to start."""
    (home / "data" / "postmaster.pid").write_text(f"{pid}\n{home / 'data'}\n0\n1\n{home}\n127.0.0.1\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_works_without_root(tmp_path_factory: pytest.TempPathFactory) -> None:
    nobody = Account(65534, 65534)
    python = next((each for each in (sys.executable, "/usr/bin/python3.11") if nobody.can_use(Path(each))), None)
    if python is None or not nobody.can_use(paths.repository()):
        pytest.skip("an unprivileged user can enter neither this checkout nor a Python 3.11")
    state = _folder_of(nobody, tmp_path_factory) / "state"
    argv = processes.as_user([python, "-c", UP, str(state)], nobody.uid, nobody.gid)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        up = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120, cwd="/", env=env)
        assert up.returncode == 0, up.stderr
        assert {psutil.Process(int(pid)).uids().real for pid in up.stdout.split()} == {nobody.uid}
    finally:
        Stack(state).erase()
    assert processes.ours(str(state)) == []


UP = """
import sys
from okr_stack.stack import Stack
stack = Stack(sys.argv[1], tied="--tied" in sys.argv)
stack.up(services=False)
print(*(part.pid for part in stack.status().parts.values()), flush=True)
if "--tied" in sys.argv:
    sys.stdin.read()
"""


def test_a_tied_stack_ends_when_its_owner_is_killed(own_stack: Stack) -> None:
    """A test run that is killed leaves nothing running."""
    own_stack.down()
    command = [sys.executable, "-c", UP, str(own_stack.state.folder), "--tied"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        assert owner.stdout.readline()
        assert own_stack.status().all_ready
        owner.kill()
    deadline = time.monotonic() + 30
    while processes.ours(own_stack.state.name):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert own_stack.status().phase is Phase.DOWN


def _folder_of(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unprivileged")
    for parent in folder.parents:
        if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(0o711)
    account.own(folder)
    return folder


def test_two_commands_that_start_it_at_once_share_one_supervisor(own_stack: Stack) -> None:
    own_stack.down()
    twin = Stack(own_stack.state.folder, tied=True)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(each.up, services=False) for each in (own_stack, twin)]:
            done.result()
    assert own_stack.status().all_ready
    assert own_stack.status().supervisor == twin.status().supervisor
    assert own_stack.down()
    assert not twin.down()


def test_down_in_the_middle_of_up_leaves_nothing(own_stack: Stack) -> None:
    other = Stack(own_stack.state.folder)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(own_stack.up, services=False)
        while other.status().supervisor is None or not other.status().parts:
            time.sleep(0.01)
        assert other.down()
        with pytest.raises(StackError, match="Another command stopped the stack"):
            starting.result()
    assert processes.ours(own_stack.state.name) == []
