"""The settings of etl."""

from pydantic import Field

from okr_common.settings import Group, ServiceSettings


class EtlSettings(Group):
    """How eager it is."""

    sweep_seconds: float = Field(5.0, gt=0, description="how often okr_raw is asked for batches no event told of")
    curate_seconds: float = Field(
        0.5,
        gt=0,
        description="how long due documents gather before they are written; while batches are applied they wait, five "
        "minutes at most",
    )
    sweep_patience_seconds: float = Field(600.0, gt=0, description="how long a run waits for ingest-csv's sweep")
    reconcile_days: int = Field(7, gt=0, description="the daily run recounts the batches of so many days")
    person_key: str = Field(
        "",
        pattern="^(.{16,})?$",
        description="secret with which people are hidden where a mapping says `person`: 16 characters or more, kept as "
        "long as the data; `okr up` draws one",
    )
    documents: int = Field(1000, gt=0, description="written in one transaction; bounds memory")


class Settings(ServiceSettings):
    """What the service reads."""

    etl: EtlSettings = EtlSettings()
