"""The trainer's floors: the champion's predict and learn on ready-made features; the bare COPY of predictions."""

import io
import time
from typing import Any, NamedTuple

import asyncpg
import orjson
from trainer_scene import MODEL, Scene

from okr_common.kafka.consumer import MESSAGES
from okr_trainer.domain.checkpoint import Checkpoint, load, save
from okr_trainer.domain.pipeline import view_of
from okr_trainer.domain.predictors import LearnedModel

CHAMPION = """
select checkpoint as content, sha256, contract_hash as contract, libraries, state_digest as digest
from model_version where model = $1 and alias = 'champion'
"""
VECTORS = """
select p.features, case when p.learned_seq is not null then o.achieved end as achieved
from prediction p left join lateral (
    select achieved from outcome_heard o where o.model = p.model and o.key_result_id = p.key_result_id
    order by revision limit 1) o on true
where p.model = $1 and p.source = $5 and p.kind = any($2) and p.training = any($3) and p.features is not null
  and coalesce(p.unit, 0) > $4
order by p.knowledge_time, p.prediction_id
"""


class Vector(NamedTuple):
    """What the model saw, and how it ended where it learned from it."""

    x: dict[str, Any]
    achieved: bool | None


async def champion(scene: Scene) -> LearnedModel:
    """The version that serves, as it was registered."""
    row = dict(await scene.asking.row("ops", CHAMPION, MODEL))
    return load(Checkpoint(**{**row, "libraries": orjson.loads(row["libraries"])}))


async def vectors(
    scene: Scene, *kinds: str, trainings: list[int], source: str = MODEL, after: int = -1
) -> list[Vector]:
    """Those of predictions of these kinds and trainings, in the order they became known.

    `after`: only of units published after this one; a replay's are in none.
    """
    rows = await scene.asking.rows("ops", VECTORS, MODEL, list(kinds), trainings, after, source)
    return [Vector(orjson.loads(row["features"]), row["achieved"]) for row in rows]


def bare(model: LearnedModel, seen: list[Vector]) -> float:
    """Seconds: as many vectors as messages come at once are scored together, then learned one by one."""
    began = time.perf_counter()
    for at in range(0, len(seen), MESSAGES):
        page = seen[at : at + MESSAGES]
        scored = view_of(model.pipeline, model.words).score([one.x for one in page])
        for one, raw in zip(page, scored.raw.tolist(), strict=True):
            if one.achieved is not None:
                model.learn(one.x, raw, one.achieved, 1.0)
    return time.perf_counter() - began


def saving(model: LearnedModel, times: int = 20) -> float:
    """Seconds that one checkpoint takes, the median of some."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        save(model)
        taken.append(time.perf_counter() - began)
    return sorted(taken)[times // 2]


def scoring(model: LearnedModel, seen: list[Vector]) -> float:
    """Seconds to score them alone, as many together as messages come at once."""
    began = time.perf_counter()
    view = view_of(model.pipeline, model.words)
    for at in range(0, len(seen), MESSAGES):
        view.score([one.x for one in seen[at : at + MESSAGES]])
    return time.perf_counter() - began


async def copying(scene: Scene, after: int) -> float:
    """Seconds PostgreSQL takes for the bare COPY of the predictions published after this unit, their bytes ready."""
    connection = await asyncpg.connect(scene.stack.admin_dsn("okr_ops"))
    rows = io.BytesIO()
    try:
        await connection.copy_from_query("select * from prediction where unit > $1", after, output=rows)
        await connection.execute("create schema bench_floor")
        await connection.execute("create table bench_floor.prediction (like public.prediction including all)")
        await connection.execute("checkpoint")
        rows.seek(0)
        began = time.perf_counter()
        await connection.copy_to_table("prediction", schema_name="bench_floor", source=rows)
        return time.perf_counter() - began
    finally:
        await connection.execute("drop schema if exists bench_floor cascade")
        await connection.close()
