"""A file of more than 2 GB: does the memory stay, and is the last million of rows as fast as the first."""

from itertools import pairwise
from statistics import median
from typing import Any

import ingest_files
from ingest_ledger import opened, progress
from ingest_scene import Scene

MILLION = 1_000_000
Seen = list[tuple[float, int]]
"""When (seconds) how many records were stored."""


async def very_large(scene: Scene, rows: int) -> dict[str, Any]:
    """One file of so many rows on an empty okr_raw."""
    file = scene.made / "large-1.csv"
    size = ingest_files.write(file, rows)
    seen: Seen = []
    await scene.empty()
    with scene.service() as service, scene.gauge(service).reading() as gauge:
        async with opened(scene.raw_dsn) as ledger, progress(scene.raw_dsn, "large", lambda *now: seen.append(now)):
            began = scene.drop([file])
            await ledger.until_announced("large", 1)
            seconds = await ledger.acknowledged("large") - began
    first, last = _rate(seen, 0, MILLION), _rate(seen, rows - MILLION, rows)
    paces = [_rate(seen, at, at + MILLION) for at in range(0, rows, MILLION)]
    quarter = max(1, len(paces) // 4)  # one million alone is faster or slower by a fifth, as the disk writes back
    return {
        "rows": rows,
        "bytes": size,
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "first_million_rows_per_second": first,
        "last_million_rows_per_second": last,
        "last_to_first": last / first,
        "last_to_first_quarter": median(paces[-quarter:]) / median(paces[:quarter]),
        "rows_per_second_by_million": paces,
        **gauge.figures,
    }


def _rate(seen: Seen, start: int, end: int) -> float:
    """Records per second between two places in the file, as near to them as commits lie.

    >>> _rate([(0.0, 0), (3.0, 0), (4.0, 500), (5.0, 1000), (7.0, 2000)], 0, 2000)
    500.0
    """
    steps = [now for before, now in pairwise(seen) if now[1] > before[1]]
    began, at = next(step for step in steps if step[1] >= max(start, 1))
    ended, to = next((step for step in steps if step[1] >= end), steps[-1])  # the last commit may go unseen
    return (to - at) / (ended - began)
