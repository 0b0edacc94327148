"""The DAG of ingest-csv: from the cron tick, with a set clock, to rows and an event that only this tick caused."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from okr_common.clock import Clock
from okr_common.events import BatchIngested, IngestionRunStepEnded
from okr_common.runs import RunState
from okr_common.service import Parts
from okr_common.settings import load
from okr_common.testing.cadence import Cadence, cadence
from okr_ingest_csv.service import STAGE, build
from okr_ingest_csv.settings import Settings
from okr_stack.services import environment

if TYPE_CHECKING:
    from conftest import Scene

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
TWO = datetime(2026, 11, 24, 2, tzinfo=UTC)


def placed_unseen(scene: "Scene", name: str, content: str) -> Path:
    """A complete file that no notification tells of: linked in, neither closed nor moved."""
    outside = scene.stack.inbox.parent / name
    outside.write_text(content)
    os.utime(outside, (0, 0))
    inside = scene.stack.inbox / name
    inside.hardlink_to(outside)
    return inside


@pytest.fixture
def settings(scene: "Scene", monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The live watch and this service's own looks into the folder see nothing: what comes is the tick's."""
    rare = {"OKR_INGEST_CSV__RESCAN_SECONDS": "3600"}
    for name, value in {
        **environment(STAGE, scene.stack.addresses, 0),
        **scene.env,
        **scene.stack.defaults(),
        **rare,
    }.items():
        monkeypatch.setenv(name, value)
    return load(Settings)


@asynccontextmanager
async def night(settings: Settings) -> AsyncIterator[Cadence]:
    """A minute before two."""

    async def at(closing: AsyncExitStack, clock: Clock) -> Parts:
        return await build(settings, closing, clock)

    async with cadence("ingest-csv", TWO, settings.postgres.ops, at) as the:
        yield the


async def test_the_tick_of_two_makes_rows_and_an_event_of_a_file_that_nobody_saw(
    scene: "Scene", settings: Settings
) -> None:
    async with night(settings) as the:
        placed_unseen(scene, "goals.csv", scene.goals(1, 4).replace(",n,", ",n ,") + "short,row\n")
        assert await scene.files() == []
        run, steps = await the.tick(minutes=1)
        slot = await the.slot_state()
        await scene.sent()
    assert (run.state, slot, list(steps)) == (RunState.SUCCEEDED, "done", list(STAGE.steps))
    assert steps["scan"] == {"seen": 1, "offered": 1, "unsettled": 0, "waiting": 0}
    assert steps["validate"]["claimed"] == 1
    assert steps["load"] == {
        "files": 1,
        "rows": 4,
        "unreadable": 1,
        "batches": 1,
        "findings": {"unreadable_records (warning)": 1},
    }
    assert steps["clean"] == {"unreadable": {"too_few_cells": 1}, "cells_to_clean": {"outer_white_space": 4}}
    assert steps["track"]["sources"]["goals"] == {"position": 1, "files": 1, "rows": 4, "unreadable": 1}
    (file,) = await scene.files()
    assert (file["state"], len(await scene.rows())) == ("done", 4)
    assert run.started_at is not None
    assert run.started_at < file["discovered_at"]
    said = scene.events()
    (ingested,) = [event for event in said if isinstance(event, BatchIngested)]
    assert (ingested.file_id, ingested.rows) == (file["file_id"], 4)
    assert [event.step for event in said if isinstance(event, IngestionRunStepEnded)] == list(STAGE.steps)


async def test_a_run_with_nothing_to_do_says_so_and_a_bad_file_is_named(scene: "Scene", settings: Settings) -> None:
    async with night(settings) as the:
        _, idle = await the.tick(minutes=1)
        placed_unseen(scene, "strange.csv", "shop,price\nA,1\n")
        _, busy = await the.tick(hours=2)
    assert idle["scan"] == {"seen": 0, "offered": 0, "unsettled": 0, "waiting": 0}
    assert idle["load"] == {"files": 0, "rows": 0, "unreadable": 0, "batches": 0, "findings": {}}
    assert busy["validate"]["set_aside"] == 1
    (named,) = busy["validate"]["named"]
    assert (Path(named["path"]).name, named["state"], named["reason"]) == ("strange.csv", "failed", "unrecognised")
