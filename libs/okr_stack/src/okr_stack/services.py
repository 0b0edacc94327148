"""The services as parts of the stack: which there are, and what each is told through its environment."""

import asyncio
import importlib.util
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from okr_common import paths
from okr_common.topology import STAGES, Stage
from okr_stack.errors import StackError
from okr_stack.ports import HOST
from okr_stack.processes import Launch
from okr_stack.state import State

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks our own loopback, whatever proxy the environment names."""


@dataclass(frozen=True)
class Wanted:
    """A service process that should run; several may share one stage (replicas), each under its own name."""

    stage: str
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Addresses:
    """Where the stack listens, and the roles' passwords."""

    kafka: int
    postgres: int
    passwords: Mapping[str, str]

    @property
    def bootstrap(self) -> str:
        """Kafka's address for clients."""
        return f"{HOST}:{self.kafka}"

    def dsn(self, role: str, database: str) -> str:
        """A role's address of one of the four databases."""
        return f"postgresql://{role}:{self.passwords[role]}@{HOST}:{self.postgres}/okr_{database}"


def available() -> list[str]:
    """The services whose program is installed."""
    return [name for name, stage in STAGES.items() if _has_program(stage)]


def _has_program(stage: Stage) -> bool:
    try:
        return importlib.util.find_spec(f"{stage.module}.__main__") is not None
    except ModuleNotFoundError:
        return False


def environment(stage: Stage, addresses: Addresses, port: int) -> dict[str, str]:
    """What a service must know: the broker, the databases it needs under its own role, its port, its configuration."""
    databases = {f"OKR_POSTGRES__{name.upper()}": addresses.dsn(stage.role, name) for name in stage.databases}
    config = paths.config_file()
    return {
        "OKR_KAFKA__BOOTSTRAP": addresses.bootstrap,
        **databases,
        "OKR_REST__PORT": str(port),
        **({"OKR_CONFIG": str(config.resolve())} if config else {}),
    }


UPLOADS = "OKR_INGEST_CSV__UPLOAD_FOLDER"
PERSON_KEY = "OKR_ETL__PERSON_KEY_FILE"
API_KEY = "OKR_REST__API_KEY_FILE"


def url_variable(stage: Stage) -> str:
    """The name under which `okr env` prints the service's address."""
    return f"{stage.module.upper()}_URL"


class Service:
    """One service process."""

    start_seconds = 60.0
    stop_seconds = 30.0  # it finishes or abandons its batch, flushes, leaves its group

    def __init__(self, name: str, wanted: Wanted, state: State, addresses: Addresses, ports: Mapping[str, int]) -> None:
        self.name = name
        self.port = ports[name]
        self.wanted = wanted
        self._state = state
        self._addresses = addresses
        self._ports = ports

    async def prepare(self) -> Launch:
        """Nothing is left to clear: a service keeps all it knows in the databases."""
        stage = STAGES[self.wanted.stage]
        return Launch(
            argv=[sys.executable, "-m", stage.module],
            log=self._state.logs / f"{self.name}.log",
            env={**environment(stage, self._addresses, self.port), **self._around(stage), **self.wanted.env},
            cwd=_working_folder(),
        )

    def _around(self, stage: Stage) -> dict[str, str]:
        """What this stack says to one: addresses to the monitor, disks to ingest-csv, keys to etl and the trainer."""
        if stage.service == "ingest-csv":
            return {"OKR_INGEST_CSV__DISKS": json.dumps([str(self._state.folder)]), **self._uploads()}
        if stage.service == "etl":
            return self._person_key()
        if stage.service == "trainer":
            return {} if _is_said("rest", "api_key") else {API_KEY: str(self._state.api_key())}
        if stage.service != "monitor":
            return {}
        addresses = {name: f"http://{HOST}:{port}" for name, port in self._ports.items()}
        return {"OKR_MONITOR__SERVICES": json.dumps(addresses)}

    def _uploads(self) -> dict[str, str]:
        """Each stack keeps what it is sent, or another one would take it for its own; unless somebody says where to."""
        if _is_said("ingest_csv", "upload_folder"):
            return {}
        return {UPLOADS: str(self._state.folder.resolve() / "uploads")}

    def _person_key(self) -> dict[str, str]:
        """A key of the stack's own, kept with its data; unless somebody has one for several stacks."""
        return {} if _is_said("etl", "person_key") else {PERSON_KEY: str(self._state.person_key())}

    async def ready(self) -> bool:
        """Its own /readyz says yes."""
        return await asyncio.to_thread(answers, f"http://{HOST}:{self.port}/readyz")

    async def ended(self, code: int) -> None:
        """Nothing to look after."""
        del code


def _is_said(group: str, field: str) -> bool:
    """Whether the environment or the configuration sets it."""
    config = paths.config_file()
    said = json.loads(config.read_bytes()).get(group, {}) if config else {}
    variable = f"OKR_{group}__{field}".upper()
    return field in said or variable in os.environ or f"{variable}_FILE" in os.environ


def _working_folder() -> Path:
    """Relative paths of the configuration (configs/sources, data/raw) mean the checkout."""
    return paths.repository()


def answers(url: str, timeout_seconds: float = 1.0) -> bool:
    """Say whether the address answers 200."""
    try:
        with DIRECT.open(url, timeout=timeout_seconds) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return False
    except OSError:
        return False


def wanted_from(names: Sequence[str], env: Mapping[str, str]) -> dict[str, Wanted]:
    """One process per named service; `etl-2` is a second replica of `etl`.

    >>> wanted_from(["etl", "etl-2"], {})["etl-2"].stage
    'etl'
    """
    return {name: Wanted(_known_stage_of(name), dict(env)) for name in names}


def stage_of(name: str) -> str | None:
    """The stage of a service process by its name; None for Kafka and PostgreSQL."""
    stem, _, number = name.rpartition("-")
    stage = stem if number.isdigit() else name
    return stage if stage in STAGES else None


def _known_stage_of(name: str) -> str:
    stage = stage_of(name)
    if stage is None:
        raise StackError(f"{name} is no service: there are {', '.join(STAGES)}.")
    return stage
