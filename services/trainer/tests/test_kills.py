"""kill -9 at random moments of learning, checkpoint and publishing: the same state as undisturbed, every row once.

The moments come from a seed; what they hit depends on the machine too.
"""

import asyncio
import os
import random
import signal
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from okr_common.topics import PREDICTIONS
from okr_stack.solo import SoloService
from okr_trainer.domain.inputs import Outcome
from okr_trainer.testing import Company, history

pytestmark = [pytest.mark.stack, pytest.mark.faults]
Scene = Any
KEY_RESULTS = 10
"""Of each batch; each has a definition, three check-ins and an outcome."""


@dataclass(frozen=True)
class Siege:
    """So many kills, each at most `spare` seconds after a batch was published to a trainer that is ready."""

    seed: int
    kills: int
    spare: float = 0.4


LONG = Siege(20261127, 50)
SIEGES = [*(Siege(seed, 3) for seed in (1, 2, 3)), pytest.param(LONG, marks=pytest.mark.long)]
STATE = "select state_digest from checkpoint where model = $1"
ONCE = """
select count(learned_seq), count(distinct learned_seq), max(learned_seq),
       (select learned from checkpoint where model = $1),
       (select count(*) from outcome_heard where model = $1 and learned > 0)
from prediction where model = $1
"""


def next_batch(company: Company, number: int) -> int:
    """What is said next; how many predictions that asks for."""
    for each in range(KEY_RESULTS):
        name = f"series {each % 6}/{2015 + number}-{each}"
        company.define(name, date(2015 + number, 1, 1))
        values = [94.0 + (number * 5 + each * 3 + month) % 11 for month in range(3)]
        for month, value in enumerate(values):
            company.check_in(name, date(2015 + number, 3 * month + 2, 1), value)
        company.outcome(name, date(2015 + number, 12, 31), values[-1] + each % 3, achieved=values[-1] + each % 3 >= 100)
    return sum(not isinstance(one, Outcome) for one in company.said if one.version.place.position == company.position)


async def begun(scene: Scene, source: str) -> tuple[Company, int]:
    """A model that was trained on its history, and how many predictions were asked of its stream."""
    company = history(source=source)
    told = company.batch()
    await scene.publish(told)
    await scene.until(f"select version from checkpoint where model = '{source}' and version = 1", 1)
    return company, sum(not isinstance(one, Outcome) for one in told)


async def settled(scene: Scene, source: str, predictions: int) -> None:
    counted = f"select count(*) from prediction where model = '{source}' and kind in ('live', 'late')"
    await scene.until(counted, predictions, 60)
    await scene.until("select count(*) from delivery.outbox where sent_at is null", 0)


async def killed(service: SoloService, after: float) -> None:
    await asyncio.sleep(after)  # the moment is the point
    os.kill(service.pid, signal.SIGKILL)
    service.wait(10)
    service.start()
    service.until_ready()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("siege", SIEGES, ids=lambda siege: f"{siege.kills} kills, seed {siege.seed}")
async def test_killed_at_random_moments_it_knows_what_it_would_have_known(scene: Scene, siege: Siege) -> None:
    chance = random.Random(siege.seed)  # noqa: S311 - moments, not secrets
    with scene.stack.service("trainer") as service:
        for source in ("calm", "acme"):
            company, asked = await begun(scene, source)
            for number in range(siege.kills):
                asked += next_batch(company, number)
                await scene.publish(company.batch(), told=False)
                if source == "acme":
                    await killed(service, chance.uniform(0, siege.spare))
            await settled(scene, source, asked)
    calm, acme = [await scene.ops.fetchval(STATE, source) for source in ("calm", "acme")]
    assert acme == calm is not None
    for source in ("calm", "acme"):
        learned, distinct, newest, checkpoint, outcomes = await scene.ops.fetchrow(ONCE, source)
        assert learned == distinct == newest == checkpoint
        assert outcomes == siege.kills * KEY_RESULTS
    committed = await scene.ops.fetch("select prediction_id::text from prediction where unit is not null")
    published = [one["prediction_id"] for one in scene.published(PREDICTIONS.name)]
    assert set(published) == {row["prediction_id"] for row in committed}
