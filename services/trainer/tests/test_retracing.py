"""The record of learning proves a model: learned once more it gives each stored state; what was changed is found."""

from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Any

import orjson
import pytest

from okr_trainer.domain.inputs import Outcome, knowledge_order
from okr_trainer.domain.pipeline import BUILDERS
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.replay import Replay
from okr_trainer.domain.retracing import Learned, Milestone, Retrace
from okr_trainer.domain.risk import CutPoints
from okr_trainer.testing import Company

Scene = Any
OTHER_OUTCOME = (
    "update outcome_heard set achieved = not achieved where heard_seq = (select min(heard_seq) from outcome_heard)"
)
GONE = "delete from prediction where learned_seq = 400"


def learned_by(past: Company, builder: str) -> tuple[Replay, list[Learned]]:
    replay = Replay.begin("acme", 1, 1, builder, CutPoints())
    drafts = replay.take(sorted(past.said, key=knowledge_order))
    achieved = {one.key_result_id: one.achieved for one in past.said if isinstance(one, Outcome)}
    rows = [
        Learned(
            one.learned_seq, one.key_result_id, achieved[one.key_result_id], orjson.loads(orjson.dumps(one.x)), one.raw
        )
        for one in drafts
        if one.learned_seq is not None
    ]
    return replay, sorted(rows, key=lambda row: row.seq)


def retraced(builder: str, rows: list[Learned], milestones: list[Milestone]) -> Retrace:
    retrace = Retrace(LearnedModel.new(1, 1, builder), milestones)
    for _, group in groupby(rows, key=lambda row: row.key_result_id):
        retrace.learn(list(group))
    retrace.close()
    return retrace


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_pipeline_comes_out_the_same_from_what_is_stored(past: Company, builder: str) -> None:
    replay, rows = learned_by(past, builder)
    found = retraced(builder, rows, [Milestone("version 1", replay.model.learned, replay.model.digest)])
    assert (found.findings, found.proven) == ([], ["version 1"])
    assert found.model.learned == len(rows) == 30 * 13


def test_it_says_between_which_states_something_was_changed(past: Company) -> None:
    replay, rows = learned_by(past, "linear")
    early = retraced("linear", rows[: 10 * 13], []).model
    milestones = [
        Milestone("version 1", 10 * 13, early.digest),
        Milestone("version 2", replay.model.learned, replay.model.digest),
    ]
    rows[200] = replace(rows[200], achieved=not rows[200].achieved)
    found = retraced("linear", rows, milestones)
    assert found.proven == ["version 1"]
    assert found.findings == [
        "version 2: rows 131 to 390 in the order of learning lead to another state than was stored"
    ]


def test_a_row_that_is_gone_and_a_state_that_was_never_reached_are_told(past: Company) -> None:
    replay, rows = learned_by(past, "linear")
    milestone = Milestone("the checkpoint", replay.model.learned, replay.model.digest)
    assert retraced("linear", [*rows[:4], *rows[5:]], [milestone]).findings == [
        "row 5 in the order of learning is missing: row 6 follows"
    ]
    assert retraced("linear", rows[:13], [milestone]).findings == [
        "the checkpoint: it had learned 390 rows, and 13 are stored"
    ]
    foreign = [replace(rows[0], raw=None), *rows[1:]]
    told = retraced("linear", foreign, [replace(milestone, digest="another")])
    assert (told.findings, told.unproven) == ([], ["the checkpoint"])
    unknown = [replace(rows[0], achieved=None), *rows[1:]]
    assert "its outcome is not known any more" in retraced("linear", unknown, [milestone]).findings[0]


@pytest.mark.stack
@pytest.mark.timeout(180)
async def test_a_stream_and_two_versions_are_proven_and_damage_is_found(scene: Scene, past: Company) -> None:
    with scene.stack.service("trainer") as trainer:
        nothing = await scene.get(trainer, "/models/acme/verify")
        past.define("open at the cut/2015", date(2015, 1, 1))
        past.check_in("open at the cut/2015", date(2015, 1, 31), 97.0)
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1 and alias = 'champion'", 1)
        for number in range(6):
            past.year(f"series {number}", 2015, [96.0 + 1.6 * number + month % 3 for month in range(12)])
        past.outcome("open at the cut/2015", date(2015, 12, 31), 97.0, achieved=False)
        await scene.publish(past.batch())
        await scene.until("select count(*) from outcome_heard where learned > 0", 7)
        await scene.ops.execute(
            "insert into work_item (pipeline, kind, subject) values ('trainer', 'register', 'acme')"
        )
        await scene.until("select count(*) from model_version where version = 2", 1)
        whole = await scene.get(trainer, "/models/acme/verify")
        await scene.ops.execute(GONE)
        without = await scene.get(trainer, "/models/acme/verify")
        await scene.ops.execute(OTHER_OUTCOME)
        changed = await scene.get(trainer, "/models/acme/verify")
    assert "no model is called" in nothing["detail"]
    assert (whole["learned"], whole["findings"]) == (36 * 13 + 2, [])
    assert whole["proven"] == ["version 1", "version 2", "the checkpoint"]
    assert without["proven"] == ["version 1"]
    assert without["findings"] == ["row 400 in the order of learning is missing: row 401 follows"]
    assert changed["findings"] == [
        "version 1: rows 1 to 390 in the order of learning lead to another state than was stored"
    ]


@pytest.mark.stack
@pytest.mark.timeout(120)
async def test_a_replay_is_evaluated_by_the_outcomes_it_learned(scene: Scene, past: Company) -> None:
    """A corrected outcome, that is, from the next training on."""
    with scene.stack.service("trainer") as trainer:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1 and alias = 'champion'", 1)
        before = await scene.get(trainer, "/models/acme/evaluation", kind="replay")
        past.outcome("series 0/2010", date(2016, 1, 31), 120.0, achieved=True, revision=2)
        await scene.publish(past.batch())
        await scene.until("select count(*) from outcome_heard where superseding", 1)
        again = """insert into work_item (pipeline, kind, subject, parameters)
            values ('trainer', 'train_initial', 'acme', '{"rebuild": true}')"""
        await scene.ops.execute(again)
        await scene.until("select count(*) from model_version where version = 2", 1)
        after = await scene.get(trainer, "/models/acme/evaluation", kind="replay")
    registered = orjson.loads(await scene.ops.fetchval("select metrics from model_version where version = 2"))
    assert after["all"]["achieved"] == before["all"]["achieved"] + 12
    assert after["all"] == registered["all"]
