"""What the demo reads of the system: figures, predictions with their outcomes, times."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from okr_cli.demo.quality import RULES, Predicted
from okr_cli.demo.timing import took
from okr_cli.follow import NotInTimeError
from okr_cli.reach import Reach
from okr_common import topics
from okr_common.kafka.reader import read_all
from okr_common.sql import queries

SQL = queries(__package__)
LOOK_SECONDS = 0.05


async def figures(reach: Reach) -> dict[str, int]:
    """Every figure that is known of the file, as the system has it."""
    async with reach.database("raw") as raw, reach.database("processed") as processed:
        stored, made = await raw.fetchrow(SQL["totals_raw"]), await processed.fetchrow(SQL["totals_processed"])
    assert stored is not None  # noqa: S101 - aggregates have a row
    assert made is not None  # noqa: S101
    return {
        "records": stored["records"],
        "lines": stored["lines"],
        "unreadable": stored["unreadable"],
        "rejected": made["rejected"],
        "indicators": made["indicators"],
        "key results": made["key_results"],
        "check-ins": made["check_ins"],
        "rows with target 0, which means no target": made["without_target"],
        "key results whose target changed (from and to 0 counted)": made["moved_with_0"],
        "key results whose target changed (without those)": made["moved"],
        "outcomes": made["outcomes"],
        "outcomes achieved": made["achieved"],
    }


async def champion(reach: Reach, version: int, within_seconds: float) -> dict[str, Any]:
    """Waits until this version, or a later one, serves; gives what the registry says of it."""
    until = time.monotonic() + within_seconds
    async with reach.database("ops") as ops:
        while (row := await ops.fetchrow(SQL["champion"], version)) is None:
            if time.monotonic() > until:
                raise NotInTimeError(f"no version {version} serves after {within_seconds:.0f} s; see the trainer's log")
            await asyncio.sleep(LOOK_SECONDS)
    return {**row, "metrics": orjson.loads(row["metrics"])}


async def learned(reach: Reach) -> dict[str, Any]:
    """How far the model has learned."""
    async with reach.database("ops") as ops:
        row = await ops.fetchrow(SQL["learned"])
    return dict(row) if row else {}


async def scored(reach: Reach, year: int) -> list[Predicted]:
    """The predictions of a year made in time, with how each ended."""
    async with reach.database("ops") as ops:
        rows = await ops.fetch(SQL["scored"], year)
    return [
        _predicted(row["month"], row["key_result"], row["achieved"], row["probability"], row["baselines"])
        for row in rows
    ]


def _predicted(month: int, key_result: str, achieved: bool, probability: float, baselines: str) -> Predicted:  # noqa: FBT001 - a row
    said = orjson.loads(baselines)
    return Predicted(month, key_result, achieved, probability, {name: float(said[name]) for name in RULES})


async def example(reach: Reach, year: int) -> str:
    """The id of a prediction worth leading back."""
    async with reach.database("ops") as ops:
        return str(await ops.fetchval(SQL["example"], year))


async def seconds_by_file(reach: Reach, dropped: Mapping[str, datetime]) -> dict[str, list[float]]:
    """Of each file, seconds from complete to published, for every row whose prediction stands on the topic."""
    async with reach.database("raw") as raw:
        files = {row["batch_id"]: row["path"] for row in await raw.fetch(SQL["batches_of_files"])}
    published = await asyncio.to_thread(_published, reach.bootstrap)
    by_file: dict[str, list[datetime]] = {path: [] for path in dropped}
    for (batch, _), at in published.items():
        by_file[files[batch]].append(at)
    return {path: took(dropped[path], moments) for path, moments in by_file.items()}


def _published(bootstrap: str) -> dict[tuple[int, int], datetime]:
    """When the prediction of each row was first published."""
    first: dict[tuple[int, int], datetime] = {}
    for message in read_all(bootstrap, [topics.PREDICTIONS.name]):
        said = orjson.loads(message.value or b"{}")
        if said.get("check_in_id"):
            first.setdefault((said["batch_id"], said["row_num"]), message.at)
    return first
