"""What the looks at services, broker, databases, queues and disks come to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from okr_monitor.domain.verdict import Report, Verdict


class _Reading(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Life(StrEnum):
    """`starting`: it was never ready since the monitor itself began, or answers but is not ready yet: it may come."""

    READY = "ready"
    STARTING = "starting"
    NOT_READY = "not ready"
    DEAD = "dead"


class Probe(_Reading):
    """One question to one part. `answered`: it spoke at all; `detail` says what is wrong, in its own words."""

    kind: Literal["service", "broker", "database"]
    name: str
    answered: bool
    ready: bool
    detail: str = ""
    milliseconds: float = 0.0


class Outbox(_Reading):
    """What a service has still to publish, and since when the oldest waits."""

    service: str
    database: str
    unsent: int
    waits_seconds: float


class Disk(_Reading):
    """A file system."""

    folder: str
    used: float
    free_bytes: int


class Readings(_Reading):
    """One look. `lags` by consumer group, None while the broker does not say; `outboxes` None without databases."""

    at: datetime
    probes: list[Probe]
    lags: dict[str, int] | None = None
    outboxes: list[Outbox] | None = None
    disks: list[Disk] = []


class Part(_Reading):
    """A service, the broker or a database, judged."""

    kind: Literal["service", "broker", "database"]
    name: str
    life: Life
    detail: str = ""
    milliseconds: float = 0.0


class Limits(_Reading):
    """What is too much. A group may be over `lag` for `patience`, because a large file is no trouble.

    A service may answer that it is not ready for `unready`, because it starts or waits for something that passes.
    """

    lag: int
    patience: timedelta
    unready: timedelta
    outbox: timedelta
    disk: float


class SystemHealth(Report):
    """`behind`: groups over their lag limit for too long; `stuck`: outboxes that are not emptied; `full`: disks."""

    at: datetime
    parts: list[Part]
    lags: dict[str, int] | None
    outboxes: list[Outbox] | None
    disks: list[Disk]
    behind: list[str]
    stuck: list[str]
    full: list[str]

    def of_kind(self, kind: str) -> list[Part]:
        """The services, the broker, or the databases."""
        return [part for part in self.parts if part.kind == kind]


class Memory(_Reading):
    """What must be remembered from look to look: who was ever ready, who is not and since when, who is behind."""

    began: datetime
    seen: frozenset[str] = frozenset()
    unready_since: dict[str, datetime] = {}
    over_since: dict[str, datetime] = {}

    def after(self, readings: Readings, limits: Limits) -> "Memory":
        """What is remembered after one more look; what the broker did not say is taken to be as before."""
        unready = [probe.name for probe in readings.probes if probe.answered and not probe.ready]
        over = [group for group, lag in (readings.lags or {}).items() if lag > limits.lag]
        return Memory(
            began=self.began,
            seen=self.seen | {probe.name for probe in readings.probes if probe.ready},
            unready_since={name: self.unready_since.get(name, readings.at) for name in unready},
            over_since=self.over_since
            if readings.lags is None
            else {group: self.over_since.get(group, readings.at) for group in over},
        )


def judge(readings: Readings, memory: Memory, limits: Limits, grace: timedelta) -> SystemHealth:
    """The verdict over one look; a service that never was ready may take `grace` from the monitor's own start."""
    parts = [_part(probe, may_start=_may_start(probe, readings.at, memory, limits, grace)) for probe in readings.probes]
    behind = [name for name, since in sorted(memory.over_since.items()) if readings.at - since >= limits.patience]
    waiting = [one for one in readings.outboxes or [] if one.waits_seconds > limits.outbox.total_seconds()]
    stuck = [f"{one.service} in {one.database}" for one in waiting]
    full = [disk.folder for disk in readings.disks if disk.used > limits.disk]
    return SystemHealth(
        verdict=_verdict(parts, [*behind, *stuck, *full]),
        at=readings.at,
        parts=parts,
        lags=readings.lags,
        outboxes=readings.outboxes,
        disks=readings.disks,
        behind=behind,
        stuck=stuck,
        full=full,
    )


def _may_start(probe: Probe, at: datetime, memory: Memory, limits: Limits, grace: timedelta) -> bool:
    if probe.name not in memory.seen and at - memory.began < grace:
        return True
    return probe.answered and at - memory.unready_since.get(probe.name, at) < limits.unready


def _part(probe: Probe, *, may_start: bool) -> Part:
    if probe.ready:
        life = Life.READY
    elif may_start:
        life = Life.STARTING
    else:
        life = Life.NOT_READY if probe.answered else Life.DEAD
    return Part(kind=probe.kind, name=probe.name, life=life, detail=probe.detail, milliseconds=probe.milliseconds)


def _verdict(parts: Sequence[Part], troubles: Sequence[str]) -> Verdict:
    lives = {part.life for part in parts}
    if Life.DEAD in lives:
        return Verdict.BAD
    if Life.NOT_READY in lives or troubles:
        return Verdict.ATTENTION
    return Verdict.UNKNOWN if Life.STARTING in lives else Verdict.OK
