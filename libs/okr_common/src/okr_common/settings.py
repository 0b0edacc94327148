"""Settings: configs/pipeline_config.json, overridden by OKR_<GROUP>__<FIELD>; secrets by OKR_<GROUP>__<FIELD>_FILE.

The file has one group per concern. A service reads the common groups and the one of its own name; the groups of the
other services are theirs to check.
"""

import difflib
import json
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from okr_common import paths
from okr_common.errors import FatalError
from okr_common.postgres.names import DATABASES, database_dsn
from okr_common.topology import STAGES, Stage


class Group(BaseModel):
    """Settings that belong together; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(Group):
    """Where the broker is."""

    bootstrap: str = Field("127.0.0.1:9092", description="host:port, several separated by commas")


class PostgresSettings(Group):
    """A DSN for each database that the service uses; where one is empty, `server` says where `okr_<database>` is."""

    server: str = Field("", description="DSN of the server, without a database")
    raw: str = ""
    processed: str = ""
    curated: str = ""
    ops: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_server(cls, given: dict[str, str]) -> dict[str, str]:
        server = given.get("server", "")
        return {**{name: database_dsn(server, name) for name in DATABASES if server}, **given}


class RestSettings(Group):
    """Where the service's REST listens. Port 0 means the service's default port."""

    host: str = Field("127.0.0.1", description="loopback, because there is no authentication yet")
    port: int = Field(0, ge=0, le=65535)
    api_key: str = Field(
        "",
        pattern="^(.{16,})?$",
        description="secret that a request which changes a model's registry says as X-API-Key: 16 characters or more; "
        "without one no such request is served. `okr up` draws one",
    )


class SourcesSettings(Group):
    """Where the mappings are."""

    folder: Path = Field(
        Path("configs/sources"),
        description="one YAML file per source; relative to where services run: to the checkout, with `okr up`",
    )


class LogSettings(Group):
    """How much is said."""

    level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


class ScheduleSettings(Group):
    """When a service runs by itself, and what becomes of slots that were missed."""

    cron: dict[str, str] = Field({}, description="per service, in UTC; a service that is not named keeps its cadence")
    missed: Literal["latest", "all", "none"] = Field("latest", description="which missed slots are caught up with")
    window_hours: float = Field(24, gt=0, description="older slots are never caught up with")
    patience_hours: float = Field(4, gt=0, description="how long a scheduled run waits for the pipeline it needs")
    lease_seconds: float = Field(30, gt=0, description="a run whose service died is taken over after this time")
    clock_starts_at: AwareDatetime | None = Field(None, description="rehearsal: the schedule's clock begins here")

    def cron_of(self, stage: Stage) -> str:
        """The cadence of this service."""
        return self.cron.get(stage.service, stage.cron)


class DeadLettersSettings(Group):
    """What `okr dead-letters replay` may do."""

    attempts: int = Field(5, ge=0, description="a message is sent again so many times; beyond that only by `--force`")


class ServiceSettings(BaseSettings):
    """What every service reads. A service adds a field named like its group."""

    model_config = SettingsConfigDict(env_prefix="OKR_", env_nested_delimiter="__", frozen=True, extra="ignore")

    kafka: KafkaSettings = KafkaSettings()
    postgres: PostgresSettings = PostgresSettings()
    rest: RestSettings = RestSettings()
    sources: SourcesSettings = SourcesSettings()
    logs: LogSettings = LogSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    dead_letters: DeadLettersSettings = DeadLettersSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - settings come from outside only
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over pipeline_config.json."""
        return (_Environment(settings_cls, env_settings), _PipelineConfig(settings_cls))


class _Mapping(PydanticBaseSettingsSource):
    """A source that already has everything as a dict."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002, ANN401 - the base's signature
        return None, field_name, False


class _Environment(_Mapping):
    """OKR_<GROUP>__<FIELD>; where the group has no field of that name, `<FIELD>_FILE` names a file that holds it."""

    def __init__(self, settings_cls: type[BaseSettings], variables: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._variables = variables

    def __call__(self) -> dict[str, Any]:
        return {group: self._without_files(group, value) for group, value in self._variables().items()}

    def _without_files(self, group: str, value: Any) -> Any:  # noqa: ANN401 - whatever the variables hold
        if not isinstance(value, dict):
            return value
        known = _fields_at(self.settings_cls, (group,))
        return dict(_from_file(key, text) if key not in known else (key, text) for key, text in value.items())


def _from_file(key: str, value: str) -> tuple[str, str]:
    return (key.removesuffix("_file"), Path(value).read_text().strip()) if key.endswith("_file") else (key, value)


class _PipelineConfig(_Mapping):
    def __call__(self) -> dict[str, Any]:
        file = paths.config_file()
        if file is None:
            return {}
        content = _content(file)
        groups = {*ServiceSettings.model_fields, *(stage.module.removeprefix("okr_") for stage in STAGES.values())}
        for key in content:
            if key not in groups:
                raise FatalError(f"{file}: unknown group {key!r}{_nearest(key, groups)}")
        return {key: value for key, value in content.items() if key in self.settings_cls.model_fields}


def _content(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise FatalError(f"{file}: {error.strerror}; $OKR_CONFIG names the file, or leave it unset") from None
    except ValueError as error:
        raise FatalError(f"{file} is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise FatalError(f"{file} holds a {type(content).__name__}, not an object of groups")
    return content


Settings = TypeVar("Settings", bound=ServiceSettings)


def load(model: type[Settings]) -> Settings:
    """The service's settings. Raises FatalError that names each wrong key, and the nearest right one."""
    try:
        return model()
    except ValidationError as error:
        problems = "; ".join(_explain(model, part["loc"], part["type"], part["msg"]) for part in error.errors())
        raise FatalError(
            f"settings ({paths.config_file() or 'no pipeline_config.json'} and OKR_* variables): {problems}"
        ) from None


def _explain(model: type[BaseModel], where: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(str(part) for part in where)
    if kind != "extra_forbidden":
        return f"{name}: {message}"
    return f"unknown key {name}{_nearest(str(where[-1]), _fields_at(model, where[:-1]))}"


def _fields_at(model: type[BaseModel], where: tuple[int | str, ...]) -> set[str]:
    for part in where:
        if isinstance(part, str):  # a number is a place in a list
            inner = nested(model.model_fields[part])
            if inner is None:
                return set()
            model = inner
    return set(model.model_fields)


def nested(field: FieldInfo) -> type[BaseModel] | None:
    """The block, or the list's block, that a field holds; None where it holds plain values."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _nearest(key: str, known: set[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"
