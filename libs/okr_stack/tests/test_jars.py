import hashlib
from pathlib import Path

import pytest

from okr_stack import jars
from okr_stack.errors import StackError


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.jar").write_bytes(b"b")
    (tmp_path / "a.jar").write_bytes(b"a")
    (tmp_path / "sums").write_text(f"{sha256(b'a')}  a.jar\n{sha256(b'b')}  b.jar\n")
    return tmp_path


def test_the_right_jars_come_in_the_order_of_the_list(folder: Path) -> None:
    assert jars.verify(folder, folder / "sums") == [folder / "a.jar", folder / "b.jar"]


@pytest.mark.parametrize("content", [b"changed", None])
def test_a_changed_or_missing_jar_is_refused_by_name(folder: Path, content: bytes | None) -> None:
    (folder / "b.jar").unlink()
    if content is not None:
        (folder / "b.jar").write_bytes(content)
    with pytest.raises(StackError, match=r"^b\.jar in .* differ from .*: delete that folder and try again"):
        jars.verify(folder, folder / "sums")


def test_a_jar_that_nobody_listed_is_refused(folder: Path) -> None:
    (folder / "c.jar").write_bytes(b"c")
    with pytest.raises(StackError, match=r"^c\.jar in "):
        jars.verify(folder, folder / "sums")


def test_the_committed_list_names_the_broker_that_the_recipe_asks_for() -> None:
    recipe = (jars.recipe() / "pom.xml").read_text()
    version = recipe.split("<kafka.version>")[1].split("<")[0]
    assert f"kafka_2.13-{version}.jar" in jars.parse((jars.recipe() / jars.CHECKSUMS).read_text())


async def test_when_maven_fails_its_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] no such host'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("OKR_CACHE", str(tmp_path / "cache"))
    with pytest.raises(StackError, match=r"Maven could not fetch Kafka's jars .*no such host"):
        await jars.resolve("test")
    assert list((tmp_path / "cache").iterdir()) == []
