"""docker-compose.yml on a real engine: how each part is confined, and files on their way to predictions."""

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml

from okr_cli.testing import Published
from okr_common import paths, topics
from okr_common.kafka.reader import read_all
from okr_common.records import Prediction
from okr_common.topology import STAGES

if TYPE_CHECKING:
    from conftest import Deployment
    from docker.models.containers import Container

pytestmark = [pytest.mark.containers, pytest.mark.timeout(400)]
DEPLOY = paths.repository() / "deploy"
PARTS = (*STAGES, "kafka", "postgres", "prometheus", "alertmanager", "grafana")
OUTBOX = "Said but not yet heard (outbox rows)"
PANELS = {
    panel["title"]: panel["targets"][0]["expr"]
    for panel in json.loads((DEPLOY / "grafana" / "dashboards" / "okr.json").read_text())["panels"]
}
RULES = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())["groups"][0]["rules"]
LATER = 30
"""Rows that come in the second file."""
TARGETS = {f"{name}:{stage.default_port}" for name, stage in STAGES.items()}
GRAFANA_SHOWS_SECONDS, STEP_SECONDS = 900, 5


@pytest.fixture(params=PARTS)
def part(request: pytest.FixtureRequest, deployment: "Deployment") -> "Container":
    if request.param not in deployment.services:
        pytest.skip(f"the image of {request.param} cannot be had here")
    return deployment.container(request.param)


@pytest.fixture(scope="module")
def first_file(deployment: "Deployment", published: Published, rows: list[list[str]]) -> None:
    """The first file has become predictions, one for each of its check-ins."""
    deployment.drop("first.csv", published.encoded(rows[:-LATER]))
    deployment.until(lambda: said_of_check_ins(deployment), len(rows) - LATER)


def said_of_check_ins(deployment: "Deployment") -> int:
    """Check-ins that okr_predictions speaks of."""
    read = read_all(deployment.address("kafka"), [topics.PREDICTIONS.name])
    said = [Prediction.model_validate(orjson.loads(message.value or b"")) for message in read]
    return len({one.check_in_id for one in said} - {None})


def test_the_part_is_healthy(part: "Container") -> None:
    assert health_of(part) == "healthy"
    assert part.attrs["RestartCount"] == 0


def test_none_of_its_processes_is_root_or_may_become_it(deployment: "Deployment", part: "Container") -> None:
    users = deployment.running(part, "sh", "-c", "stat -c %u /proc/[0-9]* 2>/dev/null || true").split()
    assert users
    assert "0" not in users
    status = dict(line.split(":\t", 1) for line in deployment.running(part, "cat", "/proc/1/status").splitlines())
    assert (int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"]) == (0, 0, "1")


def test_its_root_is_read_only(deployment: "Deployment", part: "Container") -> None:
    mounts = [line.split() for line in deployment.running(part, "cat", "/proc/mounts").splitlines()]
    assert [options.split(",")[0] for _, where, _, options, *_ in mounts if where == "/"] == ["ro"]


def test_it_has_limits(part: "Container") -> None:
    host = part.attrs["HostConfig"]
    assert 0 < host["Memory"] <= 2**30
    assert 0 < host["PidsLimit"] <= 512
    assert host["LogConfig"]["Config"]["max-size"] == "10m"


def test_what_it_keeps_is_a_volume_with_a_name(part: "Container") -> None:
    kept = [mount["Name"] for mount in part.attrs["Mounts"] if mount["Type"] == "volume"]
    assert [name for name in kept if not name.endswith("-data")] == []


def test_its_ports_are_on_loopback_only(part: "Container") -> None:
    asked = [
        binding["HostIp"] for bindings in part.attrs["HostConfig"]["PortBindings"].values() for binding in bindings
    ]
    assert asked == ["127.0.0.1"]


def test_the_migration_ran_to_its_end(deployment: "Deployment") -> None:
    assert deployment.container("migrate").attrs["State"]["ExitCode"] == 0


@pytest.mark.usefixtures("first_file")
def test_a_file_in_the_mounted_folder_becomes_predictions(deployment: "Deployment") -> None:
    at_risk = deployment.get("trainer", "/key-results", source="mta_nyct")
    assert at_risk
    newest = deployment.get("trainer", "/predictions", key_result=at_risk[0]["key_result_id"])[0]
    assert 0 <= newest["probability"] <= 1
    assert newest["reasons"]


def test_prometheus_reaches_the_five_services_and_alertmanager(deployment: "Deployment") -> None:
    deployment.until(lambda: health_of_targets(deployment), dict.fromkeys(TARGETS, "up"))
    managers = deployment.get("prometheus", "/api/v1/alertmanagers")["data"]
    assert [one["url"] for one in managers["activeAlertmanagers"]] == ["http://alertmanager:9093/api/v2/alerts"]


def health_of_targets(deployment: "Deployment") -> dict[str, str]:
    targets = deployment.get("prometheus", "/api/v1/targets")["data"]["activeTargets"]
    return {one["labels"]["instance"]: one["health"] for one in targets}


@pytest.mark.usefixtures("first_file")
@pytest.mark.parametrize("title", [title for title in PANELS if title != OUTBOX])
def test_the_panel_shows_the_first_file(deployment: "Deployment", title: str) -> None:
    deployment.until(lambda: any(value > 0 for _, value in drawn(deployment, title)), wanted=True)


def test_the_panel_of_the_outboxes_has_a_line_for_each_service(deployment: "Deployment") -> None:
    deployment.until(lambda: {labels["instance"] for labels, _ in drawn(deployment, OUTBOX)}, TARGETS)


def drawn(deployment: "Deployment", title: str) -> list[tuple[dict[str, str], float]]:
    """The points of a panel, asked for as Grafana does: labels and value."""
    now = deployment.prometheus_time()
    span = {"start": str(now - GRAFANA_SHOWS_SECONDS), "end": str(now), "step": str(STEP_SECONDS)}
    answer = deployment.get("prometheus", "/api/v1/query_range", query=PANELS[title], **span)
    return [(line["metric"], float(value)) for line in answer["data"]["result"] for _, value in line["values"]]


def test_every_alert_is_evaluated_and_none_is_raised(deployment: "Deployment") -> None:
    wanted = {rule["alert"]: ("ok", "inactive") for rule in RULES}
    deployment.until(lambda: verdicts(deployment), wanted)


def verdicts(deployment: "Deployment") -> dict[str, tuple[str, str]]:
    groups: list[dict[str, Any]] = deployment.get("prometheus", "/api/v1/rules")["data"]["groups"]
    return {rule["name"]: (rule["health"], rule["state"]) for group in groups for rule in group["rules"]}


def test_the_alerts_are_raised_when_they_should_be(deployment: "Deployment") -> None:
    said = deployment.running(
        deployment.container("prometheus"), "promtool", "test", "rules", "/etc/prometheus/rules_test.yml"
    )
    assert "SUCCESS" in said


@pytest.mark.usefixtures("first_file")
def test_a_killed_service_comes_back_and_the_next_file_becomes_predictions(
    deployment: "Deployment", published: Published, rows: list[list[str]]
) -> None:
    deployment.container("etl").exec_run(["sh", "-c", "kill -KILL -1"], detach=True)
    deployment.until(lambda: deployment.container("etl").attrs["RestartCount"], 1)
    deployment.drop("second.csv", published.encoded(rows[-LATER:]))
    deployment.until(lambda: said_of_check_ins(deployment), len(rows))
    deployment.until(lambda: health_of(deployment.container("etl")), "healthy")


def health_of(container: "Container") -> str:
    return str(container.attrs["State"]["Health"]["Status"])
