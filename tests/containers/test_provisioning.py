"""What Grafana is given at its start fits together. Needs no engine."""

import json
from typing import Any

import pytest
import yaml

from okr_common import paths

ROOT = paths.repository()
GRAFANA = ROOT / "deploy" / "grafana"


def provisioned(kind: str, key: str) -> Any:  # noqa: ANN401 - as it was written
    """The only entry of the only file that provisions this kind of thing."""
    (file,) = (GRAFANA / "provisioning" / kind).iterdir()
    (entry,) = yaml.safe_load(file.read_text())[key]
    return entry


@pytest.fixture
def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


@pytest.fixture
def dashboard() -> dict[str, Any]:
    made: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "okr.json").read_text())
    return made


def test_the_dashboard_has_four_panels_and_each_asks_the_provisioned_data_source(dashboard: dict[str, Any]) -> None:
    source = provisioned("datasources", "datasources")
    assert len(dashboard["panels"]) == 4
    for panel in dashboard["panels"]:
        assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
        assert [bool(target["expr"]) for target in panel["targets"]] == [True]


def test_the_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]}
    assert places == {(0, 0), (12, 0), (0, 9), (12, 9)}


def test_the_data_source_is_the_prometheus_of_the_deployment(compose: dict[str, Any]) -> None:
    source = provisioned("datasources", "datasources")
    assert source["url"] == "http://prometheus:9090"
    assert compose["prometheus"]["ports"][0].endswith(":9090")


def test_the_folders_are_mounted_where_grafana_looks(compose: dict[str, Any]) -> None:
    folder = provisioned("dashboards", "providers")["options"]["path"]
    mounted = dict(volume.split(":")[:2] for volume in compose["grafana"]["volumes"])
    assert mounted["./deploy/grafana/dashboards"] == folder
    assert mounted["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
