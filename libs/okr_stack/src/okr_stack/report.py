"""How each part is right now: what the supervisor says of it, and what it answers itself."""

import asyncio
import json
import urllib.error
from dataclasses import asdict, dataclass
from typing import Any

from okr_common.kafka.probe import BrokerProbe
from okr_common.postgres import probe as database
from okr_common.topology import STAGES
from okr_stack.ports import HOST
from okr_stack.processes import resident_bytes
from okr_stack.services import DIRECT, stage_of
from okr_stack.stack import Stack
from okr_stack.status import Life, PartStatus

ANSWER_WITHIN_SECONDS = 2.0
WELL = "ok"
GROUPS = "okr-"


@dataclass(frozen=True)
class PartReport:
    """One part: `health` is "ok" or what is wrong, `lag` how many records its group has still to read."""

    name: str
    life: Life
    pid: int | None
    port: int
    rss_bytes: int
    health: str
    lag: int | None
    deaths: int
    note: str

    @property
    def is_well(self) -> bool:
        """Whether it runs and answers."""
        return self.life is Life.READY and self.health == WELL

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


async def report(stack: Stack) -> list[PartReport]:
    """Ask all parts at once."""
    parts = stack.status().parts
    healths, lags = await asyncio.gather(
        asyncio.gather(*(_health(stack, part) for part in parts.values())), _lags(stack, parts)
    )
    return [
        PartReport(
            name=part.name,
            life=part.life,
            pid=part.pid,
            port=part.port,
            rss_bytes=resident_bytes(part.pid) if part.pid else 0,
            health=health,
            lag=lags.get(part.name),
            deaths=part.deaths,
            note=part.note,
        )
        for part, health in zip(parts.values(), healths, strict=True)
    ]


async def _health(stack: Stack, part: PartStatus) -> str:
    if part.pid is None:
        return "not running"
    if part.name == "kafka":
        return WELL if await BrokerProbe(f"{HOST}:{part.port}").answers(ANSWER_WITHIN_SECONDS) else "does not answer"
    if part.name == "postgres":
        return WELL if await database.answers(stack.admin_dsn(), ANSWER_WITHIN_SECONDS) else "does not answer"
    return await asyncio.to_thread(_readiness, part.port)


def _readiness(port: int) -> str:
    """What a service's /readyz says, in its own words where it says no."""
    try:
        with DIRECT.open(f"http://{HOST}:{port}/readyz", timeout=ANSWER_WITHIN_SECONDS):
            return WELL
    except urllib.error.HTTPError as answer:
        with answer:
            return _detail(answer.read()) or f"answers {answer.code}"
    except OSError:
        return "does not answer"


def _detail(problem: bytes) -> str:
    try:
        return str(json.loads(problem).get("detail", ""))
    except (ValueError, AttributeError):
        return ""


async def _lags(stack: Stack, parts: dict[str, PartStatus]) -> dict[str, int]:
    """By part: the lags of its stage's groups, its control plane's included."""
    broker = parts.get("kafka")
    if broker is None or broker.life is not Life.READY:
        return {}
    probe = BrokerProbe(stack.addresses.bootstrap)
    found = await probe.lags(await probe.groups(GROUPS, ANSWER_WITHIN_SECONDS) or (), ANSWER_WITHIN_SECONDS)
    theirs = {name: [lag for group, lag in found.items() if _reads_for(name, group)] for name in parts}
    return {name: sum(lags) for name, lags in theirs.items() if lags}


def _reads_for(part: str, group: str) -> bool:
    stage = stage_of(part)
    return stage is not None and (group == STAGES[stage].group or group.startswith(f"{STAGES[stage].group}-"))
