"""Slots of a schedule: claiming one is an INSERT that only one replica wins."""

from datetime import datetime

from okr_common.delivery.outbox import Connection
from okr_common.postgres import ledger
from okr_common.postgres.ledger import SQL, Executor
from okr_common.runs import Run, RunState, run_id
from okr_common.schedule import Decision
from okr_common.topology import Stage

STATES = {"run": "claimed", "skipped": "skipped", "missed": "missed"}


async def newest(executor: Executor, pipeline: str) -> datetime | None:
    """The newest slot that has a row, or None for a schedule that never ran here."""
    found: datetime | None = await executor.fetchval(SQL["newest_slot"], pipeline)
    return found


async def claim(connection: Connection, decision: Decision, stage: Stage, holder: str) -> bool:
    """Makes this decision the slot's own, with its run; call it in a transaction. False: another replica was first.

    A scheduled run of a pipeline that needs another one begins by waiting for it.
    """
    row = (stage.service, decision.logical_time, STATES[decision.becomes], decision.reason, holder)
    if await connection.fetchval(SQL["claim_slot"], *row) is None:
        return False
    if decision.becomes != "missed":
        await _give_run(connection, decision, stage)
    return True


async def _give_run(connection: Connection, decision: Decision, stage: Stage) -> None:
    run = _run_of(decision, stage)
    if run.state is RunState.SKIPPED:
        await ledger.insert(connection, run)
    else:
        await ledger.request(connection, run, stage)
    await connection.execute(SQL["give_slot_its_run"], stage.service, decision.logical_time, run.run_id)


def _run_of(decision: Decision, stage: Stage) -> Run:
    wanted = RunState.REQUESTED if stage.needs is None else RunState.WAITING
    return Run(
        run_id=run_id(stage.service, decision.logical_time, decision.trigger),
        pipeline=stage.service,
        logical_time=decision.logical_time,
        trigger=decision.trigger,
        state=RunState.SKIPPED if decision.becomes == "skipped" else wanted,
        reason=decision.reason if decision.becomes == "skipped" else None,
    )
