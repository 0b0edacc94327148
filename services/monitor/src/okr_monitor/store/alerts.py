"""Alerts: one open at a time for each rule and subject; raised, kept and resolved in one transaction with the news."""

import asyncio
from collections import Counter
from collections.abc import Callable

import asyncpg
import orjson

from okr_common import codec, metrics
from okr_common.delivery import outbox
from okr_common.delivery.outbox import Connection, Outgoing
from okr_common.events import AlertRaised, AlertResolved
from okr_common.logs import logger
from okr_common.sql import queries
from okr_common.topology import STAGES
from okr_monitor.domain.findings import Finding, Found
from okr_monitor.domain.generate_alerts import Alert, Decision, Key, decide

SQL = queries("okr_monitor")
STAGE = STAGES["monitor"]
MANY = 1000
log = logger(__name__)


class Alerts:
    """The alerts in okr_ops. `announced` wakes the relay."""

    def __init__(self, pool: asyncpg.Pool, announced: Callable[[], None]) -> None:
        self._pool = pool
        self._announced = announced
        self._one_at_a_time = asyncio.Lock()

    async def apply(self, found: Found) -> Decision:
        """Brings the alerts in line with what was found."""
        async with self._one_at_a_time:
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(SQL["lock_open_alerts"])
                decision = decide({(row["rule"], row["subject"]) for row in rows}, found)
                said = await _write(connection, decision)
                if said:
                    await outbox.put(connection, STAGE.service, said)
            await self._count()
        if said:
            self._announced()
        return decision

    async def listed(self, state: str | None, rule: str | None, limit: int) -> list[Alert]:
        """Open ones first, the newest first."""
        rows = await self._pool.fetch(SQL["list_alerts"], state, rule, limit)
        return [Alert.model_validate({**row, "detail": orjson.loads(row["detail"])}) for row in rows]

    async def _count(self) -> None:
        still_open = Counter((one.rule.value, one.severity) for one in await self.listed("open", None, MANY))
        metrics.OPEN_ALERTS.clear()
        for (rule, severity), number in still_open.items():
            metrics.OPEN_ALERTS.labels(rule, severity).set(number)


async def _write(connection: Connection, decision: Decision) -> list[Outgoing]:
    """Another replica may have written the same: then there is nothing to say."""
    for finding in decision.kept:
        await connection.execute(SQL["keep_alert"], *_columns(finding))
    raised = [await _raise(connection, finding) for finding in decision.raised]
    resolved = [await _resolve(connection, key) for key in decision.resolved]
    return [event for event in (*raised, *resolved) if event is not None]


async def _raise(connection: Connection, finding: Finding) -> Outgoing | None:
    alert_id = await connection.fetchval(SQL["raise_alert"], *_columns(finding))
    if alert_id is None:
        return None
    log.warning("alert_raised", rule=finding.rule.value, subject=finding.subject, text=finding.text)
    event = AlertRaised(
        about=finding.subject,
        alert_id=alert_id,
        rule=finding.rule.value,
        severity=finding.severity,
        text=finding.text,
    )
    return outbox.announce(event, STAGE)


async def _resolve(connection: Connection, key: Key) -> Outgoing | None:
    alert_id = await connection.fetchval(SQL["resolve_alert"], *key)
    if alert_id is None:
        return None
    log.info("alert_resolved", rule=key[0], subject=key[1])
    return outbox.announce(AlertResolved(about=key[1], alert_id=alert_id, rule=key[0]), STAGE)


def _columns(finding: Finding) -> tuple[str, str, str, str, str]:
    detail = codec.to_json(finding.detail).decode()
    return finding.rule.value, finding.subject, finding.severity, finding.text, detail
