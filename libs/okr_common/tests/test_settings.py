import json
from pathlib import Path

import pytest

from okr_common import settings
from okr_common.errors import FatalError


class EtlGroup(settings.Group):
    batch_rows: int = 50_000


class EtlSettings(settings.ServiceSettings):
    etl: EtlGroup = EtlGroup()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "pipeline_config.json"
    monkeypatch.setenv("OKR_CONFIG", str(file))
    return file


@pytest.mark.parametrize(
    ("content", "says"), [("{", "is no JSON: .*line 1"), ("[]", "holds a list"), (None, "No such")]
)
def test_a_file_that_cannot_be_read_is_told_in_one_sentence(config: Path, content: str | None, says: str) -> None:
    if content is not None:
        config.write_text(content)
    with pytest.raises(FatalError, match=says):
        settings.load(EtlSettings)


def test_the_environment_wins_over_the_file_field_by_field(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(
        json.dumps({"rest": {"port": 9000, "host": "::1"}, "etl": {"batch_rows": 10}, "trainer": {"x": 1}})
    )
    monkeypatch.setenv("OKR_REST__PORT", "9001")
    loaded = settings.load(EtlSettings)
    assert (loaded.rest.port, loaded.rest.host, loaded.etl.batch_rows) == (9001, "::1", 10)


def test_a_secret_comes_from_a_file(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("{}")
    (tmp_path / "dsn").write_text("postgresql://somewhere/okr_raw\n")
    monkeypatch.setenv("OKR_POSTGRES__RAW_FILE", str(tmp_path / "dsn"))
    assert settings.load(EtlSettings).postgres.raw == "postgresql://somewhere/okr_raw"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"etl": {"batch_row": 10}}, "did you mean 'batch_rows'"),
        ({"kafkaa": {}}, "did you mean 'kafka'"),
        ({"rest": {"port": "high"}}, "rest.port"),
    ],
)
def test_a_wrong_key_is_named_with_the_nearest_right_one(config: Path, content: dict[str, object], says: str) -> None:
    config.write_text(json.dumps(content))
    with pytest.raises(FatalError, match=says):
        settings.load(EtlSettings)
