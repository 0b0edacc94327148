"""What the system takes to start, and to stand there."""

import time

import psutil

from okr_stack.stack import Stack


def up(stack: Stack, env: dict[str, str]) -> float:
    """Seconds until every part is healthy."""
    start = time.monotonic()
    stack.up(env=env)
    return time.monotonic() - start


def rss_mib(stack: Stack) -> dict[str, float]:
    """Resident memory of each part now, with its children (PostgreSQL's share their buffers, counted each time)."""
    return {name: _resident(part.pid) for name, part in stack.status().parts.items() if part.pid is not None}


def _resident(pid: int) -> float:
    process = psutil.Process(pid)
    return round(sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) / 2**20, 1)
