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
    """The training that serves, else the newest, learned once more from its first row: what is proven, what differs.

    First by the pipeline that serves, then by each challenger of it.
    """
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
        found = [
            await _retraced(connection, model, versions[0], recorded, of_pipeline) for of_pipeline in milestones.items()
        ]
    return _said(
        model,
        training,
        learned=found[0].model.learned,
        proven=[name for one in found for name in one.proven],
        unproven=[name for one in found for name in one.unproven],
        findings=[finding for one in found for finding in one.findings],
    )


async def _retraced(
    connection: Connection, model: str, first: Row, recorded: int, of_pipeline: tuple[str, list[Milestone]]
) -> Retrace:
    """One pipeline along the training that `first` began, up to the row where its order is recorded no further."""
    pipeline, milestones = of_pipeline
    retrace = Retrace(
        LearnedModel.new(first["version"], first["training"], pipeline),
        [one for one in milestones if one.learned <= recorded],
        unproven=[one.name for one in milestones if one.learned > recorded],
    )
    async for page in _pages(connection, model, first, recorded, pipeline):
        await asyncio.to_thread(_learn, retrace, page)
    retrace.close()
    return retrace


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


async def _milestones(
    connection: Connection, model: str, training: int, versions: list[Row]
) -> dict[str, list[Milestone]]:
    """By pipeline, the one that serves first."""
    now = await connection.fetchrow(SQL["served_training"], model)
    served = now["pipeline"] if now is not None and now["training"] == training else versions[0]["pipeline"]
    found: dict[str, list[Milestone]] = {served: []}
    for row in versions:
        said = Milestone(f"version {row['version']}", row["learned"], row["state_digest"])
        found.setdefault(row["pipeline"], []).append(said)
    if now is not None and now["training"] == training:
        found[served].append(Milestone(CHECKPOINT, now["learned"], now["state_digest"]))
    for row in await connection.fetch(SQL["challengers"], model):
        if row["training"] == training:
            said = Milestone(f"challenger {row['pipeline']}", row["learned"], row["state_digest"])
            found.setdefault(row["pipeline"], []).append(said)
    return found


async def _pages(
    connection: Connection, model: str, first: Row, recorded: int, pipeline: str
) -> AsyncIterator[list[list[Learned]]]:
    """Rows in the order of learning, by outcome: those of one were learned one after another."""
    page: list[list[Learned]] = []
    asked = (model, first["training"], first["heard"], recorded, first["learned"], pipeline)
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
