"""What a source says no more: a withdrawn outcome reopens its key result, and what it taught is unlearned."""

from datetime import date
from typing import Any

import pytest

from okr_trainer.testing import Company

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
NAME = "series 1/2015"
KNOWN = "select revision, superseding, withdrawn from outcome_heard where outcome_id = $1"
Scene = Any


async def test_a_withdrawn_outcome_reopens_its_key_result_and_is_unlearned(scene: Scene, past: Company) -> None:
    with scene.stack.service("trainer") as trainer:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        past.define(NAME, date(2015, 1, 1))
        past.check_in(NAME, date(2015, 1, 31), 97.0)
        outcome = past.outcome(NAME, date(2015, 3, 1), 96.0, achieved=False)
        await scene.publish(past.batch())
        await scene.until("select count(*) from outcome_heard where learned = 2", 1)
        past.withdraw(outcome, date(2015, 4, 1))
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 2 and alias = 'champion'", 1)
        assert await scene.ops.fetchval("select outcomes from model_version where version = 2") == 30
        assert tuple(await scene.ops.fetchrow("select outcomes, learned from checkpoint")) == (30, 390)
        evaluated = await scene.get(trainer, "/models/acme/evaluation", kind="live", version=1)
        assert evaluated["all"]["n"] == 0

        past.check_in(NAME, date(2015, 4, 30), 95.0)
        await scene.publish(past.batch())
        await scene.until("select count(*) from prediction where kind = 'live' and model_version = 2", 1)
        (listed,) = await scene.get(trainer, "/key-results")
        assert (listed["key_result"], listed["kind"], listed["value"]) == (NAME, "live", 95.0)
        assert (await scene.post(trainer, "/predict", {"key_result_id": outcome.key_result_id}))["ended"] is None

        past.outcome(NAME, date(2015, 12, 31), 95.0, achieved=False, revision=3)
        await scene.publish(past.batch())
        await scene.until(
            "select count(*) from outcome_heard where revision = 3 and learned = 3 and not superseding", 1
        )
        known = await scene.ops.fetch(
            "select revision, superseding, withdrawn from outcome_heard where revision > 1 or withdrawn"
        )
        verified = await scene.get(trainer, "/models/acme/verify")
    assert sorted(map(tuple, known)) == [(1, True, True), (3, False, False)]
    assert (verified["findings"], verified["proven"]) == ([], ["version 2", "the checkpoint"])


async def test_of_a_key_result_that_was_reopened_each_outcome_taught_its_own_rows(scene: Scene, past: Company) -> None:
    """A replay took the first one back, and will ask for a training; until then what both taught stands."""
    with scene.stack.service("trainer") as trainer:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        past.define(NAME, date(2015, 1, 1))
        past.check_in(NAME, date(2015, 1, 31), 97.0)
        outcome = past.outcome(NAME, date(2015, 3, 1), 96.0, achieved=False)
        await scene.publish(past.batch())
        await scene.until("select count(*) from outcome_heard where learned = 2", 1)
        past.withdraw(outcome, date(2015, 4, 1), replayed=True)
        past.check_in(NAME, date(2015, 4, 30), 104.0)
        await scene.publish(past.batch())
        await scene.settled(30 * 13 + 3)
        past.outcome(NAME, date(2015, 12, 31), 104.0, achieved=True, revision=3)
        await scene.publish(past.batch())
        await scene.until("select count(*) from outcome_heard where revision = 3 and learned = 1", 1)
        verified = await scene.get(trainer, "/models/acme/verify")
        await scene.ops.execute("update outcome_heard set achieved = false where revision = 3")
        changed = await scene.get(trainer, "/models/acme/verify")
    assert (verified["learned"], verified["findings"]) == (30 * 13 + 3, [])
    assert verified["proven"] == ["version 1", "the checkpoint"]
    assert "rows 391 to 393 in the order of learning lead to another state" in changed["findings"][0]
