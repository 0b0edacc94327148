from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from okr_monitor.domain.findings import Rule, of_health
from okr_monitor.domain.system_health import (
    Disk,
    Life,
    Limits,
    Memory,
    Outbox,
    Probe,
    Readings,
    SystemHealth,
    judge,
)
from okr_monitor.domain.verdict import Verdict

BEGAN = datetime(2026, 11, 24, 2, tzinfo=UTC)
LIMITS = Limits(
    lag=100, patience=timedelta(seconds=60), unready=timedelta(seconds=5), outbox=timedelta(seconds=30), disk=0.9
)
GRACE = timedelta(seconds=20)
READY = Probe(kind="service", name="etl", answered=True, ready=True)
RED = Probe(kind="service", name="etl", answered=True, ready=False, detail="broker: away")
DEAD = Probe(kind="service", name="etl", answered=False, ready=False, detail="Connection refused")
NO_BROKER = Probe(kind="broker", name="kafka", answered=False, ready=False)
NO_DATABASE = Probe(kind="database", name="okr_ops", answered=False, ready=False)


def readings(seconds: float, *probes: Probe, **more: Any) -> Readings:  # noqa: ANN401
    return Readings(at=BEGAN + timedelta(seconds=seconds), probes=list(probes), **more)


def after(*looks: Readings) -> SystemHealth:
    memory = Memory(began=BEGAN)
    for look in looks:
        memory = memory.after(look, LIMITS)
    return judge(looks[-1], memory, LIMITS, GRACE)


@pytest.mark.parametrize(
    ("looks", "life", "verdict"),
    [
        ([readings(0, READY)], Life.READY, Verdict.OK),
        ([readings(1, DEAD)], Life.STARTING, Verdict.UNKNOWN),
        ([readings(1, RED)], Life.STARTING, Verdict.UNKNOWN),
        ([readings(20, DEAD)], Life.DEAD, Verdict.BAD),
        ([readings(1, READY), readings(2, DEAD)], Life.DEAD, Verdict.BAD),
        ([readings(1, READY), readings(2, RED)], Life.STARTING, Verdict.UNKNOWN),
        ([readings(1, READY), readings(2, RED), readings(7, RED)], Life.NOT_READY, Verdict.ATTENTION),
        ([readings(1, READY), readings(2, DEAD), readings(9, RED)], Life.STARTING, Verdict.UNKNOWN),
        ([readings(1, READY), readings(2, RED), readings(4, READY), readings(8, RED)], Life.STARTING, Verdict.UNKNOWN),
        ([readings(1, READY), readings(2, DEAD), readings(3, READY)], Life.READY, Verdict.OK),
    ],
)
def test_a_service(looks: list[Readings], life: Life, verdict: Verdict) -> None:
    health = after(*looks)
    assert (health.parts[0].life, health.verdict) == (life, verdict)


@pytest.mark.parametrize(
    ("looks", "behind"),
    [
        ([readings(0, lags={"okr-etl": 101})], []),
        ([readings(0, lags={"okr-etl": 101}), readings(60, lags={"okr-etl": 5000})], ["okr-etl"]),
        ([readings(0, lags={"okr-etl": 101}), readings(60, lags={"okr-etl": 100})], []),
        ([readings(0, lags={"okr-etl": 101}), readings(30, lags={}), readings(60, lags={"okr-etl": 101})], []),
        ([readings(0, lags={"okr-etl": 101}), readings(30), readings(60, lags={"okr-etl": 101})], ["okr-etl"]),
    ],
    ids=["at once", "for long", "caught up", "in between", "the broker was silent in between"],
)
def test_a_group_falls_behind_when_it_stays_over_its_limit(looks: list[Readings], behind: list[str]) -> None:
    assert after(*looks).behind == behind


def test_outboxes_and_disks() -> None:
    waiting = Outbox(service="etl", database="okr_processed", unsent=3, waits_seconds=31)
    health = after(readings(0, READY, outboxes=[waiting], disks=[Disk(folder="/", used=0.95, free_bytes=1)]))
    assert (health.stuck, health.full, health.verdict) == (["etl in okr_processed"], ["/"], Verdict.ATTENTION)


@pytest.mark.parametrize(
    ("looks", "rules"),
    [
        ([readings(30, DEAD)], [Rule.SERVICE_DEAD]),
        ([readings(30, RED)], []),
        ([readings(30, RED), readings(35, RED)], [Rule.SERVICE_NOT_READY]),
        ([readings(30, NO_BROKER)], [Rule.BROKER_DEAD]),
        ([readings(30, NO_DATABASE)], [Rule.DATABASE_DEAD]),
        ([readings(1, DEAD)], []),
    ],
)
def test_what_deserves_an_alert(looks: list[Readings], rules: list[Rule]) -> None:
    found = of_health(after(*looks))
    assert [finding.rule for finding in found.findings] == rules
    assert all(finding.text.count(";") == 1 for finding in found.findings)


def test_what_could_not_be_asked_is_not_judged() -> None:
    judged = of_health(after(readings(30, NO_BROKER))).judged
    assert Rule.LAG not in judged
    assert Rule.OUTBOX_STUCK not in judged
    assert Rule.LAG in of_health(after(readings(30, READY, lags={}))).judged
