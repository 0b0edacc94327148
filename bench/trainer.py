"""Measures the trainer alone: `make bench-trainer`. Figures as JSON (--json FILE) and as a table. No figure is a test.

The trainer has one core for itself, Kafka and PostgreSQL the other. Half of the MTA file's rows (repeated under other
indicators) are its history, on which a champion is trained; the other half comes as news.
"""

import argparse
import asyncio
import os
import platform
import time
from pathlib import Path
from typing import Any

import cores
import httpx2
import psutil
import trainer_floor
import workload
from ingest_gauge import rss_mib
from report import scratch, tell
from trainer_scene import KEY, MODEL, Scene
from trainer_scene import OPEN as OPEN_SOURCE
from trainer_serving import serving

from okr_common.kafka.reader import Read
from okr_stack.stack import Stack
from okr_trainer.domain.pipeline import BUILDERS
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.settings import TrainerSettings

ROWS = 100_000
OPEN = 100_000
HELD_BACK = 50
"""Records that come as news after the cold start: not each of them asks for a prediction."""
NEWEST_UNIT = "select coalesce(max(unit), 0) from prediction"
VERSIONS = f"select count(*) from model_version where model = '{MODEL}' and version > 0"
LEVEL = "select count(*) = {0} from challenger join checkpoint using (model, training, learned)"
OPENED = """
insert into key_result_state
    (model, key_result_id, source, key_result, due_on, open, state, prediction_id, risk, probability)
select model, gen_random_uuid(), source, key_result, due_on, true, state, null, risk, probability
from (select * from key_result_state where open limit 1000) s, generate_series(1, {0}) limit {0}
"""


async def measured(scene: Scene, options: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    try:
        return {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            **await _measured(scene, options),
        }
    finally:
        await scene.asking.close()


async def _measured(scene: Scene, options: argparse.Namespace) -> dict[str, Any]:
    rows = workload.repeated_rows(options.rows)
    half = len(rows) // 2
    await scene.load("past.csv", rows[:half])
    training = await _trained(scene)
    await scene.load("news.csv", rows[half:])
    stream = await _streamed(scene)
    rollback = await _taken_back(scene)
    shadow = await _shadowed(scene)
    silent = [one for one in scene.records() if b'"entity":"outcome"' not in (one.value or b"")]
    alone, served = await _check_ins_alone(scene, silent[:-HELD_BACK])
    return {
        "rows": len(rows),
        "train_initial": training,
        "stream": stream,
        "rollback": rollback,
        "challengers": shadow,
        "check_ins_alone": alone,
        "predict": served,
        "cold_start": await _cold_start(scene, options.open, silent[-HELD_BACK:]),
    }


async def _trained(scene: Scene) -> dict[str, Any]:
    """A replay of the history, by hand, after the first one came by itself: the stream stands meanwhile."""
    with scene.trainer() as service:
        await scene.heard()
        await scene.until("ops", VERSIONS.replace("count(*)", "count(*) > 0"))
        before = await scene.ask("ops", VERSIONS)
        began = time.monotonic()
        asked = httpx2.post(f"{service.url}/models/{MODEL}/rebuild", headers={"X-API-Key": KEY}, timeout=60)
        asked.raise_for_status()
        await scene.until("ops", VERSIONS.replace("count(*)", f"count(*) > {before}"))
        seconds = time.monotonic() - began
    newest = await scene.ask("ops", "select max(training) from model_version")
    seen = await trainer_floor.vectors(scene, "replay", trainings=[newest])
    with cores.on(cores.SERVICE):
        floor = trainer_floor.bare(LearnedModel.new(1, 1, scene.pipeline), seen)
    return _beside(len(seen), seconds, floor)


async def _streamed(scene: Scene) -> dict[str, Any]:
    """The news, from the topic to committed and published predictions, with labels and checkpoints."""
    model, before = await trainer_floor.champion(scene), await scene.ask("ops", NEWEST_UNIT)
    with scene.trainer(ready=False) as service:
        seconds = await scene.timed()
        spent = psutil.Process(service.pid).cpu_times()
    trainings = [model.training]
    seen = await trainer_floor.vectors(scene, "live", "late", trainings=trainings, after=before)
    with cores.on(cores.SERVICE):
        floor, checkpoint = trainer_floor.bare(model, seen), trainer_floor.saving(model)
    learned = sum(one.achieved is not None for one in seen)
    return {**_beside(len(seen), seconds, floor), "learned": learned, "checkpoint_ms": 1000 * checkpoint} | {
        "processor_seconds": spent.user + spent.system
    }


async def _taken_back(scene: Scene) -> dict[str, Any]:
    """The version before serves again, having learned all news; then the newest one as before."""
    with scene.trainer() as service:
        await scene.heard()
        seconds = await _answered(f"{service.url}/models/{MODEL}/rollback", {"reason": "measured"})
        newest = await scene.ask("ops", "select max(version) from model_version")
        await _answered(f"{service.url}/models/{MODEL}/promote", {"version": newest})
    learned = await scene.ask("ops", "select learned from checkpoint")
    return {"seconds": seconds, "learned": learned}


async def _answered(url: str, asked: dict[str, Any]) -> float:
    """Seconds until the change was made: such a request is answered when it is."""
    began = time.monotonic()
    answer = await asyncio.to_thread(httpx2.post, url, json=asked, headers={"X-API-Key": KEY}, timeout=600)
    answer.raise_for_status()
    return time.monotonic() - began


async def _shadowed(scene: Scene) -> dict[str, Any]:
    """Every other pipeline, through the history and the news that are there: what following costs, without a start."""
    names = sorted(BUILDERS.keys() - {scene.pipeline})
    with scene.trainer(challengers=names):
        await scene.until("ops", LEVEL.format(len(names)))
        rows = await scene.asking.rows("ops", "select pipeline, seconds, learned from challenger order by pipeline")
    said = await scene.ask("ops", f"select count(*) / {len(names)} from shadow_prediction")
    return {"predictions": said, **{row["pipeline"]: {"processor_seconds": row["seconds"]} for row in rows}}


async def _check_ins_alone(scene: Scene, silent: list[Read]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Everything but the outcomes once more, as of another source; and /predict beside nothing else."""
    model, before = await trainer_floor.champion(scene), await scene.ask("ops", NEWEST_UNIT)
    scene.produce(silent)
    with scene.trainer(ready=False) as service:
        seconds = await scene.timed()
        made = await scene.ask("ops", f"select count(*) from prediction where unit > {before}")
        ids = await scene.asking.rows(
            "ops", "select key_result_id::text as id from key_result_state where open limit 500"
        )
        served = await serving(service.url, [row["id"] for row in ids])
    copied = await trainer_floor.copying(scene, before)
    seen = await trainer_floor.vectors(
        scene, "live", "late", source=OPEN_SOURCE, trainings=[model.training], after=before
    )
    with cores.on(cores.SERVICE):
        scored = trainer_floor.scoring(model, seen)
    alone = {"predictions": made, "seconds": seconds, "per_second": made / seconds}
    return {**alone, "copied_per_second": made / copied, "scored_per_second": len(seen) / scored}, served


async def _cold_start(scene: Scene, open_key_results: int, news: list[Read]) -> dict[str, Any]:
    """From the start of the process to the first live prediction, with so many open key results more."""
    await scene.ask("ops", OPENED.format(open_key_results))
    states = await scene.ask("ops", "select count(*) from key_result_state where open")
    scene.produce(news)
    began = time.monotonic()
    with scene.trainer(ready=False) as service:
        await scene.heard()
        seconds = time.monotonic() - began
        memory, _ = rss_mib(service.pid)
    return {"open_key_results": states, "seconds": seconds, "rss_mib": memory}


def _beside(vectors: int, seconds: float, floor: float) -> dict[str, Any]:
    return {
        "vectors": vectors,
        "seconds": seconds,
        "per_second": vectors / seconds,
        "floor_seconds": floor,
        "times_the_floor": floor / seconds,
    }


def on_a_stack(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Kafka and PostgreSQL as they are shipped, in this folder; nothing of them is left."""
    stack = Stack(folder / "state", tied=True)
    with cores.on(cores.SERVERS):
        try:
            stack.up(services=False)
            return asyncio.run(measured(Scene(folder, stack, options.pipeline), options))
        finally:
            stack.erase()


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="of the MTA file, half of them history")
    parser.add_argument(
        "--open", type=int, default=OPEN, help="open key results at the cold start, more than there are"
    )
    parser.add_argument(
        "--pipeline", default=TrainerSettings().pipeline, choices=sorted(BUILDERS), help="the champion's"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with scratch() as folder:
        figures = on_a_stack(folder, options)
    tell(figures, options.json)


if __name__ == "__main__":
    main()
