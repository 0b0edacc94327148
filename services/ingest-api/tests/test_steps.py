"""The steps of a run: each has substance, and one source in trouble disturbs no other."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from okr_common.errors import PermanentError, RetryableError
from okr_common.paths import home
from okr_common.run_steps import RunContext
from okr_common.runs import Run, RunState, StepSkippedError
from okr_common.sources import SourcesFolder
from okr_common.testing.check_ins import check_ins
from okr_common.testing.misbehaving_process import Misbehaving
from okr_ingest_api.endpoints import Endpoints
from okr_ingest_api.steps import ApiSteps
from okr_ingest_api.store.ledger import Ledger
from okr_ingest_api.testing import SOURCE, STAGE, Fetching

pytestmark = pytest.mark.stack
OBJECTS = check_ins(5, 3)


def context(pool: asyncpg.Pool, **parameters: Any) -> RunContext:  # noqa: ANN401 - any JSON
    now = datetime(2026, 11, 24, 4, tzinfo=UTC)
    run = Run(uuid4(), STAGE.service, now, "cron", RunState.RUNNING, parameters=parameters)
    return RunContext(run, STAGE, pool, {}, {}, lambda: None)


@pytest.fixture
def steps(fetching: Fetching, sources: Path) -> ApiSteps:
    patient = fetching.with_settings(publish_patience_seconds=0.3)
    return ApiSteps(Endpoints(SourcesFolder(sources)), patient.fetcher, Ledger(fetching.pool, STAGE))


async def test_a_run_from_health_to_proof(steps: ApiSteps, server: Misbehaving, raw: asyncpg.Pool) -> None:
    server.hold(OBJECTS)
    run = context(raw)
    health = await steps.check_health(run)
    assert (health[SOURCE]["records"], health[SOURCE]["more"]) == (10, True)
    fetched = await steps.fetch(run)
    assert (fetched[SOURCE]["pages"], fetched[SOURCE]["rows"]) == (2, 15)
    assert await steps.fetch(run) == fetched, "again, there is nothing left to do"
    assert await steps.transform_validate(run) == {SOURCE: {"rows": 15, "blank": {}, "unknown_words": {}}}
    with pytest.raises(RetryableError, match="4 outbox rows of goals"):
        await steps.publish(run)
    await raw.execute("update delivery.outbox set sent_at = now()")
    assert await steps.publish(run) == {"sources": [SOURCE], "batches": 2, "records": 15}
    stored = await steps.store(run)
    assert (stored[SOURCE]["state"], stored[SOURCE]["rows"]) == ("done", 15)
    await raw.execute("delete from raw_row where row_num = 15")
    with pytest.raises(PermanentError, match="rows found: 15 said, 14 there") as raised:
        await steps.store(run)
    assert raised.value.reason == "does_not_add_up"


async def test_a_source_in_trouble_disturbs_no_other(
    steps: ApiSteps, server: Misbehaving, raw: asyncpg.Pool, sources: Path
) -> None:
    server.hold(OBJECTS)
    good = (sources / f"{SOURCE}.yaml").read_text()
    (sources / "asleep.yaml").write_text(good.replace("enabled: true", "enabled: false"))
    (sources / "broken.yaml").write_text(good.replace("records: data", "recrods: data"))
    (sources / "tokenless.yaml").write_text(good.replace(str(server.token_file), "secrets/nowhere"))
    run = context(raw)
    for step in (steps.check_health, steps.fetch):
        with pytest.raises(
            PermanentError, match=f"tokenless: the token_file {home()}/secrets/nowhere cannot"
        ) as raised:
            await step(run)
        assert raised.value.reason == "no_token"
    assert await raw.fetchval("select count(*) from raw_row") == 15
    assert set(await steps.store(run)) == {SOURCE}
    (sources / "elsewhere.yaml").write_text(good.replace(server.url, "http://127.0.0.1:1"))
    with pytest.raises(RetryableError, match=r"elsewhere: the connection failed.*; tokenless|tokenless.*; elsewhere"):
        await steps.check_health(run)


async def test_a_run_may_name_its_sources(
    steps: ApiSteps, server: Misbehaving, raw: asyncpg.Pool, sources: Path
) -> None:
    server.hold(OBJECTS)
    server.write_mapping(sources, "other")
    assert set(await steps.fetch(context(raw, sources=["other"]))) == {"other"}
    server.write_mapping(sources, "asleep").write_text(
        (sources / "other.yaml").read_text().replace("enabled: true", "enabled: false")
    )
    for name, says in {"asleep": "set api.enabled", "nobody": "enabled are: goals, other"}.items():
        with pytest.raises(PermanentError, match=says):
            await steps.fetch(context(raw, sources=[name]))


async def test_without_an_enabled_source_there_is_nothing_to_do(
    steps: ApiSteps, raw: asyncpg.Pool, sources: Path
) -> None:
    (sources / f"{SOURCE}.yaml").unlink()
    run = context(raw)
    for step in steps.as_steps().values():
        with pytest.raises(StepSkippedError):
            await step(run)


async def test_a_renamed_field_is_told_before_anybody_wonders(
    steps: ApiSteps, server: Misbehaving, raw: asyncpg.Pool
) -> None:
    for one in (renamed := [dict(one) for one in OBJECTS]):
        one["updated"] = one.pop("updated_at")
    server.hold(renamed)
    run = context(raw)
    await steps.fetch(run)
    with pytest.raises(
        PermanentError, match=r"none of 15 objects has updated_at \(the nearest key is updated\)"
    ) as raised:
        await steps.transform_validate(run)
    assert raised.value.reason == "shape_changed"
    again = replace(run, run=replace(run.run, run_id=uuid4()))
    await steps.fetch(again)
    with pytest.raises(StepSkippedError, match="anything new"):
        await steps.transform_validate(again)
