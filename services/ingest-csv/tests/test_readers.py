"""The processes that read ranges: what becomes of a range when its process, or the file, does not last."""

import asyncio
import errno
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from okr_common.errors import PermanentError, RetryableError
from okr_common.testing.waiting import until
from okr_ingest_csv.domain.plan import Size, plan
from okr_ingest_csv.domain.record import Place, Shape
from okr_ingest_csv.on_disk import with_reason
from okr_ingest_csv.ranges import RangeRead, Task, read_range
from okr_ingest_csv.readers import Readers

SHAPE = Shape("utf-8", ",", 2)
MEGABYTES = Size(10**9, 10**9)
A_PIPE_FULL = 30_000


def task_of(path: Path, rows: int, cell_bytes: int = 1_048_576) -> Task:
    path.write_text("".join(f'{n},"{"x" * 60}"\n' for n in range(rows)))
    with path.open("rb") as stream:
        (one,) = plan(stream, SHAPE, Place(), MEGABYTES)
    return Task(str(path), path.stat().st_size, SHAPE, one, 1, cell_bytes)


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    with Readers(2) as readers:
        yield readers
    await until(_none_left, within=5)


async def _none_left() -> bool:
    return not multiprocessing.active_children()


def seconds_worked() -> dict[int, float]:
    """Of each reader, by its pid."""
    pids = [child.pid for child in multiprocessing.active_children() if child.pid]
    return {pid: sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids}


def kill_in_the_middle_of_an_answer(pid: int) -> None:
    """What we read grows in pieces as large as a pipe only while the answer, which is much larger, comes in."""
    until, last = time.monotonic() + 20, _read_by_us()
    while (now := _read_by_us()) < last + A_PIPE_FULL:
        assert time.monotonic() < until
        last = now
    os.kill(pid, signal.SIGKILL)


def _read_by_us() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


async def test_a_range_whose_process_is_killed_while_it_answers_is_read_again(readers: Readers, tmp_path: Path) -> None:
    """With another process beside it, which holds whatever the two share."""
    large, small = task_of(tmp_path / "large.csv", 200_000), task_of(tmp_path / "small.csv", 2)
    await asyncio.gather(readers.read(small), readers.read(small))
    known = seconds_worked()
    assert len(known) == 2
    reading = asyncio.create_task(readers.read(large))

    async def busy() -> list[int]:
        return [pid for pid, seconds in seconds_worked().items() if seconds > known[pid] + 0.05]

    await asyncio.to_thread(kill_in_the_middle_of_an_answer, (await until(busy, every=0.01))[0])
    with pytest.raises(RetryableError, match="read again"):
        await asyncio.wait_for(reading, 10)
    read = await readers.read(large)
    assert read.batch is not None
    assert read.batch.rows == 200_000


async def test_who_gives_up_a_range_does_not_get_its_answer_for_the_next(readers: Readers, tmp_path: Path) -> None:
    large, small = task_of(tmp_path / "large.csv", 100_000), task_of(tmp_path / "small.csv", 2)
    given_up = [asyncio.create_task(readers.read(large)) for _ in range(4)]
    await asyncio.sleep(0)
    for one in given_up:
        one.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    read = await readers.read(small)
    assert read.batch is not None
    assert read.batch.rows == 2


async def test_a_file_that_is_gone_is_the_files_own_reason(readers: Readers, tmp_path: Path) -> None:
    task = task_of(tmp_path / "gone.csv", 2)
    (tmp_path / "gone.csv").unlink()
    with pytest.raises(PermanentError, match=r"gone\.csv was taken away") as gone:
        await with_reason(readers.read(task))
    assert gone.value.reason == "vanished"
    os.mkfifo(tmp_path / "gone.csv")
    with pytest.raises(PermanentError, match=r"gone\.csv was taken away"):
        await with_reason(readers.read(task))


async def test_that_no_process_can_be_started_is_not_the_files_fault(
    readers: Readers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "too many processes")

    monkeypatch.setattr("multiprocessing.popen_spawn_posix.Popen.__init__", refuse)
    with pytest.raises(RetryableError, match="too many processes"):
        await with_reason(readers.read(task_of(tmp_path / "a.csv", 2)))


async def test_a_range_that_nobody_can_read_does_not_end_the_service(readers: Readers, tmp_path: Path) -> None:
    task = replace(task_of(tmp_path / "a.csv", 2), shape=Shape("no-such-encoding", ",", 2))
    with pytest.raises(PermanentError, match="no-such-encoding") as broken:
        await with_reason(readers.read(task))
    assert broken.value.reason == "internal_error"


def test_a_range_that_grew_or_changed_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    task = task_of(path, 200_000)
    content = path.read_bytes()
    path.write_bytes(content + b"more,rows\n")
    assert read_range(task) == RangeRead(None, "changed")
    path.write_bytes(content.replace(b"7", b"8"))
    assert read_range(task) == RangeRead(None, "changed")
    path.write_bytes(content[:-9])
    assert read_range(task) == RangeRead(None, "changed")


def test_a_plan_whose_records_are_not_there_is_told_from_other_bytes(tmp_path: Path) -> None:
    """The surplus records come early, so most of the range is not read as records."""
    task = task_of(tmp_path / "a.csv", 200_000)
    fewer = replace(task, range=replace(task.range, records=10))
    assert read_range(fewer) == RangeRead(None, "misplanned")
