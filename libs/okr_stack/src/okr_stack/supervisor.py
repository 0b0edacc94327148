"""The one process that keeps a stack: `python -m okr_stack.supervisor STATE [--tied]`. It ends on SIGTERM, in order.

A tied one ends also when its standard input does: whoever holds the other end of that pipe has died.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from okr_common.errors import OkrError
from okr_common.kafka.admin import ensure_topics
from okr_common.logs import configure, logger
from okr_common.postgres.migrate import ROLES, migrate
from okr_common.topology import STAGES
from okr_stack import logs
from okr_stack.errors import StackError
from okr_stack.kafka import Kafka
from okr_stack.keeper import Keeper
from okr_stack.ownership import clear_leftovers, only_one
from okr_stack.part import Part
from okr_stack.ports import DEFAULTS, Reservations, choose
from okr_stack.postgres import Postgres
from okr_stack.services import Addresses, Service, Wanted
from okr_stack.state import State
from okr_stack.status import Board, Phase
from okr_stack.wishes import Wishes

log = logger(__name__)
BASE = ("kafka", "postgres")
SECOND_ENDS_AFTER_SECONDS = 30.0  # the first may have to clear up before it can be seen
BOUND_LOGS_EVERY_SECONDS = 5.0


class Supervisor:
    """Brings the stack up, keeps it up, takes it down."""

    def __init__(self, state: State, board: Board, *, tied: bool) -> None:
        self._state = state
        self._board = board
        self._tied = tied
        self._reservations = Reservations()
        self._wishes = Wishes.read(state)
        self._keepers: dict[str, Keeper] = {}
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Stay until told to end; raises StackError where the stack cannot come up."""
        self._listen(asyncio.get_running_loop())
        self._board.say()  # from now on others may signal us
        bounding = asyncio.create_task(self._bound_logs())
        try:
            if await self._unless_stopped(self._bring_up()):
                await self._unless_stopped(self._follow_wishes())
        finally:
            bounding.cancel()
            await self._bring_down()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._changed.set)
        if self._tied:
            loop.add_reader(sys.stdin.fileno(), self._leash_is_loose)

    def _leash_is_loose(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self._stop.set()

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do the work, or leave it when told to end; say whether it was done."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            task.result()
            return True
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return False

    async def _bring_up(self) -> None:
        ports = self._choose_ports()
        passwords = self._state.passwords(ROLES)
        self._addresses = Addresses(ports["kafka"], ports["postgres"], passwords)
        kafka = Kafka(self._state, ports["kafka"], ports["kafka-controller"])
        postgres = Postgres(self._state, ports["postgres"], self._wishes.postgres)
        self._board.say(step="Kafka and PostgreSQL start")
        await asyncio.gather(self._keep(kafka).until_ready(), self._keep(postgres).until_ready())
        self._board.say(step="databases are migrated, topics are made")
        await asyncio.gather(
            migrate(postgres.admin_dsn, passwords),
            asyncio.to_thread(ensure_topics, kafka.bootstrap),
        )
        await self._settle_services()

    def _choose_ports(self) -> dict[str, int]:
        replicas = {name: STAGES[wanted.stage].default_port + 10 for name, wanted in self._replicas().items()}
        defaults = DEFAULTS | replicas
        ports = choose(defaults, self._state.remembered().get("ports", {}), self._reservations.take)
        self._state.remember(ports=ports)
        return ports

    def _replicas(self) -> dict[str, Wanted]:
        return {name: wanted for name, wanted in self._wishes.services.items() if name not in STAGES}

    async def _follow_wishes(self) -> None:
        """Do what `up` asks of a running stack: more services, fewer, or those given up once more."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._wishes = Wishes.read(self._state)
            await self._settle_services()

    async def _settle_services(self) -> None:
        """Stop what is not wanted any more, start what is missing."""
        self._board.say(phase=Phase.STARTING, step="services start")
        ports = self._choose_ports()
        await self._revive_base()
        unwanted = [name for name, keeper in self._keepers.items() if self._is_unwanted(keeper)]
        await asyncio.gather(*(self._dismiss(name) for name in unwanted))
        theirs = {name: ports[name] for name in self._wishes.services}
        for name, wanted in self._wishes.services.items():
            if name not in self._keepers:
                self._keep(Service(name, wanted, self._state, self._addresses, theirs), self._base_is_ready)
        answers = await asyncio.gather(*(k.until_ready() for k in self._keepers.values()), return_exceptions=True)
        given_up = "; ".join(str(answer) for answer in answers if isinstance(answer, StackError))
        self._board.say(phase=Phase.UP, step="", error=given_up, served=self._wishes.id)

    async def _revive_base(self) -> None:
        for name, keeper in list(self._keepers.items()):
            if keeper.gave_up and not isinstance(keeper.part, Service):
                await self._dismiss(name)
                await self._keep(keeper.part).until_ready()

    def _is_unwanted(self, keeper: Keeper) -> bool:
        part = keeper.part
        return isinstance(part, Service) and (keeper.gave_up or self._wishes.services.get(part.name) != part.wanted)

    async def _dismiss(self, name: str) -> None:
        await self._keepers.pop(name).stop()
        self._board.remove(name)

    def _base_is_ready(self) -> bool:
        return all(self._keepers[name].is_ready for name in BASE if name in self._keepers)

    def _keep(self, part: Part, may_start: Callable[[], bool] = lambda: True) -> Keeper:
        self._board.add(part.name, part.port)
        self._keepers[part.name] = Keeper(part, self._board, self._state.name, may_start)
        return self._keepers[part.name]

    async def _bring_down(self) -> None:
        """Services first, so that they can say goodbye; then the broker; the databases last."""
        self._board.say(phase=Phase.STOPPING, step="")
        base = {name: self._keepers.pop(name) for name in BASE if name in self._keepers}
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers.values()))
        for keeper in base.values():
            await keeper.stop()
        self._reservations.release()

    async def _bound_logs(self) -> None:
        while True:
            await asyncio.to_thread(logs.bound, self._state.logs)
            await asyncio.sleep(BOUND_LOGS_EVERY_SECONDS)


def main(folder: str, *, tied: bool) -> int:
    """Supervise the stack in this folder until SIGTERM; 1 where it could not come up."""
    configure("supervisor", "INFO")
    state = State.at(folder)
    state.make()
    with only_one(state, SECOND_ENDS_AFTER_SECONDS) as alone:
        if not alone:
            return 0
        clear_leftovers(state)
        board = Board(state, os.getpid())
        try:
            asyncio.run(Supervisor(state, board, tied=tied).run())
        except OkrError as error:
            log.critical("stack_failed", error=str(error))
            board.say(phase=Phase.FAILED, error=str(error))
            return 1
        except BaseException as error:
            board.say(
                phase=Phase.FAILED, error=f"The supervisor failed: {error!r}; see {state.logs / 'supervisor.log'}"
            )
            raise
        finally:
            clear_leftovers(state)
        board.say(phase=Phase.DOWN)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], tied="--tied" in sys.argv))
