"""Looks at everything once: services over HTTP, the broker and its groups, the databases, outboxes, disks."""

import asyncio
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import orjson

from okr_common.clock import Clock
from okr_common.kafka.probe import BrokerProbe
from okr_monitor.domain.system_health import Disk, Probe, Readings
from okr_monitor.settings import MonitorSettings
from okr_monitor.store.databases import Databases

GROUPS = "okr-"
"""What the names of this system's consumer groups begin with."""
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Services are asked directly, whatever proxies the environment names."""
BODY_BYTES = 10_000


class Probes:
    """One look after the other, all with the same clients."""

    def __init__(self, settings: MonitorSettings, bootstrap: str, databases: Databases, clock: Clock) -> None:
        self._settings = settings
        self._broker = BrokerProbe(bootstrap)
        self._databases = databases
        self._clock = clock

    async def look(self) -> Readings:
        """Everything at once."""
        services, broker, databases, outboxes, disks = await asyncio.gather(
            self._services(),
            self._ask_broker(),
            self._databases.probe(),
            self._databases.outboxes(),
            asyncio.to_thread(_disks, self._settings.disks),
        )
        lags = await self._lags() if broker.ready else None
        probes = [*services, broker, *databases]
        return Readings(at=self._clock(), probes=probes, lags=lags, outboxes=outboxes, disks=disks)

    async def _services(self) -> list[Probe]:
        """Who is not ready is asked once more, so that a moment's pause raises nothing."""
        first = await self._ask(self._settings.services)
        doubtful = {name: self._settings.services[name] for name, probe in first.items() if not probe.ready}
        if doubtful:
            await asyncio.sleep(self._settings.again_seconds)
            first |= await self._ask(doubtful)
        return list(first.values())

    async def _ask(self, services: Mapping[str, str]) -> dict[str, Probe]:
        timeout = self._settings.probe_timeout_seconds
        questions = (asyncio.to_thread(ask, name, url, timeout) for name, url in services.items())
        return {probe.name: probe for probe in await asyncio.gather(*questions)}

    async def _ask_broker(self) -> Probe:
        began = time.monotonic()
        ready = await self._broker.answers(self._settings.probe_timeout_seconds)
        detail = "" if ready else "the cluster does not describe itself"
        took = (time.monotonic() - began) * 1000
        return Probe(kind="broker", name="kafka", answered=ready, ready=ready, detail=detail, milliseconds=took)

    async def _lags(self) -> dict[str, int] | None:
        groups = await self._broker.groups(GROUPS)
        return None if groups is None else await self._broker.lags(groups)


def ask(name: str, url: str, timeout_seconds: float) -> Probe:
    """Asks a service whether it is ready; a red answer is an answer, and says why."""
    began = time.monotonic()
    try:
        with DIRECT.open(f"{url}/readyz", timeout=timeout_seconds) as answer:
            ready, detail = answer.status == HTTPStatus.OK, ""
    except urllib.error.HTTPError as error:
        with error:
            ready, detail = False, _detail(error.read(BODY_BYTES)) or f"HTTP {error.code}"
    except (OSError, ValueError) as error:
        return Probe(kind="service", name=name, answered=False, ready=False, detail=_why(error))
    took = (time.monotonic() - began) * 1000
    return Probe(kind="service", name=name, answered=True, ready=ready, detail=detail, milliseconds=took)


def _detail(body: bytes) -> str:
    """What a problem document says."""
    with suppress(orjson.JSONDecodeError, AttributeError):
        return str(orjson.loads(body).get("detail", ""))
    return ""


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__)


def _disks(folders: Sequence[Path]) -> list[Disk]:
    """The file systems of the folders that are there."""
    found = []
    for folder in folders:
        with suppress(OSError):
            usage = shutil.disk_usage(folder)
            share = usage.used / (usage.used + usage.free)  # as df counts: what is kept for root is nobody's
            found.append(Disk(folder=str(folder), used=share, free_bytes=usage.free))
    return found
