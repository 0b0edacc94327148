"""Freshness: one row dropped into an idle system, from the closed file to the prediction readable from Kafka."""

import statistics
from pathlib import Path
from typing import Any

import workload
from flow import drop
from watch import Watch

from okr_stack.stack import Stack


def measure(stack: Stack, inbox: Path, files: int) -> dict[str, Any]:
    """p50, p95 and the slowest over so many files, one after another."""
    header, published = workload.sample()
    rows = [row for row in published if workload.predictable(row)][:files]
    watch = Watch(stack.addresses.bootstrap)
    try:
        seconds = [
            _one(watch, inbox, number, workload.encoded([header, [f"f{number}", *row[1:]]]))
            for number, row in enumerate(rows)
        ]
    finally:
        watch.close()
    cuts = statistics.quantiles(seconds, n=100)
    return {"files": len(seconds), "p50_seconds": cuts[49], "p95_seconds": cuts[94], "slowest_seconds": max(seconds)}


def _one(watch: Watch, inbox: Path, number: int, content: bytes) -> float:
    before = len(watch.readable)
    start = drop(inbox, f"fresh-{number}.csv", content)
    return watch.wait(before + 1, 30) - start
