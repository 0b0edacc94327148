"""The deployment of docker-compose.yml on a real engine, under a name, ports, passwords and an inbox of its own."""

import socket
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from docker.errors import APIError, ImageNotFound
from docker.models.containers import Container
from testcontainers.compose import DockerCompose
from testcontainers.core.docker_client import DockerClient

from okr_cli.testing import Published
from okr_common import paths
from okr_common.topology import STAGES

ROOT = paths.repository()
PROJECT = f"okr-test-{zlib.crc32(str(ROOT).encode()):08x}"
"""One name per checkout: what a killed run left is swept away by the next, and other checkouts are left alone."""
PORTS = {
    "KAFKA": 19092, "POSTGRES": 5432, "INGEST_CSV": 8101, "INGEST_API": 8102, "ETL": 8103, "TRAINER": 8104,
    "MONITOR": 8105, "PROMETHEUS": 9090, "ALERTMANAGER": 9093, "GRAFANA": 3000,
}  # fmt: skip
"""Inside the containers, by the name that docker-compose.yml's variables have."""
LOOK_EVERY_SECONDS = 0.2
GRAFANA_ASIDE = "services: {grafana: {profiles: [aside]}}\n"
DIRECTION, YEAR, MONTH, TARGET = 7, 10, 11, 12


class Deployment:
    """What runs, asked as an operator does: `docker inspect`, REST, and files into the inbox."""

    def __init__(self, compose: DockerCompose, client: DockerClient, inbox: Path) -> None:
        self._compose = compose
        self._client = client
        self._inbox = inbox

    @property
    def services(self) -> set[str | None]:
        """What was started, by the names of docker-compose.yml."""
        return {one.Service for one in self._compose.get_containers(include_all=True)}

    def container(self, service: str) -> Container:
        """As the engine sees it now."""
        return self._client.client.containers.get(self._compose.get_container(service, include_all=True).ID)

    def running(self, container: Container, *command: str) -> str:
        """What a command says inside. Fails where the command does."""
        code, said = container.exec_run(command)
        assert code == 0, f"{container.name}: {command} ended with {code}: {said.decode()}"
        return said.decode()

    def address(self, service: str) -> str:
        """host:port as users reach it."""
        port = PORTS[service.replace("-", "_").upper()]
        host, published = self._compose.get_service_host_and_port(service, port)
        return f"{host}:{published}"

    def get(self, service: str, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """The JSON a part answers with."""
        return httpx2.get(f"http://{self.address(service)}{path}", params=parameters).raise_for_status().json()

    def prometheus_time(self) -> float:
        """The engine's clock, which need not be ours."""
        return float(self.get("prometheus", "/api/v1/query", query="time()")["data"]["result"][1])

    def drop(self, name: str, content: bytes) -> None:
        """A complete file appears in the mounted folder."""
        part = self._inbox / f".{name}.part"
        part.write_bytes(content)
        part.chmod(0o644)  # the service's user is not ours
        part.rename(self._inbox / name)

    def until(self, ask: Callable[[], object], wanted: object, within_seconds: float = 60) -> None:
        """Waits until the answer is this one; says what it was instead, and what the services said last."""
        deadline = time.monotonic() + within_seconds
        while (found := _answer(ask)) != wanted:
            if time.monotonic() > deadline:
                logs, _ = self._compose.get_logs("--tail=5", *STAGES)
                pytest.fail(f"after {within_seconds} s it is {found!r}, not {wanted!r}\n{logs}")
            time.sleep(LOOK_EVERY_SECONDS)


def _answer(ask: Callable[[], object]) -> object:
    """A part that does not answer may just be starting."""
    try:
        return ask()
    except httpx2.HTTPError as error:
        return error


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerClient]:
    """A container engine, or a skip that says who did not answer."""
    try:  # first by the command: the library leaves a socket open where nobody answers
        subprocess.run(["docker", "version"], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no command `docker` here")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no container engine answers: {error.stderr.strip()}")
    client = DockerClient()
    yield client
    client.client.close()


@pytest.fixture(scope="session")
def deployment(engine: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Everything built and up; at the end nothing of it is left but the images."""
    folder = tmp_path_factory.mktemp("compose")
    inbox = folder / "inbox"
    inbox.mkdir(mode=0o755)
    compose = DockerCompose(ROOT, _files(engine, folder), build=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _environment(folder, inbox).items():
            patch.setenv(name, value)
        compose.stop()  # what a killed run may have left
        with compose:
            yield Deployment(compose, engine, inbox)
        assert leftovers(engine) == []


def _environment(folder: Path, inbox: Path) -> dict[str, str]:
    secrets = folder / "secrets"
    subprocess.run([ROOT / "deploy" / "secrets.sh", secrets], check=True)
    ports = {f"OKR_{name}_PORT": str(port) for name, port in zip(PORTS, _free_ports(len(PORTS)), strict=True)}
    return {"COMPOSE_PROJECT_NAME": PROJECT, "OKR_SECRETS": str(secrets), "OKR_INBOX": str(inbox), **ports}


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different because all are held until the last is found."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _files(engine: DockerClient, folder: Path) -> list[str]:
    """docker-compose.yml, without Grafana where its image cannot be had."""
    plain = DockerCompose(ROOT)
    if _obtainable(engine, plain.get_config()["services"]["grafana"]["image"]):
        return ["docker-compose.yml"]
    aside = folder / "without-grafana.yml"
    aside.write_text(GRAFANA_ASIDE)
    return ["docker-compose.yml", str(aside)]


def _obtainable(engine: DockerClient, image: str) -> bool:
    try:
        engine.client.images.get(image)
    except ImageNotFound:
        try:
            engine.client.images.pull(image)
        except APIError as error:
            print(f"Grafana does not run in this test, its image {image} cannot be had: {error}")  # noqa: T201
            return False
    return True


def leftovers(engine: DockerClient) -> list[str]:
    """Containers, volumes and networks of the project."""
    mine = {"label": f"com.docker.compose.project={PROJECT}"}
    everything = engine.client
    found = [*everything.containers.list(all=True, filters=mine), *everything.volumes.list(filters=mine)]
    return [one.name for one in [*found, *everything.networks.list(filters=mine)]]


@pytest.fixture(scope="session")
def rows(published: Published) -> list[list[str]]:
    """Check-ins of two years in the order of their months; only those that can be judged."""
    judged = [row for row in published.of_years(2017, 2018) if float(row[TARGET]) and row[DIRECTION] != "N"]
    return sorted(judged, key=lambda row: (int(row[YEAR]), int(row[MONTH])))
