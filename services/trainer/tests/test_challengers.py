"""Challengers on the real stack: they learn in the shadow of the one that serves, and may take its place."""

import os
import signal
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from prometheus_client import REGISTRY

from okr_common import polling
from okr_common.topics import MODEL_EVENTS, PREDICTIONS
from okr_stack.solo import SoloService
from okr_trainer.testing import Company, history
from okr_trainer.trailing import Trailing

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]
KEY = "a key of sixteen"
MANUAL = {
    "OKR_REST__API_KEY": KEY,
    "OKR_TRAINER__PIPELINE": "newton",
    "OKR_TRAINER__CHALLENGERS": '["linear"]',
    "OKR_TRAINER__PROMOTION": "manual",
}
AUTOMATIC = {**MANUAL, "OKR_TRAINER__PROMOTION": "automatic", "OKR_TRAINER__GATES__MARGIN": "0"}
LEVEL = """
select count(*) from challenger h join checkpoint c using (model, training, learned)
where model = '{model}' and h.pipeline = '{pipeline}' and learned = {learned}
"""
IN_SHADOW = "select count(*) from shadow_prediction where pipeline = '{}' and probability is not null"
JUDGE = "insert into work_item (pipeline, kind, subject) values ('trainer', 'challenge', 'acme')"
DONE = "select count(*) from work_item where state = 'open'"
HISTORY, A_YEAR = 30 * 13, 6 * 13
Scene = Any


def one_more_year(past: Company, year: int) -> None:
    for number in range(6):
        past.year(f"series {number}", year, [96.0 + 1.6 * number + month % 3 for month in range(12)])


async def post(trainer: SoloService, verb: str, body: dict[str, Any], model: str = "acme") -> tuple[int, Any]:
    async with httpx2.AsyncClient(timeout=30) as client:
        answer = await client.post(f"{trainer.url}/models/{model}/{verb}", json=body, headers={"X-API-Key": KEY})
    return answer.status_code, answer.json()


async def trained(scene: Scene, trainer: SoloService, past: Company) -> None:
    """A model that serves, and has learned one more year in the stream."""
    await scene.publish(past.batch())
    await scene.until("select count(*) from model_version where version = 1", 1)
    if (await scene.get(trainer, "/models/acme"))[0]["alias"] != "champion":
        await post(trainer, "promote", {"version": 1})
    one_more_year(past, 2015)
    await scene.publish(past.batch())


async def level(scene: Scene, pipeline: str, learned: int, model: str = "acme") -> None:
    """The challenger has learned all that its model has."""
    await scene.until(LEVEL.format(model=model, pipeline=pipeline, learned=learned), 1, 60)


@pytest.mark.parametrize("challenger", ["linear", "ensemble"])
async def test_it_learns_the_same_labels_in_the_shadow_and_publishes_nothing(
    scene: Scene, past: Company, challenger: str
) -> None:
    with scene.stack.service("trainer", MANUAL | {"OKR_TRAINER__CHALLENGERS": f'["{challenger}"]'}) as trainer:
        await trained(scene, trainer, past)
        await level(scene, challenger, HISTORY + A_YEAR)
        await scene.until("select count(*) from delivery.outbox where sent_at is null", 0)
        (found,) = await scene.get(trainer, "/models/acme/challengers")
        verified = await scene.get(trainer, "/models/acme/verify")
        assert await scene.ops.fetchval(IN_SHADOW.format(challenger)) == HISTORY + A_YEAR
    published = scene.published(PREDICTIONS.name)
    committed = await scene.ops.fetchval("select count(*) from prediction where unit is not null")
    assert len(published) == committed
    assert (found["pipeline"], found["serves"], found["behind"], found["waits"]) == (challenger, "newton", 0, None)
    assert found["verdict"]["replaced"]["log_loss"].keys() == {"candidate", "replaced"}
    assert found["scores"]["model"]["log_loss"] != found["scores"]["champion"]["log_loss"]
    assert verified["findings"] == []
    assert verified["unproven"] == []
    assert verified["proven"] == ["version 1", "the checkpoint", f"challenger {challenger}"]


async def test_a_metric_tells_how_far_it_is_behind(scene: Scene, past: Company) -> None:
    trailing, named = Trailing(scene.ops), {"model": "acme", "pipeline": "linear"}
    with scene.stack.service("trainer", MANUAL) as trainer:
        await trained(scene, trainer, past)
        await level(scene, "linear", HISTORY + A_YEAR)
    told = []
    for moved in ("learned", "learned - 5", "training - 1"):
        column = moved.split(" ", 1)[0]
        await scene.ops.execute(f"update challenger set {column} = {moved}")
        await trailing.look()
        told.append(REGISTRY.get_sample_value("okr_challenger_behind", named))
    await scene.ops.execute("delete from challenger")
    await trailing.look()
    assert told == [0, 5, HISTORY + A_YEAR]
    assert REGISTRY.get_sample_value("okr_challenger_behind", named) is None


async def test_promoted_it_serves_and_the_other_goes_on_in_the_shadow_and_a_rollback_takes_both_back(
    scene: Scene, past: Company
) -> None:
    with scene.stack.service("trainer", MANUAL) as trainer:
        await trained(scene, trainer, past)
        await level(scene, "linear", HISTORY + A_YEAR)
        status, _ = await post(trainer, "promote", {"challenger": "linear", "reason": "it knows more"})
        assert status == 200
        one_more_year(past, 2016)
        await scene.publish(past.batch())
        await level(scene, "newton", HISTORY + 2 * A_YEAR)
        await scene.settled(7 * A_YEAR)
        (newest, *_) = await scene.get(trainer, "/models/acme")
        by_linear = await scene.get(trainer, "/models/acme/verify")

        newton = await scene.ops.fetchval("select state_digest from challenger where pipeline = 'newton'")
        status, done = await post(trainer, "rollback", {"reason": "it was worse"})
        after = await scene.ops.fetchrow("select version, learned, state_digest from checkpoint")
        one_more_year(past, 2017)
        await scene.publish(past.batch())
        await level(scene, "linear", HISTORY + 3 * A_YEAR)
        verified = await scene.get(trainer, "/models/acme/verify")
        (linear,) = await scene.get(trainer, "/models/acme/challengers")
        audit = await scene.get(trainer, "/models/acme/changes")
        await scene.until("select count(*) from delivery.outbox where sent_at is null", 0)
    assert (newest["pipeline"], newest["alias"]) == ("linear", "champion")
    said = {one["model_version"] for one in scene.published(PREDICTIONS.name) if one["knowledge_time"][:4] == "2016"}
    assert said == {newest["version"]}
    assert by_linear["proven"] == [f"version {newest['version']}", "the checkpoint", "version 1", "challenger newton"]
    assert (status, done["version"], done["before"]) == (200, 1, newest["version"])
    assert tuple(after) == (1, HISTORY + 2 * A_YEAR, newton)
    assert (verified["findings"], verified["unproven"]) == ([], [])
    assert {"version 1", "the checkpoint", "challenger linear"} <= set(verified["proven"])
    assert linear["verdict"]["labels"] == 6, "what it did before the rollback was judged by a person"
    assert [(one["kind"], one["made_by"], one["reason"]) for one in audit[:2]] == [
        ("rolled_back", "person", "it was worse"),
        ("promoted", "person", "it knows more"),
    ]
    promoted = [one for one in scene.published(MODEL_EVENTS.name) if "learned_again" in one]
    assert [(one["before"], one["version"]) for one in promoted[-2:]] == [(1, 2), (2, 1)]


async def test_the_daily_run_has_it_judged_and_the_better_one_serves(scene: Scene, past: Company) -> None:
    """Which of both is better, the outcomes decide: the test looks what the figures say, and who serves then."""
    with scene.stack.service("trainer", AUTOMATIC) as trainer:
        await trained(scene, trainer, past)
        await level(scene, "linear", HISTORY + A_YEAR)
        (before,) = await scene.get(trainer, "/models/acme/challengers")
        async with httpx2.AsyncClient(timeout=30) as client:
            asked = (await client.post(f"{trainer.url}/runs", json={})).json()
        await scene.until("select count(*) from run where ended_at is not null", 1, 60)
        run = await scene.get(trainer, f"/runs/{asked['run_id']}")
        versions = await scene.get(trainer, "/models/acme")
        result = orjson.loads(await scene.ops.fetchval("select result from work_item where kind = 'challenge'"))
        audit = await scene.get(trainer, "/models/acme/changes")
    (told,) = [one["detail"]["acme"] for one in run["steps"] if one["step"] == "register"]
    assert (told["challengers"], told["serves"]) == (result["challengers"], result["serves"])
    (linear,) = [one for one in versions if one["pipeline"] == "linear"]
    assert linear["verdict"] == before["verdict"]
    assert result["challengers"]["linear"]["version"] == linear["version"] == 3
    assert (linear["alias"] == "champion") is before["verdict"]["passed"] is (result["serves"] == 3)
    assert before["verdict"]["passed"], before["verdict"]["reasons"]
    assert (audit[0]["kind"], audit[0]["made_by"], audit[0]["serves"]) == ("promoted", "gates", 3)
    assert "linear passed the gates: over" in audit[0]["reason"]


async def test_one_that_does_not_pass_stands_in_the_registry_and_goes_on(scene: Scene, past: Company) -> None:
    strict = {**AUTOMATIC, "OKR_TRAINER__GATES__MARGIN": "0.9"}
    with scene.stack.service("trainer", strict) as trainer:
        await trained(scene, trainer, past)
        await level(scene, "linear", HISTORY + A_YEAR)
        await scene.ops.execute(JUDGE)
        await scene.until(DONE, 0)
        (linear, newton, *_) = await scene.get(trainer, "/models/acme")
        one_more_year(past, 2016)
        await scene.publish(past.batch())
        await level(scene, "linear", HISTORY + 2 * A_YEAR)
    assert (newton["pipeline"], newton["alias"]) == ("newton", "champion")
    assert (linear["pipeline"], linear["alias"], linear["learned"]) == ("linear", "challenger", HISTORY + A_YEAR)
    assert "not better than" in linear["verdict"]["reasons"][0]


async def test_where_the_order_has_a_hole_it_waits_and_says_so_until_the_next_training(
    scene: Scene, past: Company
) -> None:
    """A rollback to another training: what was learned meanwhile bears the numbers of the one that served."""
    with scene.stack.service("trainer", MANUAL) as trainer:
        await trained(scene, trainer, past)
        await level(scene, "linear", HISTORY + A_YEAR)
        await post(trainer, "rebuild", {})
        await scene.until("select count(*) from model_version where version = 2", 1)
        await post(trainer, "promote", {"version": 2})
        one_more_year(past, 2016)
        await scene.publish(past.batch())
        await level(scene, "linear", HISTORY + 2 * A_YEAR)
        await post(trainer, "rollback", {})
        await scene.until("select count(*) from challenger where training = 1 and waits is not null", 1)
        (found,) = await scene.get(trainer, "/models/acme/challengers")
        status, refused = await post(trainer, "promote", {"challenger": "linear"})
        await post(trainer, "rebuild", {})
        await scene.until("select count(*) from model_version where version = 3", 1)
        await post(trainer, "promote", {"version": 3})
        await level(scene, "linear", HISTORY + 2 * A_YEAR)
        verified = await scene.get(trainer, "/models/acme/verify")
    assert "the next training has all of them" in found["waits"]
    assert (status, found["waits"] in refused["detail"]) == (409, True)
    assert "challenger linear" in verified["proven"]


DIGEST = "select state_digest from challenger where model = '{model}'"
RAWS = """
select array_agg(s.raw order by p.learned_seq), array_agg(s.probability order by p.learned_seq), count(*)
from shadow_prediction s join prediction p using (prediction_id) where s.model = '{model}' and p.learned_seq is not null
"""


async def shadow_of(scene: Scene, trainer: SoloService) -> int:
    """The process of the challengers, once there is one."""

    async def pid() -> int | None:
        said = await scene.get(trainer, "/status")
        found: int | None = said["challengers"]["pid"]
        return found

    return await polling.until(pid) or 0


@pytest.mark.faults
@pytest.mark.parametrize("whom", ["the challengers", "the service"])
async def test_killed_in_between_it_comes_out_as_undisturbed(scene: Scene, whom: str) -> None:
    with scene.stack.service("trainer", MANUAL) as trainer:
        for model in ("calm", "acme"):
            past = history(source=model)
            await scene.publish(past.batch())
            await scene.until(f"select count(*) from model_version where model = '{model}' and version = 1", 1)
            await post(trainer, "promote", {"version": 1}, model)
            for year in range(2015, 2019):
                one_more_year(past, year)
                await scene.publish(past.batch())
                if model == "acme":
                    os.kill(
                        await shadow_of(scene, trainer) if whom == "the challengers" else trainer.pid, signal.SIGKILL
                    )
                if model == "acme" and whom == "the service":
                    trainer.wait(10)
                    trainer.start()
                    trainer.until_ready()
            await level(scene, "linear", HISTORY + 4 * A_YEAR, model)
        calm, acme = [await scene.ops.fetchrow(RAWS.format(model=model)) for model in ("calm", "acme")]
        digests = {await scene.ops.fetchval(DIGEST.format(model=model)) for model in ("calm", "acme")}
        verified = await scene.get(trainer, "/models/acme/verify")
    assert calm[2] == HISTORY + 4 * A_YEAR
    assert tuple(acme) == tuple(calm)
    assert len(digests) == 1
    assert (verified["findings"], verified["unproven"]) == ([], [])


@pytest.mark.faults
@pytest.mark.parametrize("point", ["before_challenger_commit:2", "after_challenger_commit:1"])
async def test_killed_around_its_commit_it_loses_nothing_and_says_nothing_twice(
    scene: Scene, past: Company, tmp_path: Path, point: str
) -> None:
    reached = tmp_path / "reached"
    crashing = {**MANUAL, "OKR_CRASH_AT": point, "OKR_CRASH_REACHED": str(reached)}
    with scene.stack.service("trainer", crashing) as trainer:
        await trained(scene, trainer, past)
        await level(scene, "linear", HISTORY + A_YEAR)
        verified = await scene.get(trainer, "/models/acme/verify")
        said = await scene.ops.fetchval(IN_SHADOW.format("linear"))
    assert reached.exists()
    assert said == HISTORY + A_YEAR
    assert "challenger linear" in verified["proven"]


@pytest.mark.faults
@pytest.mark.parametrize("point", ["before_training_commit:3", "after_training_commit:3"])
async def test_killed_while_it_takes_over_it_has_taken_over_once(
    scene: Scene, past: Company, tmp_path: Path, point: str
) -> None:
    """The third of these commits: after the training, and the promotion of its version."""
    reached = tmp_path / "reached"
    crashing = {**MANUAL, "OKR_CRASH_AT": point, "OKR_CRASH_REACHED": str(reached)}
    with scene.stack.service("trainer", crashing) as trainer:
        await trained(scene, trainer, past)
        await level(scene, "linear", HISTORY + A_YEAR)
        with pytest.raises(httpx2.HTTPError):
            await post(trainer, "promote", {"challenger": "linear"})
        trainer.wait(10)
        trainer.start()
        trainer.until_ready()
        await scene.until(DONE, 0)
        one_more_year(past, 2016)
        await scene.publish(past.batch())
        await level(scene, "newton", HISTORY + 2 * A_YEAR)
        verified = await scene.get(trainer, "/models/acme/verify")
        promoted = await scene.ops.fetchval("select count(*) from model_change where kind = 'promoted'")
    assert reached.exists()
    assert promoted == 2
    assert verified["proven"] == ["version 2", "the checkpoint", "version 1", "challenger newton"]
    assert (verified["findings"], verified["unproven"]) == ([], [])
