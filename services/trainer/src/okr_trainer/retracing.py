"""Whether a model is what its record says: `okr models verify`. Reads in one snapshot, and writes nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from okr_common.delivery.outbox import Connection
from okr_trainer.domain.checkpoint import libraries
from okr_trainer.domain.features import contract_hash
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.retracing import Learned, Milestone, Retrace
from okr_trainer.store import SQL, Pool, Row

PAGE = 2_000
"""Rows that are learned at once, off the event loop."""
CHECKPOINT = "the checkpoint"


async def retraced(ops: Pool, model: str) -> dict[str, Any]:
    """The training that serves, else the newest, learned once more from its first row: what is proven, what differs."""
    async with ops.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        training = await connection.fetchval(SQL["retraced_training"], model)
        if not training:
            return _said(model, 0)
        versions = await connection.fetch(SQL["retraced_versions"], model, training)
        other = _made_otherwise(versions[0])
        if other:
            return _said(model, training, findings=[other])
        recorded = await connection.fetchval(SQL["recorded"], model, training)
        milestones = await _milestones(connection, model, training, versions)
        retrace = Retrace(
            LearnedModel.new(versions[0]["version"], training, versions[0]["pipeline"]),
            [one for one in milestones if one.learned <= recorded],
            unproven=[one.name for one in milestones if one.learned > recorded],
        )
        async for page in _pages(connection, model, training, versions[0], recorded):
            await asyncio.to_thread(_learn, retrace, page)
    retrace.close()
    return _said(
        model,
        training,
        learned=retrace.model.learned,
        proven=retrace.proven,
        unproven=retrace.unproven,
        findings=retrace.findings,
    )


def _said(model: str, training: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    nothing = {"learned": 0, "proven": [], "unproven": [], "findings": []}
    return {"model": model, "training": training, **nothing, **more}


def _made_otherwise(version: Mapping[str, Any] | Row) -> str | None:
    """Why it cannot be retraced by this code."""
    if version["contract_hash"] != contract_hash():
        return "it was trained on features of another contract; `okr models rebuild` makes a version of this one"
    if orjson.loads(version["libraries"]) != libraries():
        return f"it was trained with other libraries: {version['libraries']}"
    return None


async def _milestones(connection: Connection, model: str, training: int, versions: list[Row]) -> list[Milestone]:
    found = [Milestone(f"version {row['version']}", row["learned"], row["state_digest"]) for row in versions]
    now = await connection.fetchrow(SQL["checkpoint"], model)
    if now is not None and now["training"] == training:
        found.append(Milestone(CHECKPOINT, now["learned"], now["state_digest"]))
    return found


async def _pages(
    connection: Connection, model: str, training: int, first: Row, recorded: int
) -> AsyncIterator[list[list[Learned]]]:
    """Rows in the order of learning, by outcome: those of one were learned one after another."""
    page: list[list[Learned]] = []
    asked = (model, training, first["heard"], recorded, first["learned"])
    rows = connection.cursor(SQL["learned_rows"], *asked, prefetch=PAGE)
    count = 0
    async for row in rows:
        features = orjson.loads(row["features"])
        one = Learned(row["learned_seq"], row["key_result_id"], row["achieved"], features, row["raw"], row["taught_by"])
        if page and page[-1][0].same_outcome(one):
            page[-1].append(one)
        elif count >= PAGE:
            yield page
            page, count = [[one]], 0
        else:
            page.append([one])
        count += 1
    yield page


def _learn(retrace: Retrace, page: list[list[Learned]]) -> None:
    for rows in page:
        retrace.learn(rows)
