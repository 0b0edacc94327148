"""The server that comes in the wheel, and where its data lies."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from okr_stack import accounts, pg_server, processes
from okr_stack.ports import Reservations, choose
from okr_stack.postgres import LONGEST_SOCKET_PATH, Postgres, home
from okr_stack.state import State


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[Postgres]:
    state = State.at(tmp_path / "state")
    state.make()
    reservations = Reservations()
    port = choose({"postgres": 25432}, {}, reservations.take)["postgres"]
    yield Postgres(state, port)
    reservations.release()
    made = Path(state.remembered()["postgres_home"])
    processes.end(processes.inside(made / "data"), grace_seconds=5)
    shutil.rmtree(made)


@pytest.mark.stack
async def test_the_wheels_server_serves_even_where_its_user_cannot_reach_it(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = pg_server.in_wheel()[0]
    monkeypatch.setattr(pg_server, "candidates", lambda: iter([_in_a_private_folder(wheel, tmp_path)]))
    launch = await postgres.prepare()
    process = await processes.start(launch, str(tmp_path))
    while not await postgres.ready():
        assert process.returncode is None, launch.log.read_text()
    process.send_signal(launch.quit_signal)
    assert await process.wait() == 0


def _in_a_private_folder(server: Path, tmp_path: Path) -> Path:
    """As the virtual environment of a checkout in root's home is."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "pginstall").symlink_to(server.parent)
    return private / "pginstall" / "bin"


def test_data_lies_in_the_state_folder_where_its_user_can_enter_it(tmp_path: Path) -> None:
    assert home(State.at(tmp_path), accounts.Account()) == tmp_path / "postgres"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_data_lies_in_the_temporary_directory_where_its_user_cannot_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = home(State.at(tmp_path / "checkout" / ".okr"), accounts.Account(65534, 65534))
    assert found.name.startswith("okr-checkout-")
    assert tmp_path not in found.parents


def test_data_lies_in_the_temporary_directory_where_the_path_is_too_long_for_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * LONGEST_SOCKET_PATH) / ".okr"
    deep.mkdir(parents=True)
    found = home(State.at(deep), accounts.Account())
    assert len(str(found)) < LONGEST_SOCKET_PATH
    assert home(State.at(deep), accounts.Account()) == found, "the same again"
    assert home(State.at(tmp_path / ("d" * 99) / ".okr"), accounts.Account()) != found


def test_a_copied_state_folder_does_not_share_its_data(tmp_path: Path) -> None:
    state = State.at(tmp_path / "copy")
    (tmp_path / "original" / "postgres").mkdir(parents=True)
    state.remember(postgres_home=str(tmp_path / "original" / "postgres"))
    assert home(state, accounts.Account()) == tmp_path / "copy" / "postgres"
