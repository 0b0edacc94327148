"""Work items: a run never writes a source or a model itself; their owner does, between two batches.

The run asks for one item per subject and waits; the owner looks for open items of the subjects it holds.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from okr_common.errors import PermanentError
from okr_common.postgres.ledger import SQL, Executor, to_json

POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Something that the owner of `subject` is asked to do."""

    item_id: int
    pipeline: str
    kind: str
    subject: str
    run_id: UUID | None
    state: Literal["open", "done", "failed"]
    result: Mapping[str, Any]


async def request(executor: Executor, pipeline: str, kind: str, subjects: Sequence[str], run_id: UUID | None) -> None:
    """Asks the owner of each subject. Asking again asks nobody twice, and never for what this run has had done."""
    await executor.execute(SQL["request_items"], pipeline, kind, list(subjects), run_id)


async def open_items(executor: Executor, pipeline: str, subject: str | None = None) -> list[WorkItem]:
    """What is to be done, of one subject or of all, oldest first."""
    return [_item(row) for row in await executor.fetch(SQL["open_items"], pipeline, subject)]


async def close(
    executor: Executor, item: WorkItem, result: Mapping[str, Any], state: Literal["done", "failed"] = "done"
) -> bool:
    """The owner did it, or could not; call it in the transaction of the work. False: it was closed already."""
    tag: str = await executor.execute(SQL["close_item"], item.item_id, state, to_json(result))
    return tag == "UPDATE 1"


async def wait(
    pool: asyncpg.Pool, run_id: UUID, kind: str, patience: timedelta = timedelta(hours=1)
) -> dict[str, Mapping[str, Any]]:
    """The result of each item of this run, by subject, once all are closed.

    Raises PermanentError when one failed (work_failed) or is still open after `patience` (work_not_done).
    """
    try:
        async with asyncio.timeout(patience.total_seconds()):
            return await _all_closed(pool, run_id, kind)
    except TimeoutError:
        items = await _of_run(pool, run_id, kind)
        late = ", ".join(item.subject for item in items if item.state == "open")
        raise PermanentError("work_not_done", f"{kind}: no owner did it within {patience} for {late}") from None


async def _all_closed(pool: asyncpg.Pool, run_id: UUID, kind: str) -> dict[str, Mapping[str, Any]]:
    items = await _of_run(pool, run_id, kind)
    while any(item.state == "open" for item in items):
        await asyncio.sleep(POLL_SECONDS)
        items = await _of_run(pool, run_id, kind)
    failed = [f"{item.subject}: {item.result.get('error', 'no detail')}" for item in items if item.state == "failed"]
    if failed:
        raise PermanentError("work_failed", f"{kind}: {'; '.join(failed)}")
    return {item.subject: item.result for item in items}


async def _of_run(pool: asyncpg.Pool, run_id: UUID, kind: str) -> list[WorkItem]:
    return [_item(row) for row in await pool.fetch(SQL["items_of_run"], run_id, kind)]


def _item(row: asyncpg.Record) -> WorkItem:
    return WorkItem(
        item_id=row["item_id"],
        pipeline=row["pipeline"],
        kind=row["kind"],
        subject=row["subject"],
        run_id=row["run_id"],
        state=row["state"],
        result=orjson.loads(row["result"]),
    )
