"""Keeps one part alive: starts it, waits until it answers, starts it again when it dies."""

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from signal import Signals

from okr_common.logs import logger
from okr_stack import logs
from okr_stack.errors import StackError
from okr_stack.part import Part
from okr_stack.processes import Launch, start
from okr_stack.restarts import GiveUp, after_death
from okr_stack.status import Board, Life

log = logger(__name__)
ASK_EVERY_SECONDS = 0.05
WAIT_SECONDS = 0.2


class Keeper:
    """One part and the process that runs it.

    While `may_start` says no (the broker is away), the part is not started, and its deaths do not count.
    """

    def __init__(self, part: Part, board: Board, stack: str, may_start: Callable[[], bool] = lambda: True) -> None:
        self.part = part
        self.is_ready = False
        self._may_start = may_start
        self._board = board
        self._stack = stack
        self._process: Process | None = None
        self._launch: Launch | None = None
        self._stopping = asyncio.Event()
        self._settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(), name=f"keep {part.name}")

    async def until_ready(self) -> None:
        """Return when the part answered for the first time; StackError where it was given up before."""
        await asyncio.shield(self._settled)

    @property
    def gave_up(self) -> bool:
        """Whether the part was left dead."""
        return self._task.done() and not self._stopping.is_set()

    async def stop(self) -> None:
        """End the process in order, kill it after its grace, and start it no more."""
        self._stopping.set()
        process, launch = self._process, self._launch
        if process is None or launch is None:
            self._task.cancel()
        elif process.returncode is None:
            self._board.tell(self.part.name, life=Life.STOPPING)
            await _end(process, launch.quit_signal, self.part.stop_seconds)
        with suppress(asyncio.CancelledError):
            await self._task
        self._settled.cancel()
        if not self.gave_up:
            self._board.tell(self.part.name, life=Life.STOPPED, pid=None)

    async def _keep(self) -> None:
        deaths: list[float] = []
        while not self._stopping.is_set():
            await self._until_it_may_start()
            try:
                reason = await self._live()
            except StackError as error:
                return self._give_up(str(error))
            if self._stopping.is_set():
                return None
            if self._may_start():
                deaths.append(time.monotonic())
            verdict = after_death(deaths, time.monotonic())
            if isinstance(verdict, GiveUp):
                return self._give_up(f"{reason}; it died {verdict.deaths} times in a minute. {self._last_words()}")
            await self._rest(reason, len(deaths), verdict.after_seconds)
        return None

    async def _until_it_may_start(self) -> None:
        while not self._may_start():
            self._board.tell(self.part.name, life=Life.WAITING, pid=None, note="waits for Kafka and PostgreSQL")
            await asyncio.sleep(WAIT_SECONDS)

    async def _rest(self, reason: str, deaths: int, seconds: float) -> None:
        self._board.tell(self.part.name, life=Life.RESTARTING, pid=None, deaths=deaths, note=reason)
        log.warning("part_died", part=self.part.name, reason=reason, again_in_seconds=seconds)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _live(self) -> str:
        """One life from preparation to death; give the reason of the death."""
        self._board.tell(self.part.name, life=Life.PREPARING)
        self._launch = await self.part.prepare()
        process = self._process = await start(self._launch, self._stack)
        try:
            self._board.tell(self.part.name, life=Life.STARTING, pid=process.pid)
            reason = await self._watch(process)
        finally:
            self.is_ready = False
            self._process = None
            await self.part.ended(await process.wait())
        return reason

    async def _watch(self, process: Process) -> str:
        death = asyncio.create_task(process.wait())
        answer = asyncio.create_task(self._until_it_answers())
        await asyncio.wait({death, answer}, timeout=self.part.start_seconds, return_when=asyncio.FIRST_COMPLETED)
        answer.cancel()
        if not death.done() and not answer.done():
            process.kill()
            await death
            return f"it did not answer within {self.part.start_seconds:.0f} s"
        if not death.done():
            self._mark_ready()
        return f"it {describe(await death)}"

    async def _until_it_answers(self) -> None:
        while not await self.part.ready():  # noqa: ASYNC110 -- another process's state
            await asyncio.sleep(ASK_EVERY_SECONDS)

    def _mark_ready(self) -> None:
        self.is_ready = True
        self._board.tell(self.part.name, life=Life.READY, note="")
        log.info("part_ready", part=self.part.name, port=self.part.port)
        if not self._settled.done():
            self._settled.set_result(None)

    def _give_up(self, reason: str) -> None:
        message = f"{self.part.name} was given up: {reason}"
        self._board.tell(self.part.name, life=Life.GAVE_UP, pid=None, note=reason)
        log.critical("part_given_up", part=self.part.name, error=reason)
        if not self._settled.done():
            self._settled.set_exception(StackError(message))
            self._settled.exception()  # it is on the board: nobody need fetch it

    def _last_words(self) -> str:
        if self._launch is None:
            return ""
        return f"{self._launch.log} ends with: {logs.last_words(self._launch.log)}"


async def _end(process: Process, quit_signal: Signals, grace_seconds: float) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(quit_signal)
    try:
        await asyncio.wait_for(process.wait(), grace_seconds)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def describe(code: int) -> str:
    """Say an exit code in words.

    >>> describe(-9)
    'was killed by SIGKILL'
    >>> describe(3)
    'ended with exit code 3'
    """
    return f"was killed by {Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
