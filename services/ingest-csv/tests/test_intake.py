"""Stopping must not leave anybody waiting for an answer."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

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
