"""The five steps against real databases: what is planted is found, told, and turned into alerts."""

from typing import TYPE_CHECKING, Any

import pytest

from okr_common.topology import STAGES
from okr_monitor.domain.findings import Rule
from okr_monitor.service import Monitor

if TYPE_CHECKING:
    from conftest import Planted

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
ANNOUNCED = "select count(*) from delivery.outbox where headers ->> 'ce_type' = $1"


async def report(monitor: Monitor, kind: str) -> Any:  # noqa: ANN401
    """The newest report's content."""
    written = await monitor.reports.newest(kind)
    assert written is not None
    return written.content


async def open_alerts(monitor: Monitor) -> list[tuple[str, str]]:
    return [alert.key for alert in await monitor.alerts.listed("open", None, 100)]


async def test_data_quality_counts_each_source_as_the_oracle_does(monitor: Monitor, planted: "Planted") -> None:
    await planted.source("mta", rows=10, rejected=2)
    await planted.source("jira", rows=5)
    said = await monitor.steps.data_quality(await planted.run())
    jira, mta = (await report(monitor, "data_quality"))["sources"]
    assert said["sources"] == 2
    assert (mta["records"], mta["rows"], mta["unreadable"]) == (11, 10, {"too_few_cells": 1})
    assert (mta["results"]["new"], mta["results"]["rejected"], mta["rejected_by_reason"]) == (8, 2, {"bad_date": 2})
    assert (jira["source"], jira["uncounted"], mta["uncounted"]) == ("jira", 0, 0)


async def test_a_row_that_nobody_counted_is_an_alert(monitor: Monitor, planted: "Planted") -> None:
    await planted.source("mta", rows=10, counted=9)
    slot = await planted.run()
    assert (await monitor.steps.data_quality(slot))["verdict"] == "bad"
    await monitor.steps.generate_alerts(slot)
    assert await open_alerts(monitor) == [(Rule.ROWS_UNCOUNTED, "mta")]


async def test_lost_files_are_an_alert(monitor: Monitor, planted: "Planted") -> None:
    await planted.source("mta", rows=1)
    await planted.put("raw", "file", ("mta", 2, "failed"))
    slot = await planted.run()
    await monitor.steps.data_quality(slot)
    await monitor.steps.generate_alerts(slot)
    assert await open_alerts(monitor) == [(Rule.FILES_LOST, "mta")]


@pytest.mark.parametrize(("serves", "hours", "raised"), [(1, 1, True), (1, 30, False), (0, 30, True)])
async def test_a_refused_checkpoint_is_an_alert_for_a_day_or_until_what_is_registered_serves(
    monitor: Monitor,
    planted: "Planted",
    serves: int,
    hours: int,
    raised: bool,  # noqa: FBT001
) -> None:
    await planted.put("ops", "model")
    await planted.put("ops", "model_version")
    await planted.put("ops", "checkpoint", (serves,))
    await planted.put("ops", "recovered", (serves, hours))
    await monitor.steps.generate_alerts(await planted.run())
    assert await open_alerts(monitor) == [(Rule.CHECKPOINT_REFUSED, "mta")] * raised


async def test_planted_drift_is_found_told_and_resolved_when_it_is_gone(monitor: Monitor, planted: "Planted") -> None:
    await planted.model()
    await planted.predictions("live", 60, shift=2.0, months=6)
    first = await planted.run()
    assert (await monitor.steps.detect_drift(first))["drifted"] == {"mta": ["margin"]}
    assert await planted.ask("ops", ANNOUNCED, "okr.monitoring.drift_detected.v1") == 1
    await monitor.steps.generate_alerts(first)
    assert await open_alerts(monitor) == [(Rule.DRIFT, "mta")]

    await planted.put("ops", "forget_live")
    await planted.predictions("live", 60, shift=0.0, months=6)
    second = await planted.run()
    assert (await monitor.steps.detect_drift(second))["drifted"] == {"mta": []}
    await monitor.steps.generate_alerts(second)
    assert await open_alerts(monitor) == []
    assert await planted.ask("ops", ANNOUNCED, "okr.monitoring.alert_resolved.v1") == 1


async def test_without_training_nothing_is_said_of_drift(monitor: Monitor, planted: "Planted") -> None:
    assert (await monitor.steps.detect_drift(await planted.run()))["verdict"] == "unknown"
    await planted.model(key_results=2)
    assert (await monitor.steps.detect_drift(await planted.run()))["verdict"] == "unknown"
    assert (await report(monitor, "detect_drift"))["models"][0]["state"] == "too_few"


async def test_live_predictions_are_scored_beside_their_baselines(monitor: Monitor, planted: "Planted") -> None:
    await planted.model(key_results=3)  # a replay's predictions are not live
    ids = await planted.predictions("live", 40, shift=0.0, months=2)
    await planted.predictions("late", 5, shift=0.0, months=1)
    await planted.put("ops", "outcome_heard", *[(each, number % 4 == 0) for number, each in enumerate(ids[:30])])
    said = await monitor.steps.model_performance(await planted.run())
    assert said["scored"] == 60
    (model,) = (await report(monitor, "model_performance"))["models"]
    assert (model["model"], model["key_results"]) == ("mta", 30)
    assert {name: scores["n"] for name, scores in model["predictors"].items()} == {
        "model": 60,
        "class_prior": 60,
        "meets_now": 60,
    }
    assert model["predictors"]["class_prior"]["brier"] == pytest.approx(0.25)


async def test_system_health_looks_at_broker_and_databases(monitor: Monitor, planted: "Planted") -> None:
    assert (await monitor.steps.system_health(await planted.run()))["verdict"] == "ok"
    health = await report(monitor, "system_health")
    assert {part["name"]: part["life"] for part in health["parts"]} == {
        "kafka": "ready",
        "okr_raw": "ready",
        "okr_processed": "ready",
        "okr_curated": "ready",
        "okr_ops": "ready",
    }
    assert health["lags"] == {}
    assert health["disks"][0]["free_bytes"] > 0


@pytest.mark.parametrize(("state", "rule"), [("failed", Rule.RUN_FAILED), ("degraded", Rule.RUN_DEGRADED)])
async def test_a_bad_run_is_one_alert_until_a_good_one(
    monitor: Monitor, planted: "Planted", state: str, rule: Rule
) -> None:
    await planted.run("etl", state, "boom: it broke")
    for _ in range(2):
        await monitor.steps.generate_alerts(await planted.run())
    alerts = await monitor.alerts.listed("open", None, 10)
    assert [alert.key for alert in alerts] == [(rule, "etl")]
    assert "boom: it broke" in alerts[0].text
    assert await planted.ask("ops", ANNOUNCED, "okr.monitoring.alert_raised.v1") == 1
    await planted.run("etl", "succeeded")
    await monitor.steps.generate_alerts(await planted.run())
    assert await open_alerts(monitor) == []


async def test_a_step_that_is_attempted_again_writes_the_same_report_once(monitor: Monitor, planted: "Planted") -> None:
    slot = await planted.run()
    first, again = [await monitor.steps.data_quality(slot) for _ in range(2)]
    assert first == again
    assert await planted.ask("ops", ANNOUNCED, "okr.monitoring.report_made.v1") == 1


async def test_a_report_that_is_missing_resolves_nothing(monitor: Monitor, planted: "Planted") -> None:
    await planted.source("mta", rows=10, counted=9)
    slot = await planted.run()
    await monitor.steps.data_quality(slot)
    await monitor.steps.generate_alerts(slot)
    without = await planted.run()
    await monitor.steps.generate_alerts(without)
    assert await open_alerts(monitor) == [(Rule.ROWS_UNCOUNTED, "mta")]
    assert Rule.ROWS_UNCOUNTED in (await report(monitor, "generate_alerts"))["not_judged"]


async def test_the_steps_are_those_of_the_topology(monitor: Monitor) -> None:
    assert tuple(monitor.steps.by_name) == STAGES["monitor"].steps
