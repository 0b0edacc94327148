"""Killed anywhere, the trainer goes on as if nothing had happened: no prediction twice, no outcome learned twice."""

import signal
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from okr_common.delivery.offsets import Held
from okr_common.sql import queries
from okr_common.topics import MODEL_EVENTS, PREDICTIONS
from okr_trainer.domain.inputs import Input, Outcome, knowledge_order
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.replay import Replay
from okr_trainer.domain.risk import CutPoints
from okr_trainer.domain.tallies import Tally
from okr_trainer.memory import Memory
from okr_trainer.settings import TrainerSettings
from okr_trainer.testing import Company

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
VERSION_1 = "select count(*) from model_version where version = 1 and checkpoint is not null"
LEARNED = "select count(*) from outcome_heard where learned > 0"
Scene = Any


def next_year(past: Company) -> list[Input]:
    for number in range(6):
        past.year(f"series {number}", 2015, [96.0 + 1.6 * number + month % 3 for month in range(12)])
    return past.batch()


def undisturbed(first: list[Input], second: list[Input]) -> Learner:
    """What must be known in the end, by the pure rules alone."""
    replay = Replay.begin("acme", 1, 1, TrainerSettings().pipeline, CutPoints())
    replay.take(sorted(first, key=knowledge_order))
    made = replay.learner
    learner = Learner(
        "acme",
        replay.model,
        CutPoints(),
        states=made.states,
        records=made.records,
        base_rate=made.base_rate,
        tallies=made.tallies,
        errors=made.errors,
        watermark=made.watermark,
    )
    learner.take(second, {})
    return learner


def model_of(learner: Learner) -> LearnedModel:
    assert isinstance(learner.predictor, LearnedModel)
    return learner.predictor


async def tallies_of(scene: Scene) -> dict[str, Tally]:
    rows = await scene.ops.fetch("select key, open, outcomes, achieved, reached from tally where model = 'acme'")
    return {key: Tally(*counts) for key, *counts in map(tuple, rows)}


def asked(*batches: list[Input]) -> int:
    return sum(not isinstance(one, Outcome) for batch in batches for one in batch)


@pytest.mark.faults
@pytest.mark.parametrize("point", ["after_copy", "before_commit", "after_commit", "between_acknowledgement_and_mark"])
async def test_killed_at(scene: Scene, past: Company, tmp_path: Path, point: str) -> None:
    first = past.batch()
    second = next_year(past)
    reached = tmp_path / "reached"
    with scene.stack.service("trainer") as trainer:
        await scene.publish(first)
        await scene.until(VERSION_1, 1)
        await scene.settled(asked(first))
        trainer.stop()

        trainer.start({"OKR_CRASH_AT": point, "OKR_CRASH_REACHED": str(reached)})
        await scene.publish(second)
        assert trainer.wait() == -signal.SIGKILL
        assert reached.read_text() == point

        trainer.start()
        await scene.settled(asked(first, second))
        await scene.until(LEARNED, 6)
        trainer.stop()

    said = scene.published(PREDICTIONS.name)
    by_id = {one["prediction_id"]: one for one in said}
    assert len(by_id) == asked(first, second)
    assert all(by_id[one["prediction_id"]] == one for one in said)
    committed = await scene.ops.fetchrow("select learned, state_digest, recent, forecast_errors from checkpoint")
    expected = undisturbed(first, second)
    model = model_of(expected)
    assert orjson.loads(committed["forecast_errors"]) == expected.errors.newest
    assert (committed["learned"], committed["state_digest"]) == (model.learned, model.digest)
    assert (committed["recent"], await tallies_of(scene)) == (expected.base_rate.recent, expected.tallies.known)


async def test_where_a_checkpoint_is_refused_the_registered_version_learns_again_and_nothing_is_lost(
    scene: Scene, past: Company
) -> None:
    first, second = past.batch(), next_year(past)
    with scene.stack.service("trainer") as trainer:
        await scene.publish(first)
        await scene.until(VERSION_1, 1)
        await scene.publish(second)
        await scene.until(LEARNED, 6)
        trainer.stop()
        await scene.ops.execute(CUT)
        trainer.start()
        past.define("probe/2016", date(2016, 1, 1))
        await scene.publish(past.batch())
        await scene.settled(asked(first, second) + 1)
        assert "checkpoint_refused" in trainer.log.read_text()
    committed = await scene.ops.fetchrow("select version, learned, state_digest from checkpoint")
    expected = model_of(undisturbed(first, second))
    assert tuple(committed) == (1, expected.learned, expected.digest)
    (refused,) = [one for one in scene.published(MODEL_EVENTS.name) if "serves" in one]
    assert (refused["version"], refused["serves"]) == (1, 1)
    assert "sha256" in refused["reason"]
    change = await scene.ops.fetchrow("select kind, serves, made_by from model_change order by change_id desc limit 1")
    assert tuple(change) == ("recovered", 1, "recovery")
    assert await scene.ops.fetchval("select count(*) from work_item where state = 'open'") == 0


async def test_where_no_version_can_be_proven_the_pace_rule_answers_until_one_is_made_anew(
    scene: Scene, past: Company
) -> None:
    first = past.batch()
    with scene.stack.service("trainer") as trainer:
        await scene.publish(first)
        await scene.until(VERSION_1, 1)
        trainer.stop()
        await scene.ops.execute(CUT)
        await scene.ops.execute("update model_version set checkpoint = substring(checkpoint for 100)")
        trainer.start()
        await scene.publish(next_year(past))
        await scene.until("select count(*) from model_version where version = 2 and alias = 'champion'", 1)
    assert await scene.ops.fetchval("select version from checkpoint") == 2
    serves = [one["serves"] for one in scene.published(MODEL_EVENTS.name) if "serves" in one]
    assert serves == [0]


async def test_a_rebuild_that_failed_is_asked_for_by_each_daily_run(scene: Scene, past: Company) -> None:
    with scene.stack.service("trainer") as trainer:
        await scene.publish(past.batch())
        await scene.until(VERSION_1, 1)
        trainer.stop()
    assert await scene.ops.fetch(queries("okr_trainer")["untrained"]) == []
    await scene.ops.execute("update checkpoint set version = 0, training = 0")
    assert [row["model"] for row in await scene.ops.fetch(queries("okr_trainer")["untrained"])] == ["acme"]


CUT = "update checkpoint set state = substring(state for 100)"


async def test_an_offset_beyond_the_end_is_read_from_the_beginning_and_nothing_is_made_twice(
    scene: Scene, past: Company
) -> None:
    """A broker restored from older data."""
    first = past.batch()
    with scene.stack.service("trainer") as trainer:
        await scene.publish(first)
        await scene.until(VERSION_1, 1)
        await scene.settled(asked(first))
        trainer.stop()
        await scene.ops.execute("update delivery.consumer_offset set next_offset = 1000000 where next_offset > 0")
        trainer.start()
        second = next_year(past)
        await scene.publish(second)
        await scene.settled(asked(first, second))
        assert "offset_out_of_range" in trainer.log.read_text()
    assert await scene.ops.fetchval("select count(distinct prediction_id) from prediction where kind <> 'replay'") == (
        asked(first, second)
    )


async def test_a_version_nobody_can_read_fails_the_training_and_not_the_trainer(scene: Scene, past: Company) -> None:
    first = past.batch()
    with scene.stack.service("trainer"):
        await scene.publish(first)
        await scene.until(VERSION_1, 1)
        await scene.processed.execute("update entity_version set payload = '{}' where seq = 5")
        await scene.ops.execute(REBUILD)
        await scene.until("select state from work_item order by item_id desc limit 1", "failed")
        reason = await scene.ops.fetchval("select result ->> 'reason' from work_item order by item_id desc limit 1")
        second = next_year(past)
        await scene.publish(second)
        await scene.settled(asked(first, second))
    assert reason == "wrong_shape"
    assert await scene.ops.fetchval("select max(version) from model_version") == 1


REBUILD = """
insert into work_item (pipeline, kind, subject, parameters)
values ('trainer', 'train_initial', 'acme', '{"rebuild": true}')
"""


async def test_what_is_remembered_is_trusted_only_under_its_epoch(scene: Scene) -> None:
    """Whoever held the partition meanwhile may have learned."""
    memory = Memory(TrainerSettings())
    held = Held("okr-trainer", "okr_processed_records", 0, epoch=1, next_offset=0)
    first = await memory.get(scene.ops, "acme", held)
    assert await memory.get(scene.ops, "acme", held) is first
    assert await memory.get(scene.ops, "acme", replace(held, epoch=2)) is not first


async def test_a_training_whose_commit_was_never_confirmed_is_found_again(
    scene: Scene, past: Company, tmp_path: Path
) -> None:
    """Killed right after the commit: the version is there, it answers, and nothing is trained a second time."""
    first, reached = past.batch(), tmp_path / "reached"
    with scene.stack.service(
        "trainer", {"OKR_CRASH_AT": "after_training_commit", "OKR_CRASH_REACHED": str(reached)}
    ) as trainer:
        await scene.publish(first)
        assert trainer.wait() == -signal.SIGKILL
        assert reached.read_text() == "after_training_commit"
        trainer.start()
        second = next_year(past)
        await scene.publish(second)
        await scene.settled(asked(first, second))
        await scene.until(LEARNED, 6)
    assert await scene.ops.fetchval("select version from checkpoint") == 1
    assert await scene.ops.fetchval("select max(training) from model_version") == 1
    committed = await scene.ops.fetchrow("select learned, state_digest from checkpoint")
    expected = model_of(undisturbed(first, second))
    assert (committed["learned"], committed["state_digest"]) == (expected.learned, expected.digest)


@pytest.mark.faults
@pytest.mark.parametrize("point", ["before_ageing_commit", "after_ageing_commit"])
async def test_killed_while_the_silent_ones_age_each_is_judged_once(
    scene: Scene, company: Company, tmp_path: Path, point: str
) -> None:
    reached = tmp_path / "reached"
    for number in range(3):
        company.define(f"silent {number}/2015", date(2015, 1, 1))
    await scene.clock("data", date(2015, 10, 2))
    with scene.stack.service("trainer", {"OKR_CRASH_AT": point, "OKR_CRASH_REACHED": str(reached)}) as trainer:
        await scene.publish(company.batch())
        await scene.settled(3)
        await scene.ops.execute("insert into work_item (pipeline, kind, subject) values ('trainer', 'age', 'acme')")
        assert trainer.wait() == -signal.SIGKILL
        assert reached.read_text() == point
        trainer.start()
        await scene.until("select count(*) from work_item where state = 'done'", 1)
        await scene.settled(3)
    aged = await scene.ops.fetch("select seq, unit is not null as published from prediction where kind = 'aged'")
    assert [(row["seq"], row["published"]) for row in aged] == [(2, True)] * 3
    assert len({one["prediction_id"] for one in scene.published(PREDICTIONS.name)}) == 6
