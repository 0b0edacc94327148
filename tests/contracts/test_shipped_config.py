"""configs/pipeline_config.json, as shipped, is right for every service, and says what the code's defaults say."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from okr_common import paths, settings
from okr_common.topology import STAGES, Stage

FILE = paths.repository() / "configs" / "pipeline_config.json"


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_every_service_reads_it_and_its_values_are_the_defaults(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = import_module(f"{stage.module}.settings").Settings
    monkeypatch.setenv("OKR_CONFIG", str(FILE))
    shipped = settings.load(model)
    (tmp_path / "empty.json").write_text("{}")
    monkeypatch.setenv("OKR_CONFIG", str(tmp_path / "empty.json"))
    defaults = settings.load(model)
    named = [name for name in json.loads(FILE.read_text()) if name in model.model_fields]
    assert "logs" in named
    assert {name: getattr(shipped, name) for name in named} == {name: getattr(defaults, name) for name in named}


def test_every_place_of_the_design_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [str(place) for place in paths.CONFIG_PLACES] == ["configs", "/workspace/configs", "/opt/airflow/configs"]
    monkeypatch.delenv("OKR_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert paths.config_file() is None
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "pipeline_config.json").write_text("{}")
    assert paths.config_file() == Path("configs/pipeline_config.json")
