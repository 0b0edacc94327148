"""A stack as its users see it: up, down, status, addresses. The work is the supervisor's."""

import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from okr_common.postgres.migrate import READ_ONLY, ROLES
from okr_common.postgres.names import DATABASES
from okr_common.topology import STAGES
from okr_stack import postgres, preflight
from okr_stack.accounts import for_postgres
from okr_stack.errors import StackError, SupervisorGoneError
from okr_stack.handle import Handle
from okr_stack.ownership import clear_leftovers, only_one
from okr_stack.ports import HOST
from okr_stack.services import Addresses, available, url_variable, wanted_from
from okr_stack.state import DEFAULT_FOLDER, State
from okr_stack.status import Phase, StackStatus
from okr_stack.wishes import Wishes

LOOK_EVERY_SECONDS = 0.05
UP_WITHIN_SECONDS = 900.0  # the first time Maven may have to fetch 45 MB over a slow line

Progress = Callable[[StackStatus], None]


class Stack:
    """The stack of one state folder. A tied one goes down when the process that brought it up dies."""

    def __init__(self, folder: Path | str = DEFAULT_FOLDER, *, tied: bool = False) -> None:
        self.state = State.at(folder)
        self._supervisor = Handle(self.state, tied=tied)

    def up(
        self,
        services: bool | Collection[str] = True,  # noqa: FBT001, FBT002 -- reads well: up(services=False)
        *,
        progress: Progress | None = None,
        env: Mapping[str, str] | None = None,
        postgres_settings: Sequence[str] = (),
    ) -> bool:
        """Bring everything up and return when every part answers; False where it was up already.

        `services` names processes: `etl` and `etl-2` are two replicas. `env` goes to every service. Raises
        StackError where something is missing or a part was given up.
        """
        names = available() if services is True else services or ()
        wishes = Wishes(wanted_from(list(names), env or {}), tuple(postgres_settings))
        now = self.status()
        if now.phase is Phase.UP and now.all_ready and Wishes.read(self.state) == wishes:
            return False
        self.state.make()
        wishes.write(self.state)
        while not self._ask_or_start(progress):
            pass
        return True

    def want(self, services: Mapping[str, Mapping[str, str]], progress: Progress | None = None) -> None:
        """Have exactly these service processes, each with its own environment, under a supervisor that is up."""
        wanted = {name: wanted_from([name], env)[name] for name, env in services.items()}
        Wishes(wanted, Wishes.read(self.state).postgres).write(self.state)
        if not self._supervisor.ask():
            raise StackError(f"The stack in {self.state.folder} is down: `okr up` starts it.")
        self._wait_until_served(progress)

    def down(self) -> bool:
        """Stop every part in order and return when none is left; False where nothing ran."""
        if not self.state.folder.is_dir():
            return False
        ended = self._supervisor.end()
        return self._clear_leftovers() or ended

    def erase(self) -> None:
        """Stop everything and delete all that the stack keeps, wherever it lies."""
        self.down()
        home = postgres.home(self.state, for_postgres())
        for folder in (home, self.state.folder):
            shutil.rmtree(folder, ignore_errors=True)

    def status(self) -> StackStatus:
        """What holds now."""
        return self._supervisor.status()

    @property
    def addresses(self) -> Addresses:
        """Where the parts listen; StackError where the stack was never up."""
        ports = self.state.remembered().get("ports")
        if not ports:
            raise StackError(f"No stack was ever up in {self.state.folder}: `okr up` starts one.")
        return Addresses(ports["kafka"], ports["postgres"], self.state.passwords(ROLES))

    def admin_dsn(self, database: str = "postgres") -> str:
        """The superuser's address."""
        home = postgres.home(self.state, for_postgres())
        return postgres.admin_dsn(home, self.addresses.postgres, database)

    def env(self) -> dict[str, str]:
        """The truth about addresses, as `okr env` prints it."""
        addresses, ports = self.addresses, self.state.remembered()["ports"]
        return {
            "OKR_KAFKA_BOOTSTRAP": addresses.bootstrap,
            **{f"OKR_POSTGRES_DSN_{name.upper()}": addresses.dsn(READ_ONLY, name) for name in DATABASES},
            **{url_variable(stage): f"http://{HOST}:{ports[name]}" for name, stage in STAGES.items()},
        }

    def _ask_or_start(self, progress: Progress | None) -> bool:
        """Whether the wishes were served; False where the supervisor that we asked died before it answered."""
        started = not self._supervisor.ask() and self._start()
        try:
            self._wait_until_served(progress)
        except SupervisorGoneError:
            if started:
                raise
            return False
        return True

    def _start(self) -> bool:
        preflight.check(self.state)
        return self._supervisor.start()

    def _wait_until_served(self, progress: Progress | None) -> None:
        """Wait until the wishes are fulfilled: ours, or those that another command wrote after us."""
        until = time.monotonic() + UP_WITHIN_SECONDS
        while time.monotonic() < until:
            starting, now = self._supervisor.is_starting(), self.status()
            if progress:
                progress(now)
            if now.supervisor is None and not starting:
                raise self._why_gone(now)
            if now.phase is Phase.UP and now.served != Wishes.read(self.state).id:
                self._supervisor.ask()  # it read what stood there before
            elif now.phase is Phase.UP and self._is_well(now):
                return self._supervisor.dismiss_second()
            time.sleep(LOOK_EVERY_SECONDS)
        raise StackError(f"The stack was not up within {UP_WITHIN_SECONDS:.0f} s; see {self.state.logs}.")

    def _why_gone(self, now: StackStatus) -> StackError:
        if now.phase is Phase.DOWN and now.parts:
            return StackError(f"Another command stopped the stack in {self.state.folder} while it started.")
        return SupervisorGoneError(now.error or f"The supervisor ended; {self._supervisor.last_words()}")

    @staticmethod
    def _is_well(now: StackStatus) -> bool:
        """Whether every part answers; StackError where one was given up."""
        if now.error:
            raise StackError(now.error)
        return now.all_ready

    def _clear_leftovers(self) -> bool:
        with only_one(self.state) as alone:
            if not alone:
                raise StackError(f"Another command is starting the stack in {self.state.folder}: wait, then try again.")
            return clear_leftovers(self.state)
