"""`okr up|status|env|down` as a person types them, on the real thing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from okr_cli.main import app
from okr_stack.stack import Stack

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cli") / "state"
    yield folder
    Stack(folder).erase()


def okr(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("okr")), "--state", str(state), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_nothing_is_up_before_up(state: Path) -> None:
    shown = CliRunner().invoke(app, ["--state", str(state), "status", "--json"])
    assert shown.exit_code == 1
    assert json.loads(shown.stdout) == {"phase": "down", "supervisor": None, "error": "", "parts": []}
    addresses = okr(state, "env")
    assert addresses.returncode == 1
    assert "No stack was ever up in" in addresses.stderr
    assert "Traceback" not in addresses.stderr
    assert not state.exists()


def test_up_status_env_down(state: Path) -> None:
    assert okr(state, "up").stdout.startswith("up after")
    assert okr(state, "stack", "up").stdout.startswith("already up")

    parts = {part["name"]: part for part in json.loads(okr(state, "status", "--json").stdout)["parts"]}
    assert {"kafka", "postgres"} <= parts.keys()
    for part in parts.values():
        assert part["life"] == "ready"
        assert part["health"] == "ok"
        assert part["rss_bytes"] > 10_000_000
        os.kill(part["pid"], 0)

    lines = dict(line.split("=", 1) for line in okr(state, "env").stdout.splitlines())
    assert lines["OKR_KAFKA_BOOTSTRAP"] == f"127.0.0.1:{parts['kafka']['port']}"
    assert lines["OKR_POSTGRES_DSN_RAW"].startswith("postgresql://okr_readonly:")

    assert okr(state, "down").stdout.startswith("down after")
    assert okr(state, "down").stdout.startswith("nothing was running")
    for part in parts.values():
        with pytest.raises(ProcessLookupError):
            os.kill(part["pid"], 0)


def test_without_java_one_sentence_says_what_to_install(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    tried = okr(state, "up")
    assert tried.returncode == 1
    assert "Java 17 or newer is needed to run Kafka: install it" in " ".join(tried.stderr.split())
    assert "Traceback" not in tried.stderr


def test_in_the_foreground_it_shows_the_logs_and_stops_on_sigterm(state: Path) -> None:
    command = [str(Path(sys.executable).with_name("okr")), "--state", str(state), "up", "--foreground"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as foreground:
        assert foreground.stdout
        assert foreground.stdout.readline().startswith("up after")
        pids = [part["pid"] for part in json.loads(okr(state, "status", "--json").stdout)["parts"]]
        with (state / "logs" / "kafka.log").open("a") as log:
            log.write("a word from the broker\n")
        while "kafka | a word from the broker" not in foreground.stdout.readline():
            assert foreground.poll() is None
        foreground.terminate()
        rest = foreground.communicate(timeout=60)[0]
    assert foreground.returncode == 0, rest
    assert "stopping" in rest
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
