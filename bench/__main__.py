"""Measures the system: `make bench`. Figures as JSON (--json FILE) and as a table. No figure is a test."""

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

import flow
import footprint
import freshness
from report import scratch, tell

from okr_stack.stack import Stack

ROWS = 100_000
FILES = 300


def measured(folder: Path, rows: int, files: int) -> dict[str, Any]:
    """All figures, on a stack of their own."""
    inbox = folder / "inbox"
    inbox.mkdir()
    stack = Stack(folder / "state", tied=True)
    env = {
        "OKR_INGEST_CSV__FOLDERS": json.dumps([str(inbox)]),
        "OKR_INGEST_CSV__UPLOAD_FOLDER": str(folder / "uploads"),
    }
    try:
        cold = footprint.up(stack, env)
        stack.down()
        warm = footprint.up(stack, env)
        idle = footprint.rss_mib(stack)
        load = flow.measure(stack, inbox, rows)
        fresh = freshness.measure(stack, inbox, files)
        return {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "up_cold_seconds": cold,
            "up_warm_seconds": warm,
            "rss_idle_mib": idle,
            "rss_after_mib": footprint.rss_mib(stack),
            "freshness": fresh,
            "flow": load,
        }
    finally:
        stack.erase()


def main() -> None:
    """Runs all benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with scratch() as folder:
        figures = measured(folder, options.rows, options.files)
    tell(figures, options.json)


if __name__ == "__main__":
    main()
