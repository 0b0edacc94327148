"""Settings of ingest-csv: the group `ingest_csv`."""

from pathlib import Path

from pydantic import Field

from okr_common.settings import Group, ServiceSettings


class IngestCsvSettings(Group):
    """Where files come from, when they count as complete, and how much is done at once."""

    folders: tuple[Path, ...] = Field((Path("data/raw"),), description="watched; made at start where they are missing")
    patterns: tuple[str, ...] = Field(("*.csv",), description="names to take, upper and lower case alike")
    stable_seconds: float = Field(
        2.0,
        ge=0,
        description="a file that nobody saw being closed is complete when it was not written to for this long",
    )
    rescan_seconds: float = Field(
        60.0, gt=0, description="between two looks into the folders, beside the live watch and the scheduled sweep"
    )
    batch_rows: int = Field(
        50_000,
        ge=1,
        le=1_000_000,
        description="rows per transaction: what a crash reads again, and what etl takes at once",
    )
    parallel_sources: int = Field(
        4, ge=1, le=64, description="sources loaded at the same time; each holds a connection"
    )


class Settings(ServiceSettings):
    """What ingest-csv reads."""

    ingest_csv: IngestCsvSettings = IngestCsvSettings()
