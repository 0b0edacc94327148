"""The misbehaving server as a child process of a test, and the test's hand on its controls."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from okr_common import paths

TOKEN = "a-token-for-tests"  # noqa: S105 - opens nothing but the server beside it
STOP_SECONDS = 5.0
CONTROL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Misbehaving:
    """A running server."""

    url: str
    token_file: Path

    def write_mapping(self, folder: Path, name: str = "goals", *, page_size: int = 10) -> Path:
        """The shipped example as an enabled source of this server, asked as fast as a test likes."""
        text = (paths.repository() / "configs" / "sources" / "tability_example.yaml").read_text()
        for old, new in {
            "enabled: false": "enabled: true",
            "http://127.0.0.1:8190": self.url,
            "secrets/tability_token": str(self.token_file),
            'limit: "100"': f'limit: "{page_size}"',
            "requests_per_second: 2": "requests_per_second: 500",
        }.items():
            assert old in text, old  # noqa: S101 - the example has changed
            text = text.replace(old, new)
        file = folder / f"{name}.yaml"
        file.write_text(text)
        return file

    def record(self, answers: Mapping[str, Mapping[str, Any]]) -> None:
        """What `/recorded/NAME` answers: by the cursor that asks for it, "" for the first."""
        self._control("PUT", "recorded", {name: dict(of) for name, of in answers.items()})

    def hold(self, check_ins: Sequence[Mapping[str, Any]]) -> None:
        """These are the check-ins now."""
        self._control("PUT", "check_ins", check_ins)

    def add(self, check_ins: Sequence[Mapping[str, Any]]) -> None:
        """These too; one with a known id replaces that one."""
        self._control("POST", "check_ins", check_ins)

    def script(self, misdeeds: Mapping[int, Mapping[str, Any]]) -> None:
        """What goes wrong at which page request, counted from now; the log begins anew."""
        self._control("PUT", "script", {str(number): dict(misdeed) for number, misdeed in misdeeds.items()})

    def log(self) -> list[dict[str, Any]]:
        """The page requests since the last script."""
        found: list[dict[str, Any]] = self._control("GET", "log")
        return found

    def _control(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - any JSON
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.url}/control/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=CONTROL_SECONDS) as answer:  # noqa: S310
            return json.load(answer)


@contextmanager
def misbehaving(folder: Path) -> Iterator[Misbehaving]:
    """A server on a free port; its token file lies in `folder`."""
    token_file = folder / "token"
    token_file.write_text(TOKEN + "\n")
    command = [sys.executable, "-m", "okr_common.testing.misbehaving", "--tied", "--token-file", str(token_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own module
        assert process.stdout is not None  # noqa: S101 - a pipe, as asked for
        try:
            port = json.loads(process.stdout.readline())["port"]
            yield Misbehaving(f"http://127.0.0.1:{port}", token_file)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
