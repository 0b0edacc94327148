"""Processes that read ranges of large files for this one.

Each has a pipe of its own: where one is killed, even in the middle of an answer, its end of the pipe is closed, and
that is seen at once. The processes of a ProcessPoolExecutor share a pipe, on which it waits without end for the rest of
such an answer.
"""

import asyncio
import gc
import multiprocessing
import os
import signal
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from okr_common.errors import RetryableError
from okr_ingest_csv.ranges import RangeRead, Task, read_range

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Answer = RangeRead | Exception


class ReaderDiedError(RetryableError):
    """A process was killed, or killed itself, over a range."""


class Readers:
    """Up to so many processes, each started when it is needed; all are stopped when nobody needs them for now."""

    def __init__(self, processes: int) -> None:
        self._turn = asyncio.Semaphore(processes)
        self._threads = ThreadPoolExecutor(processes, "reader")
        self._idle: list[_Reader] = []
        self._users = 0

    def __enter__(self) -> Self:
        self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._users -= 1
        while self._idle and not self._users:
            self._threads.submit(self._idle.pop().end)

    async def read(self, task: Task) -> RangeRead:
        """Raises ReaderDiedError, RetryableError where none could be started, OSError where the disk refused."""
        async with self._turn:
            reader = self._idle.pop() if self._idle else _started()
            try:
                answer = await asyncio.get_running_loop().run_in_executor(self._threads, reader.ask, task)
            except BaseException:
                reader.kill()  # its answer, if it still gave one, would be taken for the next range's
                raise
            self._idle.append(reader)
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Reader:
    """One process."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, task: Task) -> Answer:
        """In a thread. Raises ReaderDiedError."""
        self._tell(task)
        try:
            answer: Answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            self.end()
            raise ReaderDiedError(f"a process that read {task.path} died; its range is read again") from error
        return answer

    def _tell(self, task: Task) -> None:
        """Raises RetryableError where it had died before: that was not for this range."""
        try:
            self._pipe.send(task)
        except OSError as error:
            self.end()
            raise RetryableError(f"a process that was to read {task.path} had died; another one reads it") from error

    def kill(self) -> None:
        """At once; whoever waits for its answer is told that it died."""
        self._process.kill()

    def end(self) -> None:
        """Wait until it is gone."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _started() -> _Reader:
    try:
        return _Reader()
    except OSError as error:  # of the system, not of the file
        raise RetryableError(f"no process could be started to read with ({error}); it is tried again") from error


def _serve(pipe: "Connection[Answer, Task]") -> None:
    """The life of a reader: it ends with whoever asks it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's to obey, which then ends its readers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.disable()  # a range makes a million lists and no cycle: looking for some costs a tenth of the reading
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        pipe.send(_answer(task))
        gc.collect()


def _answer(task: Task) -> Answer:
    try:
        return read_range(task)
    except OSError as error:
        return error
    except Exception as error:  # noqa: BLE001 - told to whoever asked, which a pipe can do with few exceptions only
        trouble = RuntimeError(repr(error))
        trouble.add_note(traceback.format_exc())
        return trouble


def _end_with_parent() -> None:
    """A reader whose service was killed must not stay, not even to finish its range."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
