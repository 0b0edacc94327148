"""What is missing is told in one sentence with what to do."""

from pathlib import Path

import pytest

from okr_stack import java, pg_server, preflight
from okr_stack.errors import StackError
from okr_stack.state import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State.at(tmp_path)
    state.make()
    return state


def a_program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    return program


def test_no_java(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(StackError, match=r"^Java 17 or newer is needed .* apt-get install openjdk-17"):
        preflight.check(state)


def test_an_old_java(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(tmp_path / "bin", "java", 'openjdk version "11.0.20" 2023-07-18')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(StackError, match=r"bin/java is Java 11\. Java 17 or newer is needed"):
        preflight.check(state)


def test_the_java_of_java_home_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = a_program(tmp_path / "bin", "java", 'openjdk version "25" 2025-09-16')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java.find() == str(program)


def test_no_maven_matters_only_while_the_jars_are_missing(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_program(tmp_path / "bin", "java", 'openjdk version "17.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setattr("okr_stack.preflight.shutil.which", lambda _: None)
    monkeypatch.setenv("OKR_CACHE", str(tmp_path / "empty"))
    with pytest.raises(StackError, match=r"^Maven is needed once.* apt-get install maven"):
        preflight.check(state)


def test_no_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pg_server, "candidates", lambda: iter(()))
    with pytest.raises(StackError, match=r"^No PostgreSQL server 14 or newer .* apt-get install postgresql"):
        pg_server.binaries()


def test_data_of_another_major_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pg_server, "candidates", lambda: iter([Path("/pg16"), Path("/pg18")]))
    monkeypatch.setattr(pg_server, "major", lambda folder: int(folder.name[2:]))
    assert pg_server.binaries() == Path("/pg16")
    assert pg_server.binaries(made_by=18) == Path("/pg18")
    with pytest.raises(StackError, match="data was made by PostgreSQL 15 and this machine has 16, 18"):
        pg_server.binaries(made_by=15)


def test_a_full_disk(state: State) -> None:
    preflight.enough_space(state, least=1)
    with pytest.raises(StackError, match="free some space, or name another folder with --state"):
        preflight.enough_space(state, least=2**60)
