"""What serves: by the gates, or because a person says so; and what it costs to take it back."""

from typing import Any

import httpx2
import orjson
import pytest

from okr_common.topics import MODEL_EVENTS
from okr_stack.solo import SoloService
from okr_trainer.testing import Company

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
KEY = "a key of sixteen"
WITH_KEY = {"OKR_REST__API_KEY": KEY}
VERSIONS = "select version, alias from model_version order by version"
SERVES = "select version from checkpoint"
LEARNED = "select count(*) from outcome_heard where learned > 0"
REBUILT = "select count(*) from model_version where version = 2"
REGISTER = "insert into work_item (pipeline, kind, subject) values ('trainer', 'register', 'acme')"
Scene = Any


def plain_history() -> Company:
    """Levels that do not change in the last month: the pace rule reads them better than a model of thirty outcomes."""
    company = Company()
    for year in range(2010, 2015):
        for number in range(6):
            level = 96.0 + 1.6 * number
            values = [level + ((month * 7 + year + number) % 5 - 2) * 0.9 for month in range(12)]
            company.year(f"series {number}", year, values)
    return company


def one_more_year(past: Company, year: int) -> None:
    for number in range(6):
        past.year(f"series {number}", year, [96.0 + 1.6 * number + month % 3 for month in range(12)])


async def changed(trainer: SoloService, verb: str, body: dict[str, Any], key: str | None = KEY) -> tuple[int, Any]:
    async with httpx2.AsyncClient(timeout=30) as client:
        headers = {} if key is None else {"X-API-Key": key}
        answer = await client.post(f"{trainer.url}/models/acme/{verb}", json=body, headers=headers)
    return answer.status_code, answer.json()


async def aliases(scene: Scene) -> dict[int, str | None]:
    return {row["version"]: row["alias"] for row in await scene.ops.fetch(VERSIONS)}


async def test_a_first_model_that_is_worse_than_the_pace_rule_stands_there_and_does_not_serve(scene: Scene) -> None:
    past = plain_history()
    with scene.stack.service("trainer", WITH_KEY) as trainer:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        assert await aliases(scene) == {0: "champion", 1: "challenger"}
        (version_1, _) = await scene.get(trainer, "/models/acme")
        one_more_year(past, 2015)
        await scene.publish(past.batch())
        await scene.settled(6 * 6 * 13)
        answered = await scene.ops.fetch("select distinct model_version from prediction where kind = 'live'")
        said = scene.published(MODEL_EVENTS.name)
        changes = await scene.get(trainer, "/models/acme/changes")

        status, done = await changed(trainer, "promote", {"version": 1, "reason": "I know better"})
        learned = await scene.ops.fetchval("select learned from checkpoint")
    assert version_1["verdict"]["passed"] is False
    assert "version 0, the pace rule, has" in version_1["verdict"]["reasons"][0]
    assert [row["model_version"] for row in answered] == [0]
    (judged,) = [one for one in said if "reasons" in one]
    assert (judged["passed"], judged["reasons"]) == (False, version_1["verdict"]["reasons"])
    assert [(one["kind"], one["serves"]) for one in changes] == [("registered", 0)]
    assert (status, done["before"], done["learned_again"]) == (200, 0, 6 * 13)
    assert learned == 30 * 13 + 6 * 13


async def test_a_rollback_serves_once_it_is_answered_and_loses_nothing(scene: Scene, past: Company) -> None:
    """From a training to the one before it, and on: both have learned every outcome, whoever served when it came."""
    with scene.stack.service("trainer", WITH_KEY) as trainer:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        one_more_year(past, 2015)
        await scene.publish(past.batch())
        await scene.until(LEARNED, 6)
        before = await scene.ops.fetchval("select state_digest from checkpoint")
        assert (await changed(trainer, "rebuild", {}))[0] == 202
        await scene.until(REBUILT, 1)
        await scene.until("select count(*) from work_item where state = 'open'", 0)
        assert await aliases(scene) == {0: None, 1: "previous", 2: "champion"}

        status, done = await changed(trainer, "rollback", {"reason": "too sure"})
        assert await aliases(scene) == {0: None, 1: "champion", 2: "previous"}
        after = await scene.ops.fetchrow("select version, learned, state_digest from checkpoint")

        one_more_year(past, 2016)
        await scene.publish(past.batch())
        await scene.until(LEARNED, 12)
        by_one = await scene.ops.fetchval("select learned from checkpoint")
        await changed(trainer, "promote", {"version": 2})
        by_two = await scene.ops.fetchrow("select version, learned from checkpoint")
        verified = await scene.get(trainer, "/models/acme/verify")
        audit = await scene.ops.fetch(
            "select kind, served, serves, made_by, reason from model_change order by change_id"
        )
    assert (status, done["version"], done["before"], done["learned_again"]) == (200, 1, 2, 6 * 13)
    assert (after["version"], after["learned"], after["state_digest"]) == (1, 36 * 13, before)
    assert by_one == 42 * 13
    assert tuple(by_two) == (2, 42 * 13)
    assert (verified["proven"], verified["findings"]) == (["version 2"], [])
    assert verified["unproven"] == ["the checkpoint"]  # what version 1 learned meanwhile has that one's numbers
    assert [tuple(row) for row in audit[2:]] == [
        ("rolled_back", 2, 1, "person", "too sure"),
        ("promoted", 1, 2, "person", "no reason given"),
    ]
    promoted = [one for one in scene.published(MODEL_EVENTS.name) if "learned_again" in one]
    assert [(one["before"], one["version"]) for one in promoted] == [(0, 1), (1, 2), (2, 1), (1, 2)]


async def test_back_and_forth_each_version_comes_out_as_it_was(scene: Scene, past: Company) -> None:
    """A row that one version made and another has learned does not become the other's own for that."""
    digest = "select state_digest from checkpoint"
    with scene.stack.service("trainer", WITH_KEY) as trainer:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        assert (await changed(trainer, "rebuild", {}))[0] == 202
        await scene.until("select count(*) from model_version where version = 2 and alias = 'champion'", 1)
        year = Company(position=past.position)
        one_more_year(year, 2015)
        ended = [one for one in year.in_order if hasattr(one, "achieved")]
        year.said = [one for one in year.in_order if one not in ended]
        await scene.publish(year.batch())
        await scene.settled(6 * 6 * 13)
        await changed(trainer, "promote", {"version": 1})
        for number, one in enumerate(ended[:3], 1):
            place = one.version.place._replace(position=year.position)
            year.said = [one._replace(version=one.version._replace(place=place))]
            await scene.publish(year.batch())
            await scene.until(LEARNED, number)
        states: dict[int, list[str]] = {1: [await scene.ops.fetchval(digest)], 2: []}
        for version in (2, 1, 2, 1):
            status, done = await changed(trainer, "promote", {"version": version})
            assert (status, done["learned_again"]) == (200, 3 * 13)
            states[version].append(await scene.ops.fetchval(digest))
    made_by = "select distinct model_version from prediction where kind = 'live' and training = 1 and learned_seq > 390"
    assert await scene.ops.fetchval(made_by) == 2
    assert [len(set(found)) for found in states.values()] == [1, 1]


async def test_open_predictions_that_the_other_version_made_are_learned_too(scene: Scene, past: Company) -> None:
    with scene.stack.service("trainer", WITH_KEY) as trainer:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        await changed(trainer, "rollback", {})
        assert await scene.ops.fetchval(SERVES) == 0
        year = Company(position=past.position)
        one_more_year(year, 2015)
        ended = [one for one in year.in_order if hasattr(one, "achieved")]
        year.said = [one for one in year.in_order if one not in ended]
        await scene.publish(year.batch())
        await scene.settled(6 * 6 * 13)
        await changed(trainer, "promote", {"version": 1})
        year.said = [
            one._replace(version=one.version._replace(place=one.version.place._replace(position=year.position)))
            for one in ended
        ]
        await scene.publish(year.batch())
        await scene.until(LEARNED, 6)
        learned = await scene.ops.fetchval("select learned from checkpoint")
    assert learned == 36 * 13
    rows = await scene.ops.fetch("select training, model_version from prediction where learned_seq > 390 order by 1")
    assert {tuple(row) for row in rows} == {(1, 0)}


async def test_a_versions_metrics_are_those_of_its_own_way_and_too_few_labels_make_no_champion(
    scene: Scene, past: Company
) -> None:
    """Of what the one before it predicted since it was registered; not of all predictions ever."""
    with scene.stack.service("trainer", WITH_KEY):
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        for version, years in ((2, range(2015, 2019)), (3, range(2019, 2023)), (4, range(2023, 2024))):
            for year in years:
                one_more_year(past, year)
            await scene.publish(past.batch())
            await scene.until(LEARNED, 6 * (years.stop - 2015))
            await scene.ops.execute(REGISTER)
            await scene.until(f"select count(*) from model_version where version = {version}", 1)
        rows = await scene.ops.fetch("select metrics, verdict from model_version where version > 1 order by version")
        serving = await scene.ops.fetchrow("select version, learned from checkpoint")
        assert await aliases(scene) == {0: None, 1: None, 2: "previous", 3: "champion", 4: "challenger"}
    assert [orjson.loads(row["metrics"])["all"]["n"] for row in rows] == [6 * 4 * 12, 6 * 4 * 12, 6 * 12]
    verdict = orjson.loads(rows[2]["verdict"])
    assert verdict["reasons"] == ["6 outcomes of what it predicted are known so far, and it takes 20 to judge it"]
    assert tuple(serving) == (3, 30 * 13 + 54 * 13)


async def test_only_who_knows_the_key_changes_what_serves(scene: Scene, past: Company) -> None:
    with scene.stack.service("trainer", WITH_KEY) as trainer:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        for verb, body in (("promote", {"version": 0}), ("rollback", {}), ("rebuild", {})):
            for key in (None, "another key of sixteen"):
                status, problem = await changed(trainer, verb, body, key)
                assert (status, problem["title"]) == (401, "Unauthorized")
                assert "X-API-Key" in problem["detail"]
        assert await scene.ops.fetchval("select count(*) from work_item where kind <> 'train_initial'") == 0
        missing, problem = await changed(trainer, "promote", {"version": 7})
        assert (missing, "has no version 7" in problem["detail"]) == (404, True)
        again, problem = await changed(trainer, "promote", {"version": 1})
        assert (again, "serves already" in problem["detail"]) == (409, True)
        differs = await scene.get(trainer, "/models/acme/diff", a=0, b=1)
        assert differs["pipeline"] == ["linear_pace", "ensemble"]
        assert (await scene.get(trainer, "/models/acme/diff", a=0, b=9))["status"] == 404
    with scene.stack.service("trainer") as without:
        status, problem = await changed(without, "rollback", {})
    assert (status, "this service has no API key" in problem["detail"]) == (401, True)


async def test_by_hand_a_version_that_passes_waits(scene: Scene, past: Company) -> None:
    manual = {"OKR_TRAINER__PROMOTION": "manual", **WITH_KEY}
    with scene.stack.service("trainer", manual) as trainer:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        assert await aliases(scene) == {0: "champion", 1: "challenger"}
        verdict = orjson.loads(await scene.ops.fetchval("select verdict from model_version where version = 1"))
        assert verdict["passed"] is True
        await changed(trainer, "promote", {"version": 1})
        assert await aliases(scene) == {0: None, 1: "champion"}
