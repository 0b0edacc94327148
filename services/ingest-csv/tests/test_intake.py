"""Stopping must not leave anybody waiting for an answer."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from okr_common.sources import SourcesFolder
from okr_ingest_csv.domain.verdict import Limits
from okr_ingest_csv.intake import Intake

if TYPE_CHECKING:
    from okr_ingest_csv.store import Store


async def test_offers_nobody_takes_any_more_are_answered(tmp_path: Path) -> None:
    nothing = cast("Store", None)  # a path where nothing stands never reaches the store
    intake = Intake(nothing, SourcesFolder(tmp_path), Limits(), lambda _: None)
    stop = asyncio.Event()
    running = asyncio.create_task(intake.run(stop))
    assert await intake.offer(tmp_path / "gone.csv", tmp_path) is True
    stop.set()
    before = [intake.offer(tmp_path / f"{number}.csv", tmp_path) for number in range(5)]
    await asyncio.wait_for(running, 10)
    after = intake.offer(tmp_path / "later.csv", tmp_path)
    await asyncio.wait_for(asyncio.gather(*before), 10)
    assert await asyncio.wait_for(after, 10) is False


class BreaksDown:
    """In the place of the database: at the first claim a second file comes, is looked through, and then it breaks."""

    def __init__(self, second: Path) -> None:
        self._second = second
        self.intake: Intake | None = None
        self.answer: asyncio.Future[bool] | None = None

    async def claim_all(self, _: object) -> None:
        assert self.intake is not None
        self.answer = self.intake.offer(self._second, self._second.parent)
        ahead = {task for task in asyncio.all_tasks() if "_look_ahead" in repr(task.get_coro())}
        done, _ = await asyncio.wait(ahead, timeout=10)
        assert len(done) == 1, "the second file was not looked through meanwhile"
        raise LookupError("nobody foresaw this")


async def test_whoever_breaks_down_answers_what_was_looked_through_ahead(tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    for file in (first, second):
        file.write_text("a,b\n1,2\n")
    store = BreaksDown(second)
    store.intake = Intake(cast("Store", store), SourcesFolder(tmp_path), Limits(), lambda _: None)
    answer = store.intake.offer(first, tmp_path)
    with pytest.raises(LookupError, match="nobody foresaw this"):
        await asyncio.wait_for(store.intake.run(asyncio.Event()), 20)
    assert store.answer is not None
    assert [await asyncio.wait_for(each, 10) for each in (answer, store.answer)] == [False, False]
