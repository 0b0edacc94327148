"""The stack draws the keys it needs once, keeps them, and gives each to its service; one that is set wins."""

import asyncio
import json
from pathlib import Path

import pytest

from okr_common.topology import STAGES
from okr_stack.services import API_KEY, PERSON_KEY, Addresses, Service, Wanted
from okr_stack.state import State

ADDRESSES = Addresses(1, 2, {stage.role: "x" for stage in STAGES.values()})


def given_to(stage: str, state: State, name: str = PERSON_KEY) -> str | None:
    service = Service(stage, Wanted(stage), state, ADDRESSES, {stage: 3})
    return asyncio.run(service.prepare()).env.get(name)


def test_only_etl_gets_it_and_it_stays(tmp_path: Path) -> None:
    first = given_to("etl", State.at(tmp_path))
    assert first is not None
    key = Path(first).read_text()
    assert len(key) > 40
    assert Path(first).stat().st_mode & 0o777 == 0o600
    assert given_to("etl", State.at(tmp_path)) == first
    assert Path(first).read_text() == key
    assert given_to("trainer", State.at(tmp_path)) is None


def test_the_trainer_gets_the_key_for_changes_and_no_other(tmp_path: Path) -> None:
    first, again = (given_to("trainer", State.at(tmp_path), API_KEY) for _ in range(2))
    assert first == again == str(tmp_path / "api_key")
    assert len(Path(first).read_text()) > 40
    assert given_to("etl", State.at(tmp_path), API_KEY) is None


@pytest.mark.parametrize("name", ["OKR_ETL__PERSON_KEY", "OKR_ETL__PERSON_KEY_FILE"])
def test_a_key_in_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "mine")
    assert given_to("etl", State.at(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_key_in_the_configuration_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"etl": {"person_key": "a key of sixteen"}}))
    monkeypatch.setenv("OKR_CONFIG", str(config))
    assert given_to("etl", State.at(tmp_path / "state")) is None
