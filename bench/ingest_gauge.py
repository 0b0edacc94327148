"""What a service takes while it works: memory of all its processes together, and processor time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

EVERY_SECONDS = 0.1


def cpu_seconds(pid: int) -> float:
    """Processor time of this process and all its children so far, those that have ended included."""
    total = 0.0
    for one in _family(pid):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def rss_mib(pid: int) -> tuple[float, int]:
    """Resident memory of this process and all its children now (shared pages count in each), and how many they are."""
    sizes = []
    for one in _family(pid):
        try:
            sizes.append(one.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return sum(sizes) / 2**20, len(sizes)


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


class Gauge:
    """Reads the memory of one service ten times a second, and its and PostgreSQL's processor time at both ends."""

    def __init__(self, service: int, postgres: int) -> None:
        self._service, self._postgres = service, postgres
        self._stop = threading.Event()
        self._before = (0.0, 0.0)
        self.figures: dict[str, Any] = {}

    @contextmanager
    def reading(self) -> Iterator["Gauge"]:
        """Reads from here to the end of the block; then `figures` are there."""
        self._before = cpu_seconds(self._service), cpu_seconds(self._postgres)
        self._note(rss_mib(self._service))
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()
            self.figures["cpu_seconds"] = cpu_seconds(self._service) - self._before[0]
            self.figures["postgres_cpu_seconds"] = cpu_seconds(self._postgres) - self._before[1]

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self._note(rss_mib(self._service))

    def _note(self, now: tuple[float, int]) -> None:
        rss, processes = now
        self.figures["peak_rss_mib"] = max(rss, self.figures.get("peak_rss_mib", 0.0))
        self.figures["processes"] = max(processes, self.figures.get("processes", 0))
