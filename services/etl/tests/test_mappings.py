"""Why a mapping waits: it cannot be carried out, where that is told, or it hides people and lacks a key."""

from pathlib import Path

import pytest

from okr_common import settings
from okr_common.errors import FatalError, PermanentError
from okr_common.paths import repository
from okr_common.sources import SourcesFolder
from okr_etl.mappings import Mappings
from okr_etl.settings import Settings

SHIPPED = repository() / "configs" / "sources"


@pytest.fixture
def folder(tmp_path: Path) -> SourcesFolder:
    text = (SHIPPED / "betterworks.yaml").read_text(encoding="utf-8")
    (tmp_path / "open.yaml").write_text(text, encoding="utf-8")
    hidden = text.replace("from: owner_email, type: text", "from: owner_email, type: text, person: true")
    (tmp_path / "hidden.yaml").write_text(hidden, encoding="utf-8")
    return SourcesFolder(tmp_path)


def test_without_a_key_only_the_source_that_hides_people_waits(folder: SourcesFolder) -> None:
    mappings = Mappings(folder)
    assert mappings.now("open").people == []
    with pytest.raises(
        PermanentError, match=r"hidden.yaml: it hides people \(owner\), .* OKR_ETL__PERSON_KEY_FILE"
    ) as why:
        mappings.now("hidden")
    assert why.value.reason == "no_person_key"
    assert Mappings(folder, "a key of sixteen").now("hidden").people == ["owner"]


def test_the_key_comes_from_a_file_and_a_short_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    monkeypatch.setenv("OKR_ETL__PERSON_KEY_FILE", str(file))
    file.write_text("a key of sixteen\n")
    assert settings.load(Settings).etl.person_key == "a key of sixteen"
    file.write_text("0815")
    with pytest.raises(FatalError, match=r"etl\.person_key") as why:
        settings.load(Settings)
    assert "0815" not in str(why.value), "a secret is not told"


def test_what_only_etl_can_tell_of_a_mapping_is_told_by_file_line_and_key(tmp_path: Path) -> None:
    text = (SHIPPED / "okr_template.yaml").read_text(encoding="utf-8")
    lines = [*text.splitlines(), "rows:", "  only: target +"]
    (tmp_path / "goals.yaml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(PermanentError) as why:
        Mappings(SourcesFolder(tmp_path)).now("goals")
    assert why.value.reason == "broken_mapping"
    assert str(why.value).startswith(f"{tmp_path / 'goals.yaml'}:{len(lines)}: rows.only: ")


def test_a_mapping_that_is_gone_and_one_that_is_empty_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").touch()
    mappings = Mappings(SourcesFolder(tmp_path))
    told = {}
    for source in ("empty", "gone"):
        with pytest.raises(PermanentError) as why:
            mappings.now(source)
        told[source] = (why.value.reason, str(why.value))
    assert told == {
        "empty": ("no_mapping", f"{tmp_path / 'empty.yaml'} is empty; write the source's mapping into it"),
        "gone": ("no_mapping", f"there is no {tmp_path / 'gone.yaml'}; put the source's mapping there"),
    }
